"""Reads over places and party organisations."""

from __future__ import annotations

import time
from datetime import date

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from grids.models import Area, AreaKind, DistrictProfile, PartyOrganization

_PROFILE_SECONDS = 10.0
_profile: tuple[float, DistrictProfile] | None = None


def today() -> date:
    """Return the database's date in the district's time zone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE %s)::date", [timezone.get_current_timezone_name()])
        return cursor.fetchone()[0]


def profile() -> DistrictProfile:
    """Return what this installation says about itself; kept in the process for some seconds."""
    global _profile
    if _profile is None or time.monotonic() - _profile[0] > _PROFILE_SECONDS:
        _profile = (time.monotonic(), DistrictProfile.objects.filter(pk=1).first() or DistrictProfile())
    return _profile[1]


def forget_profile() -> None:
    """Read the profile anew at the next request."""
    global _profile
    _profile = None


def community_of(area: Area) -> Area | None:
    """Return the community or village that `area` lies in; None above that level."""
    if area.kind in {AreaKind.COMMUNITY, AreaKind.VILLAGE}:
        return area
    ids = [int(part) for part in area.scope_path.split("/") if part]
    return Area.objects.filter(pk__in=ids, kind__in=(AreaKind.COMMUNITY, AreaKind.VILLAGE)).first()


def path_names(area: Area) -> list[str]:
    """Return the names from the district down to `area`."""
    ids = [int(part) for part in area.scope_path.split("/") if part]
    return list(Area.objects.filter(pk__in=ids).order_by("lft").values_list("name", flat=True))


def place_name(area: Area) -> str:
    """Return a building's name with its estate before it, unless it says so itself; other places go by their name.

    The grid between them is the staff's affair.
    """
    if area.kind != AreaKind.BUILDING:
        return area.name
    above = area.parent
    while above is not None and above.kind in {AreaKind.GRID, AreaKind.MICRO_GRID}:
        above = above.parent
    if above is None or above.kind != AreaKind.ESTATE or area.name.startswith(above.name):
        return area.name
    return f"{above.name}{area.name}"


def full_name(area: Area) -> str:
    """Return the name as people say it: the community and the place in it."""
    community = community_of(area)
    if community is None or community.pk == area.pk:
        return area.name
    return f"{community.name} {place_name(area)}"


# Each of these is expected to have a party organisation, its own or a joint one (应建尽建).
PARTY_EXPECTED = (AreaKind.COMMUNITY, AreaKind.VILLAGE, AreaKind.ESTATE, AreaKind.GRID, AreaKind.BUILDING)


def party_coverage(areas: QuerySet[Area], *, covered: bool) -> QuerySet[Area]:
    """Keep the valid places that should have a party organisation and have one, or that have none."""
    covering = PartyOrganization.covers.through.objects.filter(
        area=OuterRef("pk"), partyorganization__valid_to__isnull=True
    )
    expected = areas.filter(valid_to__isnull=True, kind__in=PARTY_EXPECTED)
    return expected.filter(Exists(covering)) if covered else expected.exclude(Exists(covering))


def names_beside(parent: Area, kind: str) -> tuple[list[str], str]:
    """Return the names that a new place of `kind` under `parent` may not take again, and what may stand before them.

    People know a building by its estate and number, so all buildings of the estate count, with its name or without.
    """
    if kind != AreaKind.BUILDING:
        return list(Area.objects.filter(parent=parent, kind=kind).valid().values_list("name", flat=True)), ""
    estate = parent.ancestor(AreaKind.ESTATE) or parent
    names = Area.objects.within(estate.scope_path).filter(kind=kind).valid().values_list("name", flat=True)
    return list(names), estate.name
