"""What goes out of a registry and comes back unchanged changes nothing; what was changed can be taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from audit.models import Event
from common.tables.safe import harmless
from common.tables.sheet import sheet, sheets
from common.tables.text import plain
from grids.models import Area, PartyOrganization
from grids.trees import check
from partners.models import Partner, Resource
from requests_board.models import ServiceRequest
from tests import demo_district, factories
from tests.access.world import undone

pytestmark = pytest.mark.django_db

# A change of the first row, and what makes of the first row a new one.
CHANGES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "areas": ({"households": "7", "phone": "0539-7000000"}, {"name": "新来的", "code": "NEW1"}),
    "buildings": ({"households": "7"}, {"name": "901号楼", "code": "NEW2"}),
    "party": ({"established_on": "2001-07-01"}, {"name": "新来的党组织", "code": "NEW3"}),
    "posts": ({"valid_to": "2031-01-31"}, {"username": "newcomer", "name": "newcomer"}),
    "local_posts": ({"valid_to": "2031-01-31"}, {"username": "newcomer", "name": "newcomer"}),
    "partners": ({"contact_phone": "19912345678", "note": "换过人"}, {"code": "NEW4", "contact_phone": "19912345679"}),
    "departments": ({"joint_conference_member": "否", "contact_phone": "19912345678"},
                    {"code": "NEW5", "contact_phone": "19912345679"}),
    "resources": ({"whole_district": "否", "contact_phone": "19912345678"},
                  {"name": "新来的资源", "contact_phone": "19912345679", "served": ""}),
    "slots": ({"capacity": "77"}, {"starts_at": "2031-03-01 09:00", "ends_at": "2031年3月1日 11:30"}),
    "pairings": ({"valid_to": "2031-01-31"}, {"valid_from": "2032-01-01", "valid_to": ""}),
    "teams": ({"active": "否", "service_types": ""}, {"name": "新来的队", "service_types": "", "partner": ""}),
    "requests": ({"text": "换了说法", "phone": "19912345678"},
                 {"external_id": "NEW6", "text": "新来的", "phone": "19912345679", "contact_name": ""}),
}  # fmt: skip
CODES = sorted(CHANGES)


def keeper() -> Any:
    """Make somebody who keeps every registry of the whole district."""
    person = factories.user("keeper")
    for role in ("system_admin", "security_admin", "district_official"):
        factories.post(person, role, Area.objects.get(kind="district"))
    for street in Area.objects.filter(kind="street"):
        factories.post(person, "street_worker", street)
    return person


@pytest.fixture(scope="module")
def district(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The small demo district, its keeper, and its requests as if another system had sent them."""
    with django_db_blocker.unblock(), undone():
        demo_district.run("--scale", "small", "--history", "none")
        user = keeper()
        factories.user("newcomer")
        for number, row in enumerate(ServiceRequest.objects.order_by("status", "pk")):
            row.source, row.external_id = "12345", f"GD{number:04}"
            row.save(update_fields=["source", "external_id"])
        yield user


def exported(code: str, user: Any) -> list[dict[str, str]]:
    return [{key: plain(harmless(text)) for key, text in row.items()} for row in sheet(code).rows(user)]


def openly(code: str, user: Any) -> list[Any]:
    return [(one.id, one.cells) for one in sheet(code).known(user)]


def plan(code: str, user: Any, rows: list[dict[str, str]]) -> list[Any]:
    return list(sheet(code).plan(enumerate(rows, 2), user))


def told(planned: list[Any]) -> list[Any]:
    return [(row.verb, row.before, row.values, row.faults) for row in planned if row.verb != "same"]


def _edited(code: str, user: Any) -> list[dict[str, str]]:
    """Return the exported rows with one of them changed and a new one at the end."""
    changed, new = CHANGES[code]
    rows = exported(code, user)
    place = next((i for i, row in enumerate(rows) if "社区" not in row.get("name", "")), 0)
    if code == "resources":
        new = {**new, "whole_district": "是"}
        place = next(i for i, row in enumerate(rows) if row["served"])
    if code in ("posts", "pairings"):
        place = next(i for i, row in enumerate(rows) if row.get("username") != "keeper" and not row["valid_to"])
    fresh = {**rows[place], **new}
    rows[place] = {**rows[place], **changed}
    return [*rows, {**fresh, **({"valid_from": "2031-03-01"} if code == "posts" else {})}]


