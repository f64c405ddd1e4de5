"""What goes out of a registry and comes back unchanged changes nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.models import User
from common.tables.safe import harmless
from common.tables.sheet import sheet, sheets
from grids.models import Post
from grids.models import Area
from requests_board.models import ServiceRequest
from tests import demo_district, factories

pytestmark = pytest.mark.django_db

CODES = sorted([
    "areas", "buildings", "party", "posts", "local_posts", "partners", "departments", "resources", "slots", "pairings",
    "requests",
])  # fmt: skip


def keeper() -> Any:
    """Make somebody who keeps every registry of the whole district."""
    person = factories.user("keeper")
    district = Area.objects.get(kind="district")
    for role in ("system_admin", "security_admin", "district_official"):
        factories.post(person, role, district)
    return person


@pytest.fixture(scope="module")
def district(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The small demo district, with a keeper, and a few of its requests as if another system had sent them."""
    from tests.access.world import undone

    with django_db_blocker.unblock(), undone():
        demo_district.run("--scale", "small", "--history", "none")
        user = keeper()
        for street in Area.objects.filter(kind="street"):
            factories.post(user, "street_worker", street)
        for number, row in enumerate(ServiceRequest.objects.all()):
            row.source, row.external_id = "12345", f"GD{number:04}"
            row.save(update_fields=["source", "external_id"])
        yield user


def as_exported(code: str, user: Any) -> list[dict[str, str]]:
    return [{key: harmless(text) for key, text in row.items()} for row in sheet(code).rows(user)]


def test_every_registry_is_tried() -> None:
    assert sorted(one.code for one in sheets()) == CODES


@pytest.mark.parametrize("code", CODES)
def test_the_demo_district_comes_back_the_same(district: Any, code: str) -> None:
    rows = as_exported(code, district)
    assert rows
    planned = list(sheet(code).plan(enumerate(rows, 2), district))
    wrong = [(row.verb, row.before, row.values, [f.sentence for f in row.faults]) for row in planned if row.verb != "same"]
    assert wrong == []
