"""Real rows for every operation of the interface: one for each verb, in a state from which it succeeds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from PIL import Image

from accounts.actions import issue_token
from accounts.models import RateLimit
from accounts.tokens import rights_for_machines
from api.urls import OFFERED
from clockwork.selectors import db_now
from partners.models import PropertyService, ResourceSlot
from requests_board.actions import requests
from requests_board.models import (
    Allocation,
    DispatchPolicy,
    NotAcceptedReason,
    RequestCategory,
    RequestPhoto,
    ResourceRequest,
)
from tests import crowd
from tests.access.world import World, make_world

ROLES = ("community_worker", "street_worker", "district_official", "department_liaison", "system_admin")
RESOURCES = {resource.name: resource for resource in OFFERED}
WAYS = ("session", "token")
CSRF = "a" * 32
MISSING: dict[str, Any] = {"uuid": uuid4(), "int": 2**40, "slug": "none"}
DAY = timedelta(days=1)
# Verb → state of the request, and what else must be true of it.
REQUESTS: dict[str, dict[str, Any]] = {
    "recall": {"status": "assigned", "assigned_at": DAY},
    "return": {"status": "assigned"},
    "acknowledge": {"status": "assigned"},
    "resolve": {"status": "in_progress"},
    "confirm": {"status": "resolved"},
    "reopen": {"status": "resolved"},
    "answer-finally": {"status": "reopened", "reopens": 2},
}
# Verb → state of the need, state of the allocation, and in how many hours the slot begins (each lasts two).
ALLOCATIONS: dict[str, tuple[str, str, int]] = {
    "confirm": ("matching", "held", 72),
    "decline": ("matching", "held", 72),
    "counter": ("matching", "held", 72),
    "accept-counter": ("matching", "countered", 72),
    "reject-counter": ("matching", "countered", 72),
    "start": ("promised", "confirmed", -1),
    "deliver": ("promised", "in_service", -1),
    "no-show": ("promised", "confirmed", -5),
    "reschedule": ("open", "no_show", -5),
    "close-no-show": ("open", "no_show", -5),
    "evaluate": ("fulfilled", "delivered", -5),
    "cancel": ("promised", "confirmed", 300),
    "preempt": ("promised", "confirmed", 300),
}
# Verb → state of the need.
NEEDS = {"undo": "open", "withdraw": "open", "settle": "at_district_desk", "give-up": "at_district_desk"}


@dataclass
class Ground:
    """Real rows to ask about, how each role comes in, and what each operation has answered so far."""

    world: World
    named: dict[str, Any]
    fit: dict[tuple[str, str], Any]
    photo: RequestPhoto
    secrets: dict[str, str]
    answers: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    ids: dict[tuple[str, str], Any] = field(default_factory=dict)

    def row_for(self, role: str, path: str) -> Any:
        """Return the id of a row that the role sees, in a state from which the verb succeeds where there is one."""
        key = (role, path)
        if key not in self.ids:
            name, *more = path.removeprefix("/api/v1/").strip("/").split("/")
            resource, verb = RESOURCES[name], more[-1] if more else ""
            rows = resource.rows(type(self.world.users[role]).objects.get(pk=self.world.users[role].pk))
            fitting = rows.filter(pk=self.photo.request_id if "{photo}" in path else self.fit.get((name, verb)))
            seen = fitting.first() or rows.first()
            found = seen.pk if seen else MISSING[resource.key]
            self.ids[key] = str(found) if isinstance(found, UUID) else found
        return self.ids[key]

    def way_in(self, role: str, way: str) -> dict[str, Any]:
        """Return the cookies and headers by which a role comes in."""
        if way == "token":
            return {"headers": {"Authorization": f"Bearer {self.secrets[role]}"}}
        return {
            "cookies": {"sessionid": self.world.sessions[role], "csrftoken": CSRF},
            "headers": {"X-CSRFToken": CSRF, "Referer": "http://localhost/"},
        }


def make_ground() -> Ground:
    """Make a world in which each operation can succeed, and let everybody in as often as they like."""
    world = make_world()
    crowd.add(world, 0, 2)
    RateLimit.objects.all().delete()
    DispatchPolicy.objects.create(emergency_order="演练1号")
    NotAcceptedReason.objects.create(code="busy", label="忙", referral="请打社区电话。")
    PropertyService.objects.create(
        partner=world.pool.departments[0], area=world.town.estate, valid_from="2020-01-01"
    )
    fit = {**_requests(world), **_needs(world), **_allocations(world)}
    secrets = {
        role: issue_token(user=world.users[role], name="全部", permissions=sorted(rights_for_machines()), days=1,
                          actor=None)[1]
        for role in ROLES
    }  # fmt: skip
    world.sign_everybody_in()
    return Ground(world, _named(world), fit, _photo(world), secrets)


def _requests(world: World) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for verb in RESOURCES["requests"].verbs:
        row = requests.submit_request(
            area=world.town.building, text=f"给{verb.title}", category=RequestCategory.objects.first()
        )
        for name, value in REQUESTS.get(verb.name, {}).items():
            setattr(row, name, db_now() + value if isinstance(value, timedelta) else value)
        if row.status in {"assigned", "in_progress"}:
            row.handler_partner = world.pool.departments[0]
        row.save()
        found["requests", verb.name] = row.pk
    return found


def _need(world: World, number: str, status: str) -> ResourceRequest:
    now = db_now()
    return ResourceRequest.objects.create(
        number=number, area=world.town.community, type=world.pool.type, status=status, dispatch_after=now + DAY,
        window_start=now, window_end=now + 10 * DAY,
    )  # fmt: skip


def _needs(world: World) -> dict[tuple[str, str], Any]:
    return {
        ("resource-requests", verb): _need(world, f"ZN-{verb}", status).pk for verb, status in NEEDS.items()
    }


def _allocations(world: World) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    now, resource = db_now(), world.pool.resources[0]
    for n, (verb, (need, status, hours)) in enumerate(ALLOCATIONS.items()):
        starts = now + timedelta(hours=hours, seconds=n)
        slot = ResourceSlot.objects.create(
            resource=resource, starts_at=starts, ends_at=starts + timedelta(hours=2), capacity=9, used=1
        )
        row = Allocation.objects.create(
            resource_request=_need(world, f"ZA-{n}", need), resource=resource, partner=resource.partner,
            area=world.town.community, slot=slot, quantity=1, status=status, held_at=now, asks=1,
            answer_due_at=now + DAY,
        )  # fmt: skip
        found["allocations", verb] = row.pk
    return found


def _photo(world: World) -> RequestPhoto:
    picture = BytesIO()
    Image.new("RGB", (2, 2)).save(picture, "JPEG")
    made = RequestPhoto(request=world.rows["request"]["building"], width=2, height=2)
    made.file.save("ground.jpg", ContentFile(picture.getvalue()))
    return made


def _named(world: World) -> dict[str, Any]:
    """Return what stands in a body for a row, or for a moment that makes sense."""
    town, pool, now = world.town, world.pool, db_now()
    return {
        "area": town.community.pk, "type": pool.type.pk, "category": "010101", "reason": "busy",
        "partner": str(pool.departments[0].pk), "resource": str(pool.resources[0].pk), "slot": pool.slots(0)[-1].pk,
        "window_start": now.isoformat(), "window_end": (now + 10 * DAY).isoformat(), "quantity": 1,
        "phone": "19900001234", "source": "12345",
    }  # fmt: skip
