"""The sample workbooks come in through the product's own pages; in a file of its own, where no district is laid out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import User
from audit.imports.models import ImportPolicy
from audit.models import Event
from grids.trees import check
from hedong.demo.samples import keeper_of_everything
from partners.models import Partner
from tests import factories
from tests.tables_out.test_doors import counts, faults, press, send, shown
from tests.tables_out.test_samples import FOLDER, ORDER, also_work_in_the_streets, read

pytestmark = pytest.mark.django_db


def test_an_empty_district_takes_all_samples_in_through_the_pages(db: None, client: Any) -> None:
    call_command("load_basics", verbosity=0)
    ImportPolicy.objects.update_or_create(pk=1, defaults={"rows_at_once": 5000})
    district = next(row["area"] for row in read(FOLDER / "posts.xlsx", "posts") if row["role"] == "区级干部")
    factories.area(None, "district", district)
    for name in ("posts", "local_posts"):
        for row in read(FOLDER / f"{name}.xlsx", name):
            if not User.objects.filter(username=row["username"]).exists():
                factories.user(row["username"], display_name=row["name"])
    person: Any = keeper_of_everything()
    for code in ORDER:
        if code in ("departments", "requests"):
            also_work_in_the_streets(person)
        client.force_login(User.objects.get(pk=person.pk))
        data = Path(FOLDER / f"{code}.xlsx").read_bytes()
        run = send(client, code, data)
        assert faults(run) == [], code
        assert run.rows == len(read(FOLDER / f"{code}.xlsx", code))
        if run.new or run.changed:
            press(client, run, "write")
            assert (run.state, run.note) == ("done", ""), code
            assert Event.objects.filter(verb="import.written", target_id=str(run.pk)).exists()
        again = send(client, code, data)
        assert counts(again) == (0, 0, run.rows, 0), (code, counts(again))
        assert "都一样，没有要导入的" in shown(client, again)
    assert check() == []
    assert not Partner.objects.filter(category="department", department=None).exists()