def test_every_registry_is_tried() -> None:
    assert sorted(one.code for one in sheets()) == CODES


@pytest.mark.parametrize("code", CODES)
def test_the_demo_district_comes_back_the_same(district: Any, code: str) -> None:
    rows = exported(code, district)
    assert rows
    assert told(plan(code, district, rows)) == []


@pytest.mark.parametrize("code", CODES)
def test_a_change_and_a_new_row_are_written_once_and_taken_back(district: Any, code: str) -> None:
    registry, before, rows = sheet(code), openly(code, district), _edited(code, district)
    planned = plan(code, district, rows)
    assert sorted(row.verb for row in planned if row.verb != "same") == ["changed", "new"], told(planned)
    events = Event.objects.count()
    written = registry.write([row for row in planned if row.verb != "same"], district)
    assert len(written) == 2
    assert Event.objects.count() >= events + 2
    assert not Event.objects.filter(after__contains="199123456").exists()
    assert told(plan(code, district, rows)) == []
    assert len(openly(code, district)) == len(before) + 1
    refused = registry.undo([(row.verb, pk, kept) for row, pk, kept in written], district)
    assert refused == []
    assert openly(code, district) == before
    assert check() == []


@pytest.mark.parametrize("code", ["areas", "partners", "departments", "resources", "slots", "pairings", "posts"])
def test_what_was_changed_since_stays(district: Any, code: str) -> None:
    registry, rows = sheet(code), _edited(code, district)
    written = registry.write([row for row in plan(code, district, rows) if row.verb == "changed"], district)
    again = [dict(row) for row in rows[:-1]]
    column = {"posts": "valid_to", "pairings": "valid_to", "slots": "capacity", "areas": "households"}.get(code)
    value = "2030-01-01" if column == "valid_to" else "8"
    row = next(i for i, row in enumerate(plan(code, district, rows)) if row.key == written[0][0].key)
    again[row][column or "contact_phone"] = value if column else "19900001111"
    second = registry.write([row for row in plan(code, district, again) if row.verb == "changed"], district)
    assert len(second) == 1
    ((pk, sentence),) = registry.undo([(row.verb, pk, kept) for row, pk, kept in written], district)
    assert (pk, "又有人改过" in sentence) == (written[0][1], True)


def test_a_masked_number_changes_nothing_and_makes_no_new_row(district: Any) -> None:
    rows = exported("partners", district)
    assert all("****" in row["contact_phone"] for row in rows)
    stored = Partner.objects.get(code=rows[0]["code"]).contact_phone
    rows[0]["note"] = "别的改动"
    (changed,) = [row for row in plan("partners", district, rows) if row.verb != "same"]
    sheet("partners").write([changed], district)
    assert Partner.objects.get(code=rows[0]["code"]).contact_phone == stored
    (wrong,) = plan("partners", district, [{**rows[0], "code": "NEW7"}])
    assert "星号" in wrong.faults[0].sentence


def test_the_sealed_column_is_sealed(district: Any) -> None:
    planned = plan("resources", district, _edited("resources", district))
    written = sheet("resources").write([row for row in planned if row.verb == "new"], district)
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact_phone FROM partners_resource WHERE id = %s", [written[0][1]])
        (raw,) = cursor.fetchone()
    assert raw.startswith("v1|")
    assert "19912345679" not in raw + repr(written[0][2])
    assert Resource.objects.get(pk=written[0][1]).contact_phone == "19912345679"


def test_organisations_are_found_under_their_parent(district: Any) -> None:
    row = next(row for row in exported("party", district) if row["parent"])
    (wrong,) = plan("party", district, [{**row, "name": "甲", "code": "", "parent": row["parent"][:-1]}])
    assert wrong.faults[0].suggestion
    assert PartyOrganization.objects.filter(name=wrong.faults[0].suggestion).exists()
