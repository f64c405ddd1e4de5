"""Every list page asks the database as often for thirty rows as for one, and never more often than is written down.

`query_counts.json` keeps the number for each page, who is signed in included; `UPDATE_QUERY_COUNTS=1` records it
anew. A list takes at most six statements; a page that shows more than one list says so there in its own words.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import middleware
from accounts.selectors import calendar_token
from common import access
from grids import selectors as grids_selectors
from grids.models import Post
from hedong.up import database
from requests_board import desk_selectors, links
from tests import crowd
from tests.access.world import STRANGER, World, make_world, undone

pytestmark = pytest.mark.django_db

FILE = Path(__file__).parent / "query_counts.json"
LIST = 6
FEW, MANY = 1, 30
_WITH_COLUMNS = desk_selectors._with_list_columns
Query = Callable[[World], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page with a list: who looks at it, what stands in its address."""

    url: str
    role: str
    query: Query = lambda world: {}
    key: Query = lambda world: {}

    def address(self, world: World) -> str:
        """Return where the page is."""
        query = urlencode(self.query(world))
        return reverse(self.url, kwargs=self.key(world)) + (f"?{query}" if query else "")


def _fixed(**query: str) -> Query:
    return lambda world: query


def _open(kind: str, place: str) -> Query:
    return lambda world: {"open": world.rows[kind][place].number}


def _community(world: World) -> dict[str, Any]:
    return {"code": world.town.community.code}


def _link(world: World) -> dict[str, Any]:
    row = world.rows["request"]["building"]
    return {"number": row.number, "mac": links.tracking_mac(row)}


