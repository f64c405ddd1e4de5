"""Real rows at every place of the town, one person for each role, and where each role's five positions lie."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client

from accounts.actions import issue_token
from accounts.models import ApiToken, User
from audit.imports import actions as imports
from audit.imports import selectors
from audit.models import ImportRun
from clockwork.selectors import db_now
from grids.models import Area, PartyOrganization
from grids.trees import numbers
from notifications.models import Notice
from partners.models import Membership, Pairing, Partner, Resource, ResourceSlot
from requests_board.actions import requests
from requests_board.models import Allocation, RequestCategory, RequestPhoto, ResourceRequest, ServiceRequest
from tests import factories, people
from tests.pool import Pool, make_pool

STRANGER = "stranger"
# Position → place, as seen from the place of the role's post. A role is tested at every position that exists for it.
POSITIONS: dict[str, dict[str, str]] = {
    "district_official": {"own": "district", "child": "building"},
    "street_worker": {"own": "street", "child": "building", "sibling": "far_street", "parent": "district",
                      "other": "far_building"},
    "community_worker": {"own": "community", "child": "building", "sibling": "next_community",
                         "parent": "street", "other": "far_building"},
    "grid_worker": {"own": "grid", "child": "building", "sibling": "next_grid", "parent": "estate",
                    "other": "far_building"},
    "building_leader": {"own": "building", "sibling": "building_two", "parent": "grid",
                        "other": "far_building"},
    "far_worker": {"own": "far_community", "child": "far_building", "parent": "far_street",
                   "other": "building"},
}  # fmt: skip
PARTNER_ROLES = ("department_liaison", "partner_staff", "other_liaison")
NO_PLACE = ("system_admin", "security_admin", "auditor", "first_admin", "outsider", STRANGER)
ROLES = (*POSITIONS, *PARTNER_ROLES, *NO_PLACE)


@dataclass
class World:
    """The town with its pool, its rows by kind and place, and its people by role."""

    town: people.Town
    pool: Pool
    users: dict[str, Any]
    rows: dict[str, dict[str, Any]]
    sessions: dict[str, str] = field(default_factory=dict)

    def targets(self, role: str, kind: str) -> dict[str, Any]:
        """Return the rows of `kind` by their position as seen from `role`."""
        rows = self.rows[kind]
        if kind == "token" and role in {"security_admin", "first_admin"}:
            return {"own": rows[role], "child": rows["far_worker"]}  # they keep everybody's
        if kind in {"notice", "import", "token"}:
            mine = {"own": rows[role]} if role in rows else {}
            return {**mine, "other": rows["far_worker" if role != "far_worker" else "community_worker"]}
        if role in PARTNER_ROLES:
            ours, theirs = ("theirs", "ours") if role == "other_liaison" else ("ours", "theirs")
            found = {"own": ours, "sibling": theirs, "other": "building"}
        else:
            found = POSITIONS.get(role, {"own": "community", "child": "building"})
        return {position: rows[place] for position, place in found.items() if place in rows}

    def client(self, role: str) -> Client:
        """Return a fresh browser in which `role` is signed in."""
        client = Client(raise_request_exception=False)
        if role != STRANGER:
            client.cookies["sessionid"] = self.sessions[role]
        return client

    def sign_everybody_in(self) -> None:
        """Begin one session for each person."""
        for role, user in self.users.items():
            client = Client()
            client.force_login(user, backend="accounts.backends.PhoneOrNameBackend")
            self.sessions[role] = client.cookies["sessionid"].value


@contextmanager
def undone() -> Iterator[None]:
    """Undo whatever happens inside, and let durable transactions pass as in any test."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


