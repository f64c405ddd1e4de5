"""Read back what stands already, so that each stage can begin where another one ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from clockwork.selectors import Calendar, db_now
from grids.models import Area, Post
from hedong.demo.hours import Hours
from partners.models import Pairing, Partner, PropertyService, Resource, ResourceServedArea, ResourceSlot
from requests_board.models import RequestCategory


@dataclass(frozen=True, slots=True)
class Place:
    """A place, with the community, street and estate that it lies in (itself included)."""

    id: int
    kind: str
    name: str
    path: str
    code: str
    short_code: str
    community: int | None
    street: int | None
    estate: int | None


@dataclass(slots=True)
class World:
    """The district as it stands in the database, at one moment of its clock."""

    now: datetime
    places: dict[int, Place] = field(default_factory=dict)

    def of(self, kind: str) -> list[Place]:
        """Return the places of a kind, in the order of the tree."""
        return [place for place in self.places.values() if place.kind == kind]

    def below(self, place: Place, kind: str) -> list[Place]:
        """Return the places of a kind at or below `place`."""
        return [one for one in self.of(kind) if one.path.startswith(place.path)]


def read() -> World:
    """Read all places."""
    world = World(timezone.localtime(db_now()))
    columns = ("pk", "parent_id", "kind", "name", "scope_path", "code", "short_code")
    for pk, parent, kind, name, path, code, short in Area.objects.order_by("tree_id", "lft").values_list(*columns):
        above = world.places.get(parent)
        street = pk if kind in ("street", "town") else above.street if above else None
        community = pk if kind in ("community", "village") else above.community if above else None
        estate = pk if kind == "estate" else above.estate if above else None
        world.places[pk] = Place(pk, kind, name, path, code, short, community, street, estate)
    return world


@dataclass(slots=True)
class Person:
    """A worker, as far as a trail names people."""

    id: UUID
    label: str


@dataclass(slots=True)
class Supply:
    """A resource of the pool with its coming slots."""

    row: Resource
    partner: Partner
    served: tuple[str, ...]
    slots: list[ResourceSlot] = field(default_factory=list)

    @property
    def by_week(self) -> bool:
        """Tell whether it is something that is lent, or given away, by the week."""
        return self.row.unit_kind == "stock_item"

    def serves(self, path: str) -> bool:
        """Tell whether it comes to a place with this path."""
        return any(path.startswith(area) for area in self.served)


def local_slots(**wanted: Any) -> list[ResourceSlot]:
    """Return the slots that are wanted, the earliest first, their times as the wall clock has them."""
    slots = list(ResourceSlot.objects.filter(**wanted).order_by("starts_at", "pk"))
    for slot in slots:
        slot.starts_at, slot.ends_at = timezone.localtime(slot.starts_at), timezone.localtime(slot.ends_at)
    return slots


class Board:
    """What requests and needs are told from: places, people, partners, the pool, the calendar."""

    def __init__(self, world: World) -> None:
        self.world, self.now = world, world.now
        today = world.now.date()
        self.hours = Hours(Calendar.load(today - timedelta(days=800), today + timedelta(days=400)))

    @cached_property
    def workers(self) -> dict[int, list[Person]]:
        """Return the workers of each community, village and street."""
        found: dict[int, list[Person]] = {}
        posts = Post.objects.filter(role__in=("community_worker", "street_worker")).order_by("pk")
        for area, user, label in posts.values_list("area_id", "user_id", "user__display_name"):
            found.setdefault(area, []).append(Person(user, label))
        return found

    @cached_property
    def grid_workers(self) -> dict[int, Person]:
        """Return the worker of each grid."""
        posts = Post.objects.filter(role="grid_worker").order_by("pk")
        return {
            area: Person(user, label)
            for area, user, label in posts.values_list("area_id", "user_id", "user__display_name")
        }

    @cached_property
    def district_officials(self) -> list[Person]:
        """Return who settles at the district's desk."""
        posts = Post.objects.filter(role="district_official").order_by("pk")
        return [Person(user, label) for user, label in posts.values_list("user_id", "user__display_name")]

    @cached_property
    def staff(self) -> dict[UUID, Person]:
        """Return who answers for each partner."""
        rows = User.objects.filter(memberships__isnull=False).order_by("username")
        return {
            partner: Person(user, label)
            for user, label, partner in rows.values_list("pk", "display_name", "memberships__partner_id")
        }

    @cached_property
    def partners(self) -> dict[str, Partner]:
        """Return the partners by code."""
        return {partner.code: partner for partner in Partner.objects.all()}

    @cached_property
    def departments(self) -> dict[str, Partner]:
        """Return the departments by name."""
        return {p.name: p for p in self.partners.values() if p.category == "department"}

    @cached_property
    def civic(self) -> dict[int, list[UUID]]:
        """Return the groups, residents and shops that work in each community."""
        found: dict[int, list[UUID]] = {}
        for partner in sorted(self.partners.values(), key=lambda one: one.code):
            if partner.category in ("welfare", "resident", "business") and partner.status == "active":
                found.setdefault(partner.area_id, []).append(partner.id)
        return found

    @cached_property
    def firms(self) -> dict[int, UUID]:
        """Return the property firm that serves each estate."""
        return dict(PropertyService.objects.filter(valid_to=None).values_list("area_id", "partner_id"))

    @cached_property
    def categories(self) -> dict[str, RequestCategory]:
        """Return the request categories by code."""
        return {row.code: row for row in RequestCategory.objects.all()}

    @cached_property
    def paired(self) -> dict[int, set[UUID]]:
        """Return the departments that are paired with each community."""
        found: dict[int, set[UUID]] = {}
        for community, department in Pairing.objects.filter(valid_to=None).values_list("community_id", "department_id"):
            found.setdefault(community, set()).add(department)
        return found

    @cached_property
    def supplies(self) -> list[Supply]:
        """Return the whole pool with its coming slots."""
        served: dict[Any, list[str]] = {}
        rows = ResourceServedArea.objects.values_list("resource_id", "area__scope_path").order_by("pk")
        for resource, path in rows:
            served.setdefault(resource, []).append(path)
        root = self.world.of("district")[0].path
        found = {
            row.pk: Supply(row, row.partner, (root,) if row.whole_district else tuple(served.get(row.pk, ())))
            for row in Resource.objects.filter(status="open").select_related("partner", "type").order_by("name", "pk")
        }
        for slot in local_slots(starts_at__gt=self.now, used__lt=F("capacity")):
            if slot.resource_id in found:
                found[slot.resource_id].slots.append(slot)
        return list(found.values())
