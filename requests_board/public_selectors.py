"""What the residents' pages show of places and of what was done there; never a name or anybody's own words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, F, Q, QuerySet
from django.utils import timezone

from clockwork.selectors import db_now
from grids.models import Area, AreaKind, BuildingCode
from grids.selectors import place_name
from requests_board import words
from requests_board.models import RequestCategory, ServiceRequest
from requests_board.workflow import REQUEST_TO_DO, RequestStatus

COMMUNITIES = (AreaKind.COMMUNITY, AreaKind.VILLAGE)
STREETS = (AreaKind.STREET, AreaKind.TOWN)
# Where something can be reported; a street or the whole district is too wide to go and look.
REPORTABLE = (*COMMUNITIES, AreaKind.ESTATE, AreaKind.GRID, AreaKind.MICRO_GRID, AreaKind.BUILDING)
_RECENT, _SIMILAR = timedelta(days=60), timedelta(days=30)
_SHOWN = 3
# From a building up to its community: grid, estate, community.
AROUND = "parent__parent__parent"
# A number of this many digits still fits into the database's column.
_LONGEST, _BY_NUMBER = 18, "n-"
# What neighbours read of a request whose kind nobody knows yet.
_UNKNOWN = "有人反映过一件事"


@dataclass(frozen=True, slots=True)
class Place:
    """A place with the community around it."""

    area: Area
    community: Area | None

    @property
    def name(self) -> str:
        """Return the place as people say it."""
        if self.community is None or self.community.pk == self.area.pk:
            return self.area.name
        return f"{self.community.name} {place_name(self.area)}"

    @property
    def key(self) -> str:
        """Return the number by which pages name the place."""
        return str(self.area.pk)

    @property
    def door(self) -> str:
        """Return what stands in the address of the community's home; empty above the level of communities."""
        if self.community is None:
            return ""
        return self.community.code or f"{_BY_NUMBER}{self.community.pk}"

    @property
    def precise(self) -> bool:
        """Tell whether the place is a building."""
        return self.area.kind == AreaKind.BUILDING

    @property
    def phone(self) -> str:
        """Return the community's public telephone."""
        return self.area.phone or (self.community.phone if self.community else "")


@dataclass(frozen=True, slots=True)
class Matter:
    """A request as neighbours may see it: what kind as far as that is known, where, since when; nobody's words."""

    pk: Any
    title: str
    icon: str
    keywords: str
    place: str
    note: str
    state: dict[str, str]


def place_of(area: Area) -> Place:
    """Return `area` with its community; the caller has read the places around it (`AROUND`)."""
    above: Area | None = area
    while above is not None and above.kind not in COMMUNITIES:
        above = above.parent
    return Place(area, above)


def place_by_id(text: str) -> Place | None:
    """Return the place with this number, if something can be reported there."""
    if not text.isdecimal() or len(text) > _LONGEST:
        return None
    area = Area.objects.valid().filter(pk=int(text), kind__in=REPORTABLE).select_related(AROUND).first()
    return place_of(area) if area else None


def place_by_sticker(code: str) -> tuple[Place | None, bool]:
    """Return the place of a sticker and whether the sticker still holds."""
    found = BuildingCode.objects.select_related(f"area__{AROUND}").filter(code=code).first()
    if found is None:
        return None, False
    alive = (found.valid_to is None or found.valid_to > db_now()) and found.area.valid_to is None
    return place_of(found.area), alive


def community_by_code(code: str) -> Area | None:
    """Return the valid community or village with this code, or with this number where it has no code."""
    areas = Area.objects.valid().filter(kind__in=COMMUNITIES)
    number = code.removeprefix(_BY_NUMBER)
    if number != code and number.isdecimal() and len(number) < _LONGEST:
        return areas.filter(pk=int(number), code="").first()
    return areas.filter(code=code).first()


def streets() -> list[tuple[Area, list[Place]]]:
    """Return the streets and towns, each with its communities and villages."""
    areas = Area.objects.valid().filter(kind__in=(*STREETS, *COMMUNITIES)).order_by("tree_id", "lft")
    found: list[tuple[Area, list[Place]]] = []
    for area in areas.only("name", "code", "kind", "lft", "tree_id"):
        if area.kind in STREETS:
            found.append((area, []))
        elif found:
            found[-1][1].append(Place(area, area))
    return [(street, inside) for street, inside in found if inside]


