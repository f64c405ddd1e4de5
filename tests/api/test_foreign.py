"""Whose rows are not one's own are like rows that are not there: the same body, the same number of statements.

Every address with an id in it is asked about many foreign rows (`make contract`: 200) and about one that is missing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import middleware
from api.declare import Verb
from api.urls import OFFERED
from clockwork.selectors import db_now
from common import access
from grids import trees
from grids.trees import NewArea
from notifications.models import Notice
from partners.models import Pairing, Partner, Resource, ResourceSlot
from requests_board.models import Allocation, RequestPhoto, ResourceRequest, ServiceRequest
from requests_board.models import requests as request_models
from tests import factories
from tests.access.world import World, make_world, undone
from tests.api.test_contract import EXAMPLES

pytestmark = pytest.mark.django_db

MANY = 200 if EXAMPLES >= 50 else 8
ASKERS = ("community_worker", "department_liaison", "district_official")
RESOURCES = {resource.name: resource for resource in OFFERED}
OPEN_TO_ALL = {"categories", "resource-types", "decline-reasons", "not-accepted-reasons"}


@dataclass
class Foreign:
    """Rows of another district, by resource, which none of the askers may see."""

    world: World
    ids: dict[str, list[Any]]


@pytest.fixture(scope="module")
def foreign(django_db_setup: None, django_db_blocker: Any) -> Iterator[Foreign]:
    """A second district with many rows of everything."""
    with django_db_blocker.unblock(), undone():
        world = make_world()
        made = trees.load_areas(
            [NewArea("d", None, "district", "别的区"), NewArea("s", "d", "street", "南街")]
            + [NewArea(f"c{n}", "s", "community", f"外社区{n}", code=f"77{n:010}") for n in range(MANY)]
        )
        areas = [made[f"c{n}"] for n in range(MANY)]
        rows = {**_pool(world, areas), **_board(world, areas)}
        rows["areas"] = areas
        # Each of them moves its elders' numbers, so there are few.
        root = factories.party(None, "committee", made["d"])
        rows["party-organizations"] = [root, *(factories.party(root, "branch", area) for area in areas[:8])]
        rows["notices"] = Notice.objects.bulk_create(
            Notice(recipient=world.users["auditor"], title="别人的") for _ in range(MANY)
        )
        yield Foreign(world, {name: [row.pk for row in found] for name, found in rows.items()})


def _pool(world: World, areas: list[Any]) -> dict[str, list[Any]]:
    now, type = db_now(), world.pool.type
    partners = Partner.objects.bulk_create(
        Partner(area=area, category="department", name=f"外{n}", code=f"F{n:04}") for n, area in enumerate(areas)
    )
    resources = Resource.objects.bulk_create(
        Resource(area=firm.area, partner=firm, type=type, name="外", unit_kind="seat", unit_label="座")
        for firm in partners
    )
    slots = ResourceSlot.objects.bulk_create(
        ResourceSlot(resource=one, starts_at=now, ends_at=now + timedelta(hours=1), capacity=9, used=5)
        for one in resources
    )
    pairings = Pairing.objects.bulk_create(
        Pairing(department=firm, community=firm.area, valid_from="2020-01-01") for firm in partners
    )
    return {"partners": partners, "resources": resources, "slots": slots, "pairings": pairings}


def _board(world: World, areas: list[Any]) -> dict[str, list[Any]]:
    now = db_now()
    requests = ServiceRequest.objects.bulk_create(
        ServiceRequest(area=area, number=f"F-{n:05}", text="外", channel="web") for n, area in enumerate(areas)
    )
    needs = ResourceRequest.objects.bulk_create(
        ResourceRequest(
            area=area, number=f"ZF-{n:05}", type=world.pool.type, status="at_district_desk", dispatch_after=now,
            window_start=now, window_end=now + timedelta(days=3),
        )
        for n, area in enumerate(areas)
    )  # fmt: skip
    slots = list(ResourceSlot.objects.filter(resource__name="外").select_related("resource"))
    allocations = Allocation.objects.bulk_create(
        Allocation(
            area=need.area, resource_request=need, resource=slot.resource, partner_id=slot.resource.partner_id,
            slot=slot, quantity=1, status="held", held_at=now, asks=1, answer_due_at=now + timedelta(days=1),
        )
        for need, slot in zip(needs, slots, strict=True)
    )  # fmt: skip
    RequestPhoto.objects.bulk_create(RequestPhoto(request=row, file="f.jpg", width=1, height=1) for row in requests)
    return {"requests": requests, "resource-requests": needs, "allocations": allocations}


def addresses() -> list[tuple[str, str, Any]]:
    """Return every address with an id: resource, what stands behind the id, the verb or None."""
    found: list[tuple[str, str, Any]] = [("requests", "photos/{photo}/", None)]
    for name, resource in RESOURCES.items():
        if name not in OPEN_TO_ALL:
            found.append((name, "", None))
            found += [(name, f"{part.name}/", None) for part in resource.parts]
            found += [(name, f"{verb.name}/", verb) for verb in resource.verbs]
    return found


def ask(foreign: Foreign, role: str, address: str, verb: Verb | None) -> tuple[int, bytes, int]:
    """Ask once; return status, body and the number of statements."""
    with undone(), CaptureQueriesContext(connection) as caught:
        client = foreign.world.client(role)
        if verb is None:
            answer = client.get(address)
        else:
            answer = client.post(address, json.dumps(dict(verb.body.example)), content_type="application/json")
    return answer.status_code, answer.content, len(caught)


def differing(foreign: Foreign, name: str, rest: str, verb: Verb | None) -> list[Any]:
    """Return the answers about foreign rows that are not the answer about a missing one."""
    rights = verb.who if verb else RESOURCES[name].rights
    rule = access.needs(*rights) if rights else access.signed_in
    users = {role: foreign.world.users[role] for role in ASKERS}
    role = next(role for role, user in users.items() if rule.allows(type(user).objects.get(pk=user.pk)))

    def address(pk: Any) -> str:
        photo = RequestPhoto.objects.filter(request=pk).values_list("pk", flat=True).first() if "{" in rest else None
        return f"/api/v1/{name}/{pk}/" + rest.format(photo=photo or uuid.uuid4())

    nothing = address(2**40 if isinstance(foreign.ids[name][0], int) else uuid.uuid4())
    ask(foreign, role, nothing, verb)  # so that nothing is read for the first time
    wanted = ask(foreign, role, nothing, verb)
    assert wanted[0] == 404, (name, rest, wanted)
    answers = [ask(foreign, role, address(pk), verb) for pk in foreign.ids[name]]
    return [answer for answer in answers if answer != wanted]


@pytest.mark.parametrize(("name", "rest", "verb"), addresses(), ids=lambda v: v if isinstance(v, str) else "")
def test_foreign_rows_are_like_missing_ones(foreign, monkeypatch, name, rest, verb):
    # The stamp of the last request is written twice a minute, and would be one statement more.
    monkeypatch.setattr(middleware, "GRAIN", 3600)
    assert differing(foreign, name, rest, verb) == []


def test_control_without_the_scope_they_are_told_apart(foreign, monkeypatch):
    monkeypatch.setattr(middleware, "GRAIN", 3600)
    monkeypatch.setattr(request_models.ServiceRequestQuerySet, "visible_to", lambda self, user: self.all())
    assert len(differing(foreign, "requests", "", None)) == MANY
    take = next(verb for verb in RESOURCES["requests"].verbs if verb.name == "take")
    assert len(differing(foreign, "requests", "take/", take)) == MANY
