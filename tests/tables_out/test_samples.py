"""The sample workbooks: made from the demo district, complete, and read in by an empty district in their order."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from openpyxl import load_workbook

from common.tables.sheet import sheet, sheets
from grids.models import Area
from tests import factories

pytestmark = pytest.mark.django_db

FOLDER = Path(__file__).parents[2] / "docs" / "samples"
ORDER = (
    "areas", "buildings", "party", "departments", "partners", "resources", "slots", "pairings", "teams", "posts",
    "local_posts", "requests",
)  # fmt: skip


def read(path: Path, code: str) -> list[dict[str, str]]:
    """Return the rows below the headings, as column key → text."""
    rows = list(load_workbook(path).active.iter_rows(values_only=True))
    assert "演示数据" in rows[0][0]
    keys = {column.title: column.key for column in sheet(code).columns}
    heads = [keys[title] for title in rows[2]]
    return [
        {key: "" if value is None else str(value) for key, value in zip(heads, row, strict=True)} for row in rows[3:]
    ]


def test_there_is_one_for_each_registry() -> None:
    assert {path.stem for path in FOLDER.glob("*.xlsx")} == {one.code for one in sheets()} == {*ORDER}


def also_work_in_the_streets(keeper: Any) -> None:
    from grids import permissions

    for street in Area.objects.filter(kind="street"):
        if not keeper.posts.filter(area=street).exists():
            factories.post(keeper, "street_worker", street)
    permissions.forget(keeper)


def test_they_are_made_again_with_the_same_content(tmp_path: Path) -> None:
    call_command("make_samples", "--to", tmp_path, verbosity=0, stdout=StringIO())
    for code in ORDER:
        made, kept = read(tmp_path / f"{code}.xlsx", code), read(FOLDER / f"{code}.xlsx", code)
        assert made, code
        # Days count from the day on which the district is loaded, and what came in by then from its hour.
        days = {"valid_from", "valid_to", "starts_at", "ends_at", "created_at", "established_on"}
        if code not in {"slots", "requests"}:
            assert [_without(row, days) for row in made] == [_without(row, days) for row in kept], code
    assert not Area.objects.exists()


def _without(row: dict[str, str], names: set[str]) -> dict[str, str]:
    return {key: text for key, text in row.items() if key not in names}


def test_no_folder_is_said(tmp_path: Path) -> None:
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="not a folder"):
        call_command("make_samples", "--to", tmp_path / "none")