@contextmanager
def kept_open() -> Iterator[None]:
    """Let no request close the connection that holds what must be undone, as Django's own test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def make_world() -> World:
    """Make everything."""
    for tree in numbers.TREES:
        # A key as short as 1 also stands elsewhere on a page, where it is nobody's name.
        numbers.next_ids(tree, 1000)
    town = people.make_town()
    pool = make_pool(town)
    users = {role: getattr(town, role) for role in POSITIONS}
    users |= {name: getattr(town, name) for name in ("system_admin", "security_admin", "auditor", "outsider")}
    users["first_admin"] = User.objects.create_superuser("first_admin")
    users["department_liaison"], users["other_liaison"] = pool.liaisons[0], pool.liaisons[1]
    users["partner_staff"] = factories.user("partner_staff")
    Membership.objects.create(
        user=users["partner_staff"], partner=pool.departments[0], role="partner_staff", valid_from="2020-01-01"
    )
    kinds = ("request", "need", "raised", "allocation", "notice", "token")
    rows: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    rows["area"] = dict(town.areas)
    rows["party"] = {
        name: factories.party(town.committee, "branch", area, f"{name}支部") for name, area in town.areas.items()
    }
    RequestCategory.objects.create(
        code="010101", l1="物业", l2="公共设施", name="路灯", limit_amount=5, limit_unit="working_day"
    )
    # The rows below hold their slots without having been asked for one by one.
    ResourceSlot.objects.update(capacity=99, used=60)
    for name, area in town.areas.items():
        _place_rows(rows, name, area, pool, 2)
    _place_rows(rows, "ours", town.community, pool, 0)
    _place_rows(rows, "theirs", town.community, pool, 1)
    for name in ("ours", "theirs"):
        partner = pool.departments[name == "theirs"]
        ServiceRequest.objects.filter(pk=rows["request"][name].pk).update(status="assigned", handler_partner=partner)
        rows["request"][name].refresh_from_db()
    factories.user("signer", password=factories.PASSWORD)
    for role, user in users.items():
        rows["notice"][role] = Notice.objects.create(recipient=user, title=f"给{role}", url="/inbox/")
        rows["token"][role], _ = issue_token(
            user=user, name=f"令牌{role}", permissions=["view_request"], days=1, actor=None
        )
    User.objects.update(calendar_open=True, calendar_version=1)
    for user in users.values():
        user.refresh_from_db()
    rows["import"] = _imports(users)
    world = World(town, pool, users, rows)
    world.sign_everybody_in()
    return world


def _place_rows(rows: dict[str, dict[str, Any]], name: str, area: Any, pool: Pool, department: int) -> None:
    now = db_now()
    letters = f"{len(rows['request']):02}"
    rows["request"][name] = requests.submit_request(
        area=area, text=f"标记{name}", phone="19900001234", category=RequestCategory.objects.first()
    )
    rows["need"][name] = ResourceRequest.objects.create(
        number=f"Z1124-TEST{letters}", area=area, type=pool.type, status="matching", dispatch_after=now,
        window_start=now, window_end=now + timedelta(days=10),
    )  # fmt: skip
    rows["raised"][name] = ResourceRequest.objects.create(
        number=f"Z1124-DIST{letters}", area=area, type=pool.type, status="at_district_desk", dispatch_after=now,
        window_start=now, window_end=now + timedelta(days=10),
    )  # fmt: skip
    resource = pool.resources[department]
    rows["allocation"][name] = Allocation.objects.create(
        resource_request=rows["need"][name], resource=resource, partner=resource.partner, area=area,
        slot=pool.slots(department)[0], quantity=1, status="held", held_at=now, asks=1,
        answer_due_at=now + timedelta(days=1),
    )  # fmt: skip


def _imports(users: dict[str, Any]) -> dict[str, Any]:
    """Let everybody who keeps a registry begin an import of one row, which is wrong in all its cells."""
    begun = {}
    for role, user in users.items():
        for sheet in selectors.keeps(user)[:1]:
            titles = [column.title for column in sheet.columns if column.required]
            data = f"{','.join(titles)}\n{','.join('x' * len(titles))}\n".encode()
            begun[role] = imports.begin(actor=user, sheet=sheet, file_name="a.csv", data=data)
    return begun


def missing(kind: str) -> Any:
    """Return a row of `kind` that was never saved."""
    never: dict[str, Callable[[], Any]] = {
        "request": lambda: ServiceRequest(number="1124-NEVER"),
        "need": lambda: ResourceRequest(number="Z1124-NEVER"),
        "raised": lambda: ResourceRequest(number="Z1124-NEVER"),
        "allocation": lambda: Allocation(pk=uuid.uuid4()),
        "photo": lambda: RequestPhoto(request_id=uuid.uuid4()),
        "area": lambda: Area(pk=2**40),
        "party": lambda: PartyOrganization(pk=2**40),
        "slot": lambda: ResourceSlot(pk=2**40),
        "pairing": lambda: Pairing(pk=2**40),
        "partner": Partner,
        "resource": Resource,
        "notice": lambda: Notice(pk=2**40),
        "import": lambda: ImportRun(pk=uuid.uuid4()),
        "token": ApiToken,
    }
    return never[kind]()
