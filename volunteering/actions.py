"""What is kept about volunteer teams and the kinds of service they offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from audit.actions import keep, record
from grids.permissions import require, require_kept
from volunteering.models import ServiceType, VolunteerTeam


@transaction.atomic
def keep_team(
    row: VolunteerTeam, *, service_types: Iterable[ServiceType], actor: Any = None, seen: str | None = None
) -> VolunteerTeam:
    """Add or change a team and what it can do; refuse whoever does not keep its place, before and after."""

    def check(stored: Any) -> None:
        if actor is not None:
            require_kept(actor, "manage_partner", stored, row)

    if row._state.adding and actor is not None:
        require(actor, "manage_partner", row.area)
    verb = "team.added" if row._state.adding else "team.changed"
    keep(row, verb=verb, actor=actor, seen=seen, check=check)
    before = set(row.service_types.all())
    row.service_types.set(service_types)
    after = set(row.service_types.all())
    if before != after:
        record(actor=actor, verb="team.services_changed", target=row, before=_names(before), after=_names(after))
    return row


@transaction.atomic
def set_services(offered: Mapping[Any, Sequence[str]]) -> None:
    """Say for each of these teams which kinds of service it offers; the rows' own events tell of it."""
    through = VolunteerTeam.service_types.through
    through.objects.filter(volunteerteam__in=list(offered)).delete()
    through.objects.bulk_create(
        [through(volunteerteam_id=key, servicetype_id=code) for key, codes in offered.items() for code in codes],
        batch_size=1000,
    )


def keep_service_type(row: ServiceType, *, actor: Any = None, seen: str | None = None) -> ServiceType:
    """Add or change a kind of voluntary service."""
    keep(row, verb="service_type.kept", actor=actor, seen=seen)
    return row


def _names(types: Iterable[ServiceType]) -> str:
    return "、".join(sorted(str(kind) for kind in types))
