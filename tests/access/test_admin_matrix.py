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
from common.admin import ScopedAdmin, every_list_is_scoped, every_list_writes_by_an_action
from grids.admin.grants import RowGrantAdmin
from grids.admin.places import AreaAdmin
from grids.admin.posts import PostAdmin
from grids.models import Post
from hedong.admin_site import AdminSite
from tests.access import matrix, planted
from tests.access.world import ROLES, STRANGER, World, undone

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST")
NONE: frozenset[str] = frozenset()
LOOK = frozenset({"view"})
ADD = LOOK | {"add"}
CHANGE = LOOK | {"change"}
KEEP = ADD | CHANGE
OFFICIAL, STREET, COMMUNITY, GRID = "district_official", "street_worker", "community_worker", "grid_worker"
SYSTEM, SECURITY, AUDITOR, FIRST = "system_admin", "security_admin", "auditor", "first_admin"
# The first administrator holds both offices, so that the others can be set up.
LOCAL = (STREET, COMMUNITY, "far_worker")
ENTER = (OFFICIAL, *LOCAL, GRID, SYSTEM, SECURITY, AUDITOR, FIRST)
# Does the same work elsewhere.
TWIN = "far_worker"
Rights = dict[str, frozenset[str]]


def each(roles: Iterable[str], rights: frozenset[str]) -> Rights:
    """Give the same rights to several roles."""
    return dict.fromkeys(roles, rights)


PARTNERS = each((OFFICIAL, *LOCAL, SYSTEM, FIRST), KEEP)
SETTINGS = each(ENTER, LOOK) | each((SYSTEM, FIRST), KEEP)
PLACES = each(ENTER, LOOK) | each((*LOCAL, SYSTEM, FIRST), KEEP)
POOL = each((GRID, *LOCAL), LOOK) | each((OFFICIAL, SYSTEM, FIRST), KEEP)
# Who may do what with the rows of each model; whoever is not named may not even see the list.
MODELS: dict[str, Rights] = {
    "accounts.user": each((SECURITY, FIRST), KEEP),
    "accounts.ratelimit": each((SYSTEM, FIRST), CHANGE),
    "accounts.tokenpolicy": each((SYSTEM, FIRST), CHANGE),
    "audit.event": each((AUDITOR,), LOOK),
    "audit.personaldataread": each((AUDITOR,), LOOK),
    "audit.job": each((SYSTEM, FIRST), LOOK),
    "audit.heartbeat": each((SYSTEM, FIRST), LOOK),
    "audit.importrun": each((AUDITOR,), LOOK),
    # There is one, and the row is there.
    "audit.importpolicy": SETTINGS | each((SYSTEM, FIRST), CHANGE),
    "auth.group": each((SECURITY, FIRST), KEEP),
    "clockwork.calendarday": SETTINGS,
    "clockwork.workhours": SETTINGS,
    "clockwork.deadlinepolicy": SETTINGS | each((SYSTEM, FIRST), CHANGE),
    # Which figures there are is the product's.
    "dashboards.metricdefinition": SETTINGS | each((SYSTEM, FIRST), CHANGE),
    "dashboards.factform": SETTINGS,
    "grids.area": PLACES,
    "grids.partyorganization": PLACES,
    "grids.post": each((*LOCAL, SECURITY, FIRST), ADD),
    "grids.buildingcode": each(ENTER, LOOK),
    "grids.areagrouppermission": each((SECURITY, FIRST), ADD),
    "grids.areauserpermission": each((SECURITY, FIRST), ADD),
    "grids.rowgrant": each((SECURITY, FIRST), ADD),
    # There is one profile, and the row is there.
    "grids.districtprofile": SETTINGS | each((SYSTEM, FIRST), CHANGE),
    "partners.partner": PARTNERS,
    "partners.resourcetype": SETTINGS,
    "partners.resource": POOL,
    # The slot asked for is held by somebody, so it cannot be deleted.
    "partners.resourceslot": POOL,
    "partners.membership": PARTNERS,
    "partners.pairing": PARTNERS,
    "partners.propertyservice": PARTNERS,
    "requests_board.servicerequest": each((OFFICIAL, *LOCAL, GRID), LOOK),
    "requests_board.resourcerequest": each((OFFICIAL, *LOCAL), LOOK),
    "requests_board.allocation": each((OFFICIAL, *LOCAL), LOOK),
    "requests_board.requestcategory": SETTINGS,
    "requests_board.declinereason": SETTINGS,
    "requests_board.notacceptedreason": SETTINGS,
    "requests_board.dispatchpolicy": SETTINGS | each((SYSTEM, FIRST), ADD),
    "requests_board.systemfeedback": each((SYSTEM, FIRST), CHANGE | {"delete"}),
    "volunteering.servicetype": SETTINGS,
    "volunteering.volunteerteam": PARTNERS,
}
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
    "admin:search": ("in", "in"),
    "admin:login": ("login", "login"),
    "admin:logout": ("method", "in"),
    "admin:password_change": ("in", "in"),
    "admin:password_change_done": ("in", "method"),
    "admin:jsi18n": ("in", "method"),
    "admin:autocomplete": ("door", "door"),
    "admin:view_on_site": ("missing", "missing"),
    "admin:app_list": ("in", "in"),
    "admin:grids_sight": ("in", "in"),
    # What nothing else answers.
    "admin/(?P<url>.*)$": ("missing", "missing"),
}
# Pages of the site that open to some of those who enter.
ONLY: dict[str, tuple[str, ...]] = {"admin:grids_sight": (SECURITY, FIRST)}
# A row that is not there: whether it or the right is looked for first is Django's affair.
REFUSED = "door or missing"
Cell = tuple[str, str, str, str, str]


