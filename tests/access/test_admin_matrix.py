"""Who enters which room of the admin and does what there: every admin URL × roles × GET and POST, with real rows.

The admin has one door (`enter_admin`) and behind it what each ModelAdmin offers. Both are written down here by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.urls import reverse

from audit.admin import EventAdmin
from common import access
from grids.admin import AreaAdmin, KeptAdmin
from grids.models import Post
from hedong.admin_site import AdminSite
from tests import crowd
from tests.access import matrix
from tests.access.world import ROLES, STRANGER, World, make_world, undone

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST")
ENTER = ("system_admin", "first_admin")
# Holds the office of the system administrator and that of the auditor: nobody does by one role.
BOTH = "administrator_and_auditor"
NONE: frozenset[str] = frozenset()
LOOK = frozenset({"view"})
KEEP = LOOK | {"add", "change"}
ALL = KEEP | {"delete"}
# What whoever enters may do with the rows of each model.
MODELS: dict[str, frozenset[str]] = {
    "accounts.user": KEEP,
    "audit.event": NONE,
    "audit.personaldataread": NONE,
    "audit.job": LOOK,
    "audit.heartbeat": LOOK,
    "auth.group": NONE,
    "clockwork.calendarday": KEEP,
    "clockwork.workhours": KEEP,
    "clockwork.deadlinepolicy": KEEP - {"add"},
    "grids.area": KEEP,
    "grids.partyorganization": KEEP,
    "grids.post": LOOK,
    "grids.buildingcode": LOOK,
    "grids.areagrouppermission": NONE,
    "grids.areauserpermission": NONE,
    "grids.rowgrant": NONE,
    # There is one profile, and the row is there.
    "grids.districtprofile": KEEP - {"add"},
    "partners.partner": KEEP,
    "partners.resourcetype": ALL,
    "partners.resource": KEEP,
    # The slot asked for is held by somebody.
    "partners.resourceslot": KEEP,
    "partners.membership": ALL,
    "partners.pairing": ALL,
    "partners.propertyservice": ALL,
    "requests_board.servicerequest": LOOK,
    "requests_board.resourcerequest": LOOK,
    "requests_board.allocation": LOOK,
    "requests_board.requestcategory": ALL,
    "requests_board.declinereason": ALL,
    "requests_board.notacceptedreason": ALL,
    "requests_board.dispatchpolicy": LOOK | {"add"},
    "requests_board.publiclimit": ALL,
    "requests_board.systemfeedback": ALL - {"add"},
    "volunteering.servicetype": ALL,
    "volunteering.volunteerteam": ALL,
}
# Where the roles that enter differ.
APART: dict[tuple[str, str], frozenset[str]] = {
    # Posts are given by whoever keeps them; the first administrator has to give the first ones.
    ("grids.post", "first_admin"): LOOK | {"add"},
    ("grids.areagrouppermission", "first_admin"): LOOK | {"add"},
    ("grids.areauserpermission", "first_admin"): LOOK | {"add"},
    ("grids.rowgrant", "first_admin"): LOOK | {"add"},
    ("auth.group", "first_admin"): KEEP,
    ("audit.event", BOTH): LOOK,
    ("audit.personaldataread", BOTH): LOOK,
}
_NO_ROLE = "needs view_audit and enter_admin, which no single role holds: the administrator is not to read the trail"
NOBODY = {"audit.event": _NO_ROLE, "audit.personaldataread": _NO_ROLE}
# Page of a model → what one of these rights opens it, by method.
PAGES: dict[str, dict[str, frozenset[str]]] = {
    "changelist": {"GET": frozenset({"view", "change"}), "POST": frozenset({"view", "change"})},
    "add": {"GET": frozenset({"add"}), "POST": frozenset({"add"})},
    "change": {"GET": frozenset({"view", "change"}), "POST": frozenset({"change"})},
    "delete": {"GET": frozenset({"delete"}), "POST": frozenset({"delete"})},
    "history": {"GET": frozenset({"view", "change"}), "POST": frozenset({"view", "change"})},
}
ROW_PAGES = ("change", "delete", "history")
# The rest: address → what GET and POST answer to whoever enters. Nobody signs in here, so the login page sends away,
# and no form looks anything up by `autocomplete`.
SITE: dict[str, tuple[str, str]] = {
    "admin:index": ("in", "in"),
    "admin:login": ("login", "login"),
    "admin:logout": ("method", "in"),
    "admin:password_change": ("in", "in"),
    "admin:password_change_done": ("in", "method"),
    "admin:jsi18n": ("in", "method"),
    "admin:autocomplete": ("door", "method"),
    "admin:view_on_site": ("missing", "missing"),
    "admin:app_list": ("in", "in"),
    # For whoever keeps posts; its own test stands in tests/access/test_grants_matrix.py.
    "admin:grids_sight": ("in", "in"),
    # What nothing else answers.
    "admin/(?P<url>.*)$": ("missing", "missing"),
}
# A row that is not there: whether it or the right is looked for first is Django's affair.
REFUSED = "door or missing"
# A group that holds rights at places cannot be deleted, this one can.
CHOSEN = {"auth.group": {"name": "空组"}}
Cell = tuple[str, str, str, str, str]


def by_label() -> dict[str, type[models.Model]]:
    """Return the models that the admin shows."""
    return {model._meta.label_lower: model for model in admin.site._registry}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Rows of every model that the admin shows, and one person more who holds two offices."""
    with django_db_blocker.unblock(), undone():
        world = make_world()
        crowd.add(world, 0, 1)
        Group.objects.create(**CHOSEN["auth.group"])
        both = world.users[BOTH] = crowd.User.objects.create_user(BOTH)
        for role in ("system_admin", "auditor"):
            Post.objects.create(user=both, role=role, area=world.town.district)
        world.sign_everybody_in()
        yield world


