"""What the five categories of partners do, and where the pool runs short of what is asked."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Max, Q, Sum

from dashboards.figures import FIGURES, Period
from grids.models import Area
from partners.models import Partner, ResourceSlot, ResourceType
from partners.workflow import Category, ResourceStatus, Standing
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.selectors import preview
from requests_board.workflow import NeedStatus

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Part:
    """What one category does: how many partners, what they got done, and how that went over the weeks."""

    category: str
    label: str
    partners: int
    done: int
    weeks: list[int]


def parts(root: Area, period: Period) -> list[Part]:
    """Return the five categories: active partners of the district, and what they did for the places below `root`."""
    partners = dict(
        Partner.objects.filter(FIGURES["partners"].rows(period))
        .order_by()
        .values_list("category")
        .annotate(n=Count("pk"))
    )
    solved = _per_week(ServiceRequest, "resolved_at", "handler_partner__category", root, period)
    came = _per_week(Allocation, "delivered_at", "partner__category", root, period)
    found = []
    for category in Category:
        rows = [rows for source in (solved, came) if (rows := source.get(category.value))]
        weeks = [sum(row[f"w{i}"] for row in rows) for i in range(WEEKS)]
        done = sum(row["n"] for row in rows)
        found.append(Part(category.value, category.label, partners.get(category.value, 0), done, weeks))
    return found


def done_rows(root: Area, period: Period, category: str) -> tuple[Any, Any]:
    """Return the requests and the allocations that count as done by partners of `category`."""
    requests = ServiceRequest.objects.filter(
        period.holds("resolved_at"), handler_partner__category=category, scope_path__startswith=root.scope_path
    )
    came = Allocation.objects.filter(
        period.holds("delivered_at"), partner__category=category, scope_path__startswith=root.scope_path
    )
    return requests, came


def _per_week(model: Any, stamp: str, category: str, root: Area, period: Period) -> dict[str, dict[str, Any]]:
    counts: dict[str, Any] = {"n": Count("pk", filter=period.holds(stamp))}
    for i in range(WEEKS):
        end = period.as_of - timedelta(weeks=WEEKS - 1 - i)
        inside = Q(**{f"{stamp}__gt": end - timedelta(weeks=1), f"{stamp}__lte": end})
        counts[f"w{i}"] = Count("pk", filter=inside)
    first = min(period.start, period.as_of - timedelta(weeks=WEEKS))
    rows = model.objects.filter(
        scope_path__startswith=root.scope_path, **{f"{category}__isnull": False, f"{stamp}__gte": first}
    )
    grouped = rows.order_by().values(category).annotate(**counts)
    return {row[category]: row for row in grouped}


@dataclass(frozen=True, slots=True)
class Gap:
    """One type of resource: what waits, what is still free while it is wanted, and how much is missing."""

    type: ResourceType
    needs: int
    wanted: int
    free: int

    @property
    def missing(self) -> int:
        """Return what the pool is short of."""
        return max(self.wanted - self.free, 0)


def gaps(root: Area, period: Period) -> list[Gap]:
    """Compare what waits below `root` with what the pool still has in the days it is wanted; shortest first."""
    waiting = ResourceRequest.objects.filter(
        FIGURES["needs_waiting"].rows(period), scope_path__startswith=root.scope_path
    )
    groups = list(
        waiting.order_by().values("type_id").annotate(n=Count("pk"), wanted=Sum("quantity"), until=Max("window_end"))
    )
    until = {group["type_id"]: group["until"] for group in groups}
    types = {type.pk: type for type in ResourceType.objects.filter(pk__in=until)}
    free = _free(until, period)
    found = [Gap(types[g["type_id"]], g["n"], g["wanted"], free.get(g["type_id"], 0)) for g in groups]
    return sorted(found, key=lambda gap: (-gap.missing, -gap.wanted, gap.type.code))


def _free(until: dict[int, Any], period: Period) -> dict[int, int]:
    """Sum what is free from now to the last day on which a waiting need of the type can be served."""
    if not until:
        return {}
    windows = Q(pk__in=[])
    for type_id, end in until.items():
        windows |= Q(resource__type_id=type_id, starts_at__lt=end)
    slots = ResourceSlot.objects.filter(
        windows,
        starts_at__gt=period.as_of,
        resource__status=ResourceStatus.OPEN,
        resource__partner__status=Standing.ACTIVE,
    )
    return dict(slots.order_by().values_list("resource__type_id").annotate(n=Sum(F("capacity") - F("used"))))


# The district's desk ------------------------------------------------------------------------------------------------


def at_district_desk(user: Any) -> Any:
    """Return the needs that the pool could not serve by itself, the earliest wanted first."""
    return (
        ResourceRequest.objects.visible_to(user)
        .filter(status=NeedStatus.AT_DISTRICT_DESK)
        .select_related("type", "area__parent__parent", "requested_by")
        .order_by("window_start", "pk")
    )


def choices_for(need: ResourceRequest) -> dict[str, Any]:
    """Return who can serve the need and who cannot and why, leaving nobody out because it refused before."""
    verdict = preview(
        area=need.area, type=need.type, quantity=need.quantity, start=need.window_start, end=need.window_end
    )
    asked = need.allocations.exclude(held_at=None).select_related("partner", "resource", "decline_reason")
    return {"candidates": verdict.candidates, "refusals": verdict.refusals, "asked": list(asked.order_by("created_at"))}