def by_label() -> dict[str, type[models.Model]]:
    """Return the models that the admin shows."""
    return {model._meta.label_lower: model for model in admin.site._registry}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Rows of every model at every place of the town."""
    with django_db_blocker.unblock(), undone():
        yield planted.make()


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
    if role in ENTER:
        return answer
    return "login" if role == STRANGER else "door"


def rights(label: str, role: str) -> frozenset[str]:
    """Return what a person who enters may do with a model's rows."""
    return MODELS[label].get(role, NONE)


def questions(world: World, label: str, role: str) -> Iterator[tuple[str, str, str, str]]:
    """Walk page, method, address and expected answer of one model.

    Whoever does not come through the door of the admin is asked once: what a closed door answers depends on nothing.
    """
    lists = reverse(name_of(label, "changelist"))
    if role not in ENTER or role == TWIN:
        answer = "in" if "view" in rights(label, role) else "door"
        yield "changelist", "GET", lists, wanted(role, answer)
        return
    model = by_label()[label]
    own, foreign = planted.own_and_foreign(world, model, role)
    gone = "00000000-0000-4000-8000-000000000000" if isinstance(model._meta.pk, models.UUIDField) else str(2**31 - 1)
    for page, opened_by in PAGES.items():
        for method in METHODS if rights(label, role) else METHODS[:1]:
            answer = "in" if rights(label, role) & opened_by[method] else "door"
            if page not in ROW_PAGES:
                yield page, method, reverse(name_of(label, page)), answer
                continue
            if own is not None:
                yield page, method, reverse(name_of(label, page), args=[own.pk]), answer if answer == "in" else REFUSED
            for what, key in (("of none", gone), *([("of another place", foreign.pk)] if foreign else [])):
                nothing = "missing" if answer == "in" else REFUSED
                yield f"{page} {what}", method, reverse(name_of(label, page), args=[key]), nothing
    if role == SYSTEM:
        yield "short address", "GET", f"{lists}{gone}/", "in"


def cells(world: World, label: str, roles: Iterable[str] = ROLES) -> Iterator[Cell]:
    """Ask everything about one model."""
    for role in roles:
        for page, method, address, expected in questions(world, label, role):
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
                    opened = role not in ENTER or role in ONLY.get(key, ENTER)
                    yield role, method, address, wanted(role, answer if opened else "door"), got


def site_addresses(key: str) -> list[str]:
    """Return where a page of the site is."""
    if key == "admin:app_list":
        return [reverse(key, kwargs={"app_label": "grids"})]
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
            meaning(matrix.ask(world, role, "GET", reverse(name_of(label, "changelist")), {})) == "in"
            for role in (SYSTEM, SECURITY, AUDITOR, OFFICIAL)
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


def test_every_list_opens_to_some_role(world: World):
    assert unopened(world) == set()


def test_the_offices_see_no_business_data(world: World):
    """Who sets the installation up, who keeps accounts and who reads the trail have no business with requests."""
    board = ("servicerequest", "resourcerequest", "allocation")
    for role in (SYSTEM, SECURITY, AUDITOR, FIRST):
        assert [name for name in board if rights(f"requests_board.{name}", role)] == []


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
        ("grids.area", AreaAdmin, "has_delete_permission", "delete"),
        ("grids.post", PostAdmin, "has_add_permission", "add"),
        ("grids.rowgrant", RowGrantAdmin, "has_view_permission", "changelist"),
    ],
)
def test_a_list_without_its_guard_turns_red(world: World, monkeypatch, label, guarded, guard, page):
    monkeypatch.setattr(guarded, guard, lambda self, request, obj=None: True)
    red = wrong(cells(world, label, (SYSTEM,)))
    assert (SYSTEM, "GET", f"{label} {page}", REFUSED if page in ROW_PAGES else "door", "in") in red


def test_a_list_that_nobody_can_open_is_noticed(world: World, monkeypatch):
    monkeypatch.setattr(AreaAdmin, "has_view_or_change_permission", lambda self, request, obj=None: False)
    assert unopened(world) == {"grids.area"}


def test_a_list_that_does_not_ask_whose_rows_it_shows_stops_the_start(monkeypatch):
    loose = type("LooseAdmin", (admin.ModelAdmin,), {})
    inline = type("LooseInline", (admin.TabularInline,), {"model": Post})
    assert every_list_is_scoped() == []
    monkeypatch.setitem(admin.site._registry, Group, loose(Group, admin.site))
    monkeypatch.setattr(AreaAdmin, "inlines", (inline,))
    assert sorted(fault.msg.split(" ")[0].rpartition(".")[2] for fault in every_list_is_scoped()) == [
        "LooseAdmin", "LooseInline",
    ]  # fmt: skip


def test_a_form_that_no_action_stores_stops_the_start(monkeypatch):
    assert every_list_writes_by_an_action() == []
    forms = type("FormsAdmin", (ScopedAdmin,), {"keeps": ("manage_posts",)})
    gone = type("GoneAdmin", (ScopedAdmin,), {"has_delete_permission": lambda self, request, obj=None: True})
    monkeypatch.setitem(admin.site._registry, Group, forms(Group, admin.site))
    monkeypatch.setitem(admin.site._registry, Post, gone(Post, admin.site))
    assert len(every_list_writes_by_an_action()) == 2