def name_of(label: str, page: str) -> str:
    """Return the name of a model's page."""
    return f"admin:{label.replace('.', '_')}_{page}"


def plain_of(label: str) -> str:
    """Return the route of a row's short address, which has no name."""
    return f"admin/{label.replace('.', '/')}/<path:object_id>/"


def key_of(door: access.Door) -> str:
    """Return the name of an admin URL, or its route when it has none."""
    return door.full_name if door.name else door.route


def uncovered(doors: Iterable[access.Door]) -> set[str]:
    """Return the admin URLs that the tables do not know."""
    known = {name_of(label, page) for label in MODELS for page in PAGES} | {plain_of(label) for label in MODELS}
    return {key_of(door) for door in doors if "admin" in door.namespaces} - known - set(SITE)


def meaning(response: Any) -> str:
    """Name what an answer of the admin means; a row that is not there sends back to the index."""
    target = response.get("Location", "")
    if target == reverse("admin:index"):
        return "missing"
    return "login" if target.startswith((reverse("admin:login"), matrix.LOGIN)) else matrix.meaning(response)


def wanted(role: str, answer: str) -> str:
    """Return `answer` for whoever enters, and the refusal of the door for everybody else."""
    if role in (*ENTER, BOTH):
        return answer
    return "login" if role == STRANGER else "door"


def rights(label: str, role: str) -> frozenset[str]:
    """Return what a person who enters may do with a model's rows."""
    return APART.get((label, role), MODELS[label])


def questions(label: str, role: str) -> Iterator[tuple[str, str, str, str]]:
    """Walk page, method, address and expected answer of one model; a closed door does not depend on the row."""
    row = by_label()[label]._default_manager.filter(**CHOSEN.get(label, {})).first()
    assert row is not None, f"no row of {label}"
    missing = "00000000-0000-4000-8000-000000000000" if isinstance(row._meta.pk, models.UUIDField) else str(2**31 - 1)
    for page, opened_by in PAGES.items():
        for method in METHODS:
            answer = "in" if rights(label, role) & opened_by[method] else "door"
            if page not in ROW_PAGES:
                yield page, method, reverse(name_of(label, page)), wanted(role, answer)
                continue
            yield page, method, reverse(name_of(label, page), args=[row.pk]), wanted(role, answer)
            if role in ENTER:
                gone = "missing" if answer == "in" else REFUSED
                yield f"{page} of none", method, reverse(name_of(label, page), args=[missing]), gone
    for method in METHODS:
        yield "short address", method, f"{reverse(name_of(label, 'changelist'))}{row.pk}/", wanted(role, "in")