WORKER, STREET, OFFICIAL = "community_worker", "street_worker", "district_official"
LIAISON, KEEPER = "department_liaison", "keeper"
API = {
    "requests": WORKER, "resource_requests": WORKER, "allocations": LIAISON, "areas": WORKER,
    "party_organizations": WORKER, "partners": WORKER, "resources": WORKER, "slots": WORKER, "pairings": WORKER,
    "categories": WORKER, "resource_types": WORKER, "decline_reasons": WORKER, "not_accepted_reasons": WORKER,
    "notices": WORKER,
}  # fmt: skip
FIGURES = ("open", "on_time", "needs_asked", "needs_met", "asks", "accepted", "partners")
PAGES: dict[str, ListPage] = {
    "home": ListPage("requests_board:home", STRANGER, _fixed(choose="1")),
    "home, searched": ListPage("requests_board:home", STRANGER, _fixed(q="小区")),
    "community": ListPage("requests_board:community", STRANGER, key=_community),
    "buildings": ListPage("requests_board:buildings", STRANGER, key=_community),
    "report": ListPage("requests_board:report", STRANGER, lambda world: {"place": world.town.building.pk}),
    "report, by sticker": ListPage(
        "requests_board:building", STRANGER, key=lambda world: {"code": world.town.building.short_code}
    ),
    "track": ListPage("requests_board:track", STRANGER, key=_link),
    **{
        f"desk, {tab}": ListPage("requests_board:desk", WORKER, _fixed(f=tab))
        for tab in (*desk_selectors.TABS, desk_selectors.NEEDS)
    },
    "desk, searched": ListPage("requests_board:desk", WORKER, _fixed(q="事")),
    "desk, request open": ListPage("requests_board:desk", WORKER, _open("request", "building")),
    "desk, need open": ListPage("requests_board:desk", WORKER, _open("raised", "building")),
    "desk, after a step": ListPage(
        "requests_board:desk", WORKER, lambda world: {"did": world.rows["request"]["building"].number}
    ),
    "take in": ListPage("requests_board:take_in", WORKER),
    "own need": ListPage("requests_board:own_need", WORKER),
    "liaison": ListPage("requests_board:liaison", LIAISON),
    "liaison, ask open": ListPage(
        "requests_board:liaison", LIAISON, lambda world: {"ask": world.rows["allocation"]["ours"].pk}
    ),
    "liaison, month": ListPage("requests_board:liaison_month", LIAISON),
    "liaison, pool": ListPage("requests_board:liaison_pool", LIAISON),
    "answer by link": ListPage(
        "requests_board:answer", STRANGER,
        key=lambda world: {"token": links.answer_token(world.rows["allocation"]["ours"])},
    ),
    "inbox": ListPage("notifications:inbox", WORKER),
    "imports": ListPage("audit:imports", WORKER),
    "tokens": ListPage("accounts:tokens", KEEPER),
    "calendar": ListPage(
        "api:calendar", STRANGER, key=lambda world: {"token": calendar_token(world.users[LIAISON])}
    ),
    "district": ListPage("dashboards:district", OFFICIAL),
    "district, a street": ListPage("dashboards:district", STREET),
    **{f"rows, {code}": ListPage("dashboards:rows", STREET, _fixed(m=code)) for code in FIGURES},
    "rows, partner_done": ListPage("dashboards:rows", STREET, _fixed(m="partner_done", category="property")),
    "facts": ListPage("dashboards:facts", WORKER),
    "facts, a place below": ListPage("dashboards:facts", STREET, lambda world: {"area": world.town.community.pk}),
    "facts, searched": ListPage("dashboards:facts", STREET, _fixed(q="社区")),
    "runs": ListPage("dashboards:runs", OFFICIAL),
    "district needs": ListPage("dashboards:needs", OFFICIAL),
    "district needs, open": ListPage("dashboards:needs", OFFICIAL, _open("raised", "building")),
    "tree": ListPage("grids:tree", STREET),
    "tree, several tops": ListPage("grids:tree", KEEPER),
    "tree, searched": ListPage("grids:tree", STREET, _fixed(words="小区")),
    "tree, opened": ListPage("grids:tree", STREET, lambda world: {"open": world.town.community.pk}),
    "party tree": ListPage("grids:party_tree", STREET),
    "party tree, opened": ListPage(
        "grids:party_tree", STREET, lambda world: {"open": world.town.general_branch.pk}
    ),
    **{f"API {name}": ListPage(f"api:{name}", role) for name, role in API.items()},
    **{
        f"API requests, {part}": ListPage(
            f"api:requests_{part}", WORKER, key=lambda world: {"id": world.rows["request"]["building"].pk}
        )
        for part in ("trail", "photos")
    },
    "API requests, filtered": ListPage(
        "api:requests", WORKER, lambda world: {"area": world.town.building.pk, "status": "submitted"}
    ),
    **{
        f"admin, {model._meta.label_lower}": ListPage(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", KEEPER
        )
        for model in admin.site._registry
    },
    # The world's own events would fill the first page.
    "admin, audit.event": ListPage("admin:audit_event_changelist", KEEPER, _fixed(q="建组")),
}  # fmt: skip
# Doors that show no list of rows.
NO_LIST = frozenset({
    "requests_board:feedback", "requests_board:size", "requests_board:lookup", "requests_board:echo",
    "requests_board:remember", "requests_board:answer_request", "requests_board:supply", "requests_board:photo",
    "requests_board:desk_photo", "requests_board:reveal", "requests_board:request_step", "requests_board:need_step",
    "requests_board:liaison_allocation", "requests_board:liaison_request", "dashboards:settle", "dashboards:metrics",
    "grids:step", "grids:party_step",
    "dashboards:run",
    "notifications:read_all", "notifications:mail_address", "notifications:open", "accounts:login",
    "accounts:logout", "accounts:password", "accounts:home", "audit:healthz", "audit:healthz_jobs", "api:document",
    "api:requests_photo",
    "audit:import_registry", "audit:import_template", "audit:import_run", "audit:import_bad", "audit:import_step",
    "export",
    "accounts:me", "accounts:calendar", "accounts:new_token", "accounts:rotate_token", "accounts:revoke_token",
    "api:docs", "api:docs_call",
})  # fmt: skip
# One row, or a fixed number of them, however large the district.
FIXED = frozenset({
    "admin, accounts.tokenpolicy",
    "admin, grids.districtprofile", "admin, clockwork.calendarday", "admin, clockwork.workhours",
    "admin, clockwork.deadlinepolicy", "admin, audit.importpolicy",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a page cost, and how much it showed."""

    statements: int
    size: int
    sql: str


def look(world: World, page: ListPage) -> Look:
    """Open the page a second time, when nothing is read for the first time in this process, and count."""
    client, address = world.client(page.role), page.address(world)
    client.get(address)
    # Kept in the process for some seconds: read now, so that it does not run out on the way.
    grids_selectors.forget_profile()
    grids_selectors.profile()
    with CaptureQueriesContext(connection) as caught:
        response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return Look(len(caught), len(response.content), "\n".join(query["sql"][:300] for query in caught))


def faults(name: str, few: Look, many: Look, known: dict[str, Any]) -> list[str]:
    """Say what is wrong with the cost of a page."""
    entry = known.get(name)
    found = []
    if entry is None:
        return [f"{name} is missing from {FILE.name}"]
    if many.statements != few.statements:
        found.append(f"{name}: {few.statements} statements for {FEW} rows, {many.statements} for {MANY}\n{many.sql}")
    if many.statements > entry["statements"]:
        found.append(f"{name}: {many.statements} statements, {entry['statements']} are written down\n{many.sql}")
    if entry["statements"] > LIST and not entry.get("why"):
        found.append(f"{name}: more than {LIST} statements without a reason")
    if name not in FIXED and many.size <= few.size:
        found.append(f"{name} shows no more of {MANY} rows than of {FEW}")
    return found


def _keeper(world: World) -> None:
    """Let one person hold every office that is kept in the admin."""
    keeper = world.users[KEEPER] = crowd.User.objects.create_user(KEEPER)
    for role in ("system_admin", "security_admin", "auditor", "district_official"):
        Post.objects.create(user=keeper, role=role, area=world.town.district)


def _looks(world: World) -> dict[str, Look]:
    with pytest.MonkeyPatch.context() as patch:
        # The stamp of the last request is written twice a minute; here it is written by the first look of each person.
        patch.setattr(middleware, "GRAIN", 3600)
        looks = {name: look(world, page) for name, page in PAGES.items()}
        # The planted fault: the list forgets to fetch what its rows point at.
        patch.setattr(desk_selectors, "_with_list_columns", lambda found: _WITH_COLUMNS(found).select_related(None))
        looks["planted"] = look(world, PAGES["desk, today"])
    return looks


@pytest.fixture(scope="module")
def looks(django_db_setup: None, django_db_blocker: Any) -> Any:
    """Each page with few rows of everything, and with many."""
    with django_db_blocker.unblock(), undone():
        world = make_world()
        _keeper(world)
        world.sign_everybody_in()
        looks = []
        for first, last in ((0, FEW), (FEW, MANY)):
            crowd.add(world, first, last)
            _tell_the_planner()
            looks.append(_looks(world))
        few, many = looks
        if os.environ.get("UPDATE_QUERY_COUNTS"):
            _record(many)
        yield few, many


def _tell_the_planner() -> None:
    """Without this it takes tables that were filled in this very transaction for empty, and joins everything to all."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("ANALYZE")
        cursor.execute(f"SET ROLE {database.APP}")


def _record(looks: dict[str, Look]) -> None:
    """Write the numbers down, keeping the reasons."""
    known = _known()
    entries = {name: {**known.get(name, {}), "statements": looks[name].statements} for name in PAGES}
    FILE.write_text(json.dumps(entries, ensure_ascii=False, indent=2) + "\n", encoding="utf8")


def _known() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf8")) if FILE.exists() else {}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_what_is_written_down_however_long_its_list_is(looks: Any, name: str) -> None:
    few, many = looks
    assert "\n".join(faults(name, few[name], many[name], _known())) == ""


def test_every_door_is_counted_or_has_no_list() -> None:
    doors = {door.full_name for door in access.doors() if "admin" not in door.namespaces}
    counted = {page.url for page in PAGES.values() if not page.url.startswith("admin:")}
    # One row of the interface, or something done with it, shows no list.
    singles = {door for door in doors if door.startswith("api:") and door.removeprefix("api:") not in API} - counted
    assert doors == counted | NO_LIST | singles
    assert counted & NO_LIST == set()
    assert set(_known()) == set(PAGES)


# Controls -----------------------------------------------------------------------------------------------------------


def test_a_list_that_asks_once_per_row_is_noticed(looks: Any) -> None:
    few, many = looks
    generous = {"planted": {"statements": 10_000, "why": "control"}}
    assert "statements for" in "".join(faults("planted", few["planted"], many["planted"], generous))


def test_growth_a_missing_line_and_a_missing_reason_are_noticed() -> None:
    two, more = Look(7, 100, ""), Look(7, 200, "")
    assert "are written down" in "".join(faults("x", two, more, {"x": {"statements": 6}}))
    assert "is missing" in "".join(faults("x", two, more, {}))
    assert "without a reason" in "".join(faults("x", two, more, {"x": {"statements": 7}}))
    assert "shows no more" in "".join(faults("x", two, two, {"x": {"statements": 7, "why": "two lists"}}))
    assert faults("x", two, more, {"x": {"statements": 7, "why": "two lists"}}) == []
