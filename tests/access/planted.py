"""Rows of every model at every place of the town, each with a mark of its own, and where each of them lies.

What is written here by hand is asked instead of the code's own scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import models

from audit.actions import record
from grids.actions import grants, groups
from grids.models import Area, Post
from partners.models import (
    DepartmentProfile,
    Membership,
    Pairing,
    Partner,
    PropertyService,
    Resource,
    ResourceBlackout,
    ResourceServedArea,
    ResourceSlot,
)
from partners.workflow import Category
from tests import crowd, factories
from tests.access.world import POSITIONS, World, make_world
from volunteering.models import ServiceType, VolunteerTeam

# Places where a row of everything lies.
PLACES = ("district", "street", "community", "grid", "building", "next_community", "far_street", "far_building")
Where = Callable[[Any], Iterable[Area]]
# Model → the places at which one of its rows lies; the rest belongs to no place.
LIES_AT: dict[str, Where] = {
    "audit.event": lambda row: [Area(scope_path=row.scope_path)] if row.scope_path else [],
    "grids.area": lambda row: [row],
    "grids.partyorganization": lambda row: [row.area],
    "grids.post": lambda row: [row.area],
    "grids.buildingcode": lambda row: [row.area],
    "grids.areagrouppermission": lambda row: [row.content_object],
    "grids.areauserpermission": lambda row: [row.content_object],
    "partners.partner": lambda row: [row.area],
    "partners.resource": lambda row: [row.area],
    "partners.resourceslot": lambda row: [row.resource.area],
    "partners.membership": lambda row: [row.partner.area],
    "partners.pairing": lambda row: [row.community, row.department.area],
    "partners.propertyservice": lambda row: [row.area, row.partner.area],
    "requests_board.servicerequest": lambda row: [row.area],
    "requests_board.resourcerequest": lambda row: [row.area],
    "requests_board.allocation": lambda row: [row.area],
    "volunteering.volunteerteam": lambda row: [row.area],
}
# Rows that everybody who sees the list sees, though their neighbours lie somewhere.
EVERYWHERE = {"audit.event"}
# The same right everywhere in the town, and what lies above it.
WHOLE_TOWN = ("system_admin", "security_admin", "auditor", "first_admin")


def make() -> World:
    """Make the world with a row of everything at each place."""
    world = make_world()
    crowd.add(world, 0, 1)
    kind = ServiceType.objects.create(code="mark", name="陪伴", group="老人")
    for name in PLACES:
        _plant(world, name, kind)
    world.sign_everybody_in()
    return world


def mark(name: str) -> str:
    """Return the word that every row planted at a place carries in its name."""
    return f"标{name}记"


def _plant(world: World, name: str, kind: ServiceType) -> None:
    area, word = getattr(world.town, name), mark(name)
    firm = Partner.objects.create(area=area, category=Category.PROPERTY, name=f"{word}物业", code=f"F-{name}")
    office = Partner.objects.create(area=area, category=Category.DEPARTMENT, name=f"{word}站所", code=f"D-{name}")
    DepartmentProfile.objects.create(partner=office, group="government")
    person = factories.user(f"person-{name}", display_name=f"{word}人")
    Membership.objects.create(user=person, partner=office, role="partner_staff", valid_from=crowd.LONG_AGO)
    Pairing.objects.create(department=office, community=area, valid_from=crowd.LONG_AGO)
    PropertyService.objects.create(partner=firm, area=area, valid_from=crowd.LONG_AGO)
    resource = Resource.objects.create(
        partner=office, type=world.pool.type, name=f"{word}讲座", area=area, unit_kind="seat", unit_label="座",
    )  # fmt: skip
    ResourceServedArea.objects.create(resource=resource, area=area)
    ResourceBlackout.objects.create(resource=resource, first_day=crowd.LONG_AGO, last_day=crowd.LONG_AGO)
    start = world.pool.slots(0)[0].starts_at
    ResourceSlot.objects.create(resource=resource, starts_at=start, ends_at=start.replace(hour=3), capacity=5, used=1)
    VolunteerTeam.objects.create(area=area, name=f"{word}队").service_types.add(kind)
    Post.objects.create(user=person, role="building_leader", area=area)
    for holder in (groups.create_group(f"{word}组"), person):
        grants.grant(holder, "view_request", area)
    factories.party(world.town.committee, "branch", area, f"{word}支部")
    record(verb="area.changed", target=area, reason=f"{word}事")


def reach_of(world: World, role: str) -> str:
    """Return the path below which a role's post reaches."""
    place = "district" if role in WHOLE_TOWN else POSITIONS[role]["own"]
    return str(getattr(world.town, place).scope_path)


def lies_within(world: World, row: models.Model, role: str) -> bool:
    """Tell whether a row lies where the role's post reaches; what belongs to no place lies everywhere."""
    where = LIES_AT.get(row._meta.label_lower)
    if where is None:
        return True
    paths = [area.scope_path for area in where(row)]
    return any(path.startswith(reach_of(world, role)) for path in paths) if paths else True


def rows_of(world: World, model: type[models.Model], role: str) -> tuple[set[Any], set[Any]]:
    """Return the keys of a model's rows within the reach of a role, and of those outside it."""
    where = LIES_AT.get(model._meta.label_lower)
    rows = model._default_manager.all() if where is None else _with_places(model)
    own, foreign = set(), set()
    for row in rows:
        (own if lies_within(world, row, role) else foreign).add(row.pk)
    return own, foreign


def _with_places(model: type[models.Model]) -> Any:
    paths = {
        "resourceslot": ["resource__area"], "membership": ["partner__area"],
        "pairing": ["community", "department__area"], "propertyservice": ["area", "partner__area"],
        "areagrouppermission": ["content_object"], "areauserpermission": ["content_object"],
        "area": [], "event": [],
    }  # fmt: skip
    return model._default_manager.select_related(*paths.get(model._meta.model_name, ["area"]))


def own_and_foreign(world: World, model: type[models.Model], role: str) -> tuple[Any, Any]:
    """Return one row of a model within the reach of a role and one outside it; None where there is none.

    Of the rows with two places, one that lies within with both.
    """
    if role not in (*POSITIONS, *WHOLE_TOWN):
        return model._default_manager.order_by("pk").first(), None
    own, foreign = rows_of(world, model, role)
    find = model._default_manager.order_by("pk")
    where = LIES_AT.get(model._meta.label_lower, lambda row: [])
    reach = reach_of(world, role)
    inside = (row for row in find.filter(pk__in=own) if all(area.scope_path.startswith(reach) for area in where(row)))
    return next(inside, None), find.filter(pk__in=foreign).first()


def foreign_words(world: World, role: str) -> set[str]:
    """Return the words that no page may show to a role: marks, numbers and names of what lies elsewhere.

    The names of the places above are on the way to a row, as its parent or in its path.
    """
    reach = reach_of(world, role)
    words = {mark(name) for name in PLACES if not getattr(world.town, name).scope_path.startswith(reach)}
    for area in world.town.areas.values():
        if not area.scope_path.startswith(reach) and not reach.startswith(area.scope_path):
            words.add(area.name)
    for kind in ("request", "need", "raised"):
        words |= {row.number for row in world.rows[kind].values() if not row.area.scope_path.startswith(reach)}
    return words