def cells(world: World, label: str, roles: Iterable[str] = ()) -> Iterator[Cell]:
    """Ask everything about one model; whoever holds two offices is asked about where that makes a difference."""
    for role in roles or (*ROLES, *([BOTH] if label in NOBODY else [])):
        for page, method, address, expected in questions(label, role):
            form = {"post": "yes"} if method == "POST" and page.startswith("delete") else {}
            got = meaning(matrix.ask(world, role, method, address, form))
            got = REFUSED if expected == REFUSED and got in {"door", "missing"} else got
            yield role, method, f"{label} {page}", expected, got


def site_cells(world: World, roles: Iterable[str] = ROLES) -> Iterator[Cell]:
    """Ask everything about the pages that belong to no model."""
    for key, answers in SITE.items():
        for address in site_addresses(key):
            for role in roles:
                for method, answer in zip(METHODS, answers, strict=True):
                    got = meaning(matrix.ask(world, role, method, address, {}))
                    yield role, method, address, wanted(role, answer), got


def site_addresses(key: str) -> list[str]:
    """Return where a page of the site is."""
    if key == "admin:app_list":
        return [reverse(key, kwargs={"app_label": app}) for app in sorted({label.split(".")[0] for label in MODELS})]
    if key == "admin:view_on_site":
        return [reverse(key, args=[1, 1])]
    return [reverse(key) if key.startswith("admin:") else "/admin/no/such/page/"]


def wrong(asked: Iterable[Cell]) -> list[Cell]:
    """Keep the cells that answer otherwise than expected."""
    return [cell for cell in asked if cell[3] != cell[4]]


def unopened(world: World) -> set[str]:
    """Return the models whose list opens to no role."""
    return {
        label
        for label in by_label()
        if not any(
            meaning(matrix.ask(world, role, "GET", reverse(name_of(label, "changelist")), {})) == "in" for role in ENTER
        )
    }


def test_every_admin_url_has_its_line():
    assert uncovered(access.doors()) == set()
    assert set(by_label()) == set(MODELS)


@pytest.mark.parametrize("label", MODELS)
def test_every_model_opens_as_its_line_says(world: World, label: str):
    assert wrong(cells(world, label)) == []


def test_every_other_page_opens_as_its_line_says(world: World):
    assert wrong(site_cells(world)) == []


def test_every_list_opens_to_some_role_or_says_why_not(world: World):
    assert unopened(world) == set(NOBODY)
    assert all(rights(label, BOTH) == LOOK for label in NOBODY), "whoever holds both offices reads them"


# Controls: the matrix must see a hole when there is one. ---------------------------------------------------------


def test_a_new_url_or_a_new_model_without_a_line_is_noticed():
    for name in ("backup", "axes_accessattempt_changelist"):
        door = access.Door("admin/x/", name, ("admin",), lambda http: None)
        assert uncovered([*access.doors(), door]) == {f"admin:{name}"}


def test_an_open_door_turns_every_page_red(world: World, monkeypatch):
    monkeypatch.setattr(access.Rule, "allows", lambda self, user: True)
    red = wrong(site_cells(world, ("outsider",)))
    assert ("outsider", "GET", "/admin/", "door", "login") in red, "the site itself still asks"
    monkeypatch.setattr(AdminSite, "has_permission", lambda self, request: True)
    red = wrong(site_cells(world, ("outsider", STRANGER)))
    assert {("outsider", "GET", "/admin/", "door", "in"), (STRANGER, "GET", "/admin/", "login", "in")} <= set(red)


@pytest.mark.parametrize(
    ("label", "guarded", "guard", "page"),
    [
        ("audit.event", EventAdmin, "has_view_permission", "changelist"),
        ("grids.area", KeptAdmin, "has_delete_permission", "delete"),
        ("grids.post", KeptAdmin, "has_add_permission", "add"),
    ],
)
def test_a_list_without_its_guard_turns_red(world: World, monkeypatch, label, guarded, guard, page):
    monkeypatch.setattr(guarded, guard, lambda self, request, obj=None: True)
    red = wrong(cells(world, label, ("system_admin",)))
    assert ("system_admin", "GET", f"{label} {page}", "door", "in") in red


def test_a_list_that_nobody_can_open_is_noticed(world: World, monkeypatch):
    monkeypatch.setattr(AreaAdmin, "has_view_or_change_permission", lambda self, request, obj=None: False)
    assert unopened(world) == {*NOBODY, "grids.area"}