def search(text: str, limit: int = 20) -> list[Place]:
    """Return communities, villages and estates whose name holds `text`."""
    areas = Area.objects.valid().filter(name__icontains=text, kind__in=(*COMMUNITIES, AreaKind.ESTATE))
    found = list(areas.order_by("level", "tree_id", "lft")[:limit])
    around = {pk for area in found for pk in _ids(area)}
    known = {area.pk: area for area in Area.objects.filter(pk__in=around, kind__in=COMMUNITIES)}
    return [Place(area, next((known[pk] for pk in _ids(area) if pk in known), None)) for area in found]


def buildings(community: Area) -> list[tuple[Area | None, list[Area]]]:
    """Return the estates of a community with their buildings; buildings outside any estate come last."""
    kinds = (AreaKind.ESTATE, AreaKind.BUILDING)
    areas = Area.objects.valid().within(community.scope_path).filter(kind__in=kinds).order_by("tree_id", "lft")
    estates: dict[str, tuple[Area | None, list[Area]]] = {}
    loose: list[Area] = []
    for area in areas.only("name", "kind", "scope_path", "lft", "tree_id"):
        if area.kind == AreaKind.ESTATE:
            estates[area.scope_path] = (area, [])
            continue
        home = next((path for path in estates if area.scope_path.startswith(path)), None)
        (estates[home][1] if home else loose).append(area)
    found = [(estate, inside) for estate, inside in estates.values() if inside]
    return [*found, (None, loose)] if loose else found


def month(community: Area, now: datetime) -> dict[str, Any] | None:
    """Return this month's counts of a community, None while nothing came in; nobody is compared with anybody."""
    first = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    inside = ServiceRequest.objects.filter(scope_path__startswith=community.scope_path)
    figures = inside.aggregate(
        received=Count("pk", filter=Q(created_at__gte=first)),
        done=Count("pk", filter=Q(resolved_at__gte=first)),
        took=Avg(F("resolved_at") - F("created_at"), filter=Q(resolved_at__gte=first)),
    )
    if not figures["received"] and not figures["done"]:
        return None
    took = words.span(figures["took"]).split(" ") if figures["took"] else None
    return {"received": figures["received"], "done": figures["done"], "took": took}


def recently_done(place: Place, now: datetime) -> list[Matter]:
    """Return the last things that were done at `place` and in its community, in plain words."""
    community = place.community or place.area
    done = _public(community).filter(
        category__isnull=False, status__in=(RequestStatus.CLOSED, RequestStatus.RESOLVED), resolved_at__gt=now - _RECENT
    )
    near = list(done.filter(scope_path__startswith=place.area.scope_path).order_by("-resolved_at")[:_SHOWN])
    if not near and place.area.pk != community.pk:
        near = list(done.order_by("-resolved_at")[:_SHOWN])
    return [_matter(request, _took(request)) for request in near]


def similar(place: Place, now: datetime, *, limit: int = _SHOWN) -> list[Matter]:
    """Return what neighbours of the same building reported lately and is still being done.

    Of a matter that nobody has classified yet only the day is told.
    """
    if not place.precise:
        return []
    open_ones = _public(place.area).filter(status__in=REQUEST_TO_DO, created_at__gt=now - _SIMILAR)
    rows = open_ones.annotate(met=Count("echoes")).order_by("-created_at")[:limit]
    return [_matter(row, f"{words.day(row.created_at, now)}{_reported(row)}{_met(row.met)}") for row in rows]


def quick_categories() -> QuerySet[RequestCategory]:
    """Return the categories that the residents' form offers."""
    return RequestCategory.objects.filter(active=True, quick__isnull=False).order_by("quick")


def _reported(request: ServiceRequest) -> str:
    # The title of a matter of an unknown kind says it already.
    return "有人反映过" if request.category_id else ""


def _met(number: int) -> str:
    return f"，{number} 户也遇到" if number else ""


def _took(request: ServiceRequest) -> str:
    if request.resolved_at is None:
        return "办好了"
    return f"{words.date_of(request.resolved_at)}办好，用时 {words.span(request.resolved_at - request.created_at)}"


def _public(area: Area) -> QuerySet[ServiceRequest]:
    """Keep what may be told to neighbours: what is not of a sensitive kind."""
    told = Q(category=None) | Q(category__sensitive=False)
    rows = ServiceRequest.objects.filter(told, scope_path__startswith=area.scope_path)
    return rows.select_related("category", "area")


def _matter(request: ServiceRequest, note: str) -> Matter:
    category = request.category
    if category is None:
        title, icon, keywords = _UNKNOWN, "", ""
    else:
        title, icon, keywords = category.name, category.icon, category.keywords
    return Matter(
        pk=request.pk, title=title, icon=icon, keywords=keywords, place=request.area.name, note=note,
        state=words.state(request),
    )  # fmt: skip


def _ids(area: Area) -> Iterable[int]:
    return [int(part) for part in area.scope_path.split("/") if part]
