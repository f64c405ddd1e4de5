"""Reads of the batch's runs (统筹): the list, and what one of them changed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from grids.models import Area
from grids.permissions import within_reach
from partners.models import ResourceSlot
from requests_board.models import DispatchRun, ResourceRequest

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One need and the slots for which it was and is planned, None for none."""

    need: ResourceRequest
    before: ResourceSlot | None
    after: ResourceSlot | None


def district_of(user: Any) -> Area | None:
    """Return the district for which the person settles needs."""
    return Area.objects.filter(within_reach(user, "settle_at_district"), parent=None).order_by("pk").first()


def runs(user: Any) -> list[DispatchRun]:
    """Return the newest runs."""
    return list(DispatchRun.objects.visible_to(user).select_related("ordered_by").defer("changes")[:SHOWN])


def run(user: Any, pk: int) -> DispatchRun | None:
    """Return one run if it is of the person's district."""
    return DispatchRun.objects.visible_to(user).select_related("ordered_by", "area").filter(pk=pk).first()


def changes(user: Any, row: DispatchRun) -> list[Change]:
    """Return the run's changes on needs that the person sees, in two statements however many."""
    asked = ResourceRequest.objects.visible_to(user).filter(pk__in=[UUID(need) for need, _, _ in row.changes])
    needs = {need.pk.hex: need for need in asked.select_related("type", "area__parent__parent")}
    wanted = {slot for _, *slots in row.changes for slot in slots if slot}
    slots = ResourceSlot.objects.select_related("resource__partner").in_bulk(wanted) if wanted else {}
    return [
        Change(needs[need], slots.get(before), slots.get(after)) for need, before, after in row.changes if need in needs
    ]
