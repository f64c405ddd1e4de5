"""What the five categories of partners do, and where the pool runs short of what is asked."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Sum

from clockwork.selectors import db_now
from common import access
from dashboards.figures import FIGURES, Period
from dashboards.selectors import WEEK, WEEKS, definitions, rows_of, weeks_back
from grids.models import Area
from grids.permissions import within_reach
from partners.models import Partner, ResourceSlot, ResourceType
from partners.workflow import Category, ResourceStatus, Standing
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.selectors import preview
from requests_board.workflow import AllocationStatus, NeedStatus

# A need with one of these has its slot already, so it does not ask for another.
HOLDING = (AllocationStatus.HELD, AllocationStatus.COUNTERED)
LEFT = F("capacity") - F("used")
# The days that a partner's page speaks of, and the rows that a rate needs where its definition does not say.
LATELY, LEAST = 90, 20


@dataclass(frozen=True, slots=True)
class Part:
    """What one category does: how many partners, what they got done, and how that went over the weeks."""

    category: str
    label: str
    partners: int
    done: int
    weeks: list[int]


def parts(root: Area, period: Period) -> list[Part]:
    """Return the five categories: active partners for `root`, and what they did for the places below it."""
    counted = rows_of(FIGURES["partners"], root, period).order_by().values_list("category")
    partners = dict(counted.annotate(n=Count("pk")))
    solved = _per_week(ServiceRequest, "resolved_at", "handler_partner__category", root, period)
    came = _per_week(Allocation, "delivered_at", "partner__category", root, period)
    found = []
    for category in Category:
        rows = [rows for source in (solved, came) if (rows := source.get(category.value))]
        weeks = [sum(row[f"w{i}"] for row in rows) for i in range(WEEKS)]
        done = sum(row["n"] for row in rows)
        found.append(Part(category.value, category.label, partners.get(category.value, 0), done, weeks))
    return found


@dataclass(frozen=True, slots=True)
class Word:
    """One rate of a partner: how many of how many; `few` when there are too few to speak of."""

    label: str
    n: int
    among: int
    few: bool

    @property
    def percent(self) -> int:
        """Return the share in whole percent."""
        return round(100 * self.n / self.among) if self.among else 0


@dataclass(frozen=True, slots=True)
class Words:
    """The rates of one partner over the last days."""

    days: int
    rates: list[Word]


def word_of(user: Any, partner: Partner) -> Words:
    """Count how a partner keeps its word, over the rows that the person may see; nothing for who sees none."""
    sources: tuple[tuple[Any, ...], ...] = (
        ("按时办结", ServiceRequest, "handler_partner", "view_request", "on_time", None),
        ("问了有答复", Allocation, "partner", "view_allocation", "accepted", Q(answered_at__isnull=False)),
    )
    sources = tuple(source for source in sources if access.holds(user, source[3]))
    if not sources:
        return Words(LATELY, [])
    period, known = Period(db_now(), LATELY), definitions()
    rates = []
    for label, model, column, right, code, kept in sources:
        figure = FIGURES[code]
        among = figure.among or figure.rows
        rows = model._default_manager.filter(within_reach(user, right), among(period), **{column: partner})
        said = rows.aggregate(n=Count("pk", filter=kept or figure.rows(period)), among=Count("pk"))
        least = known[code].least_rows if code in known else LEAST
        rates.append(Word(label, said["n"], said["among"], said["among"] < least))
    return Words(LATELY, rates)


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
    for i, end in enumerate(weeks_back(period)):
        counts[f"w{i}"] = Count("pk", filter=Period(end, WEEK).holds(stamp))
    first = min(period.start, weeks_back(period)[0] - timedelta(days=WEEK))
    rows = model.objects.filter(
        scope_path__startswith=root.scope_path, **{f"{category}__isnull": False, f"{stamp}__gte": first}
    )
    grouped = rows.order_by().values(category).annotate(**counts)
    return {row[category]: row for row in grouped}


@dataclass(frozen=True, slots=True)
class Gap:
    """One type of resource: what waits and what of it is stuck, what was given up, and what is still free.

    `needs` and `wanted` are all that wait, `asked_for` is what of it holds no slot yet. Where nothing waits no time is
    wanted and `free` is None.
    """

    type: ResourceType
    needs: int
    wanted: int
    asked_for: int
    stuck: int
    given_up: int
    free: int | None

    @property
    def short(self) -> bool:
        """Tell whether the pool was, or is, not enough; free slots somewhere do not help those that are stuck."""
        return self.stuck > 0 or self.given_up > 0 or self.asked_for > (self.free or 0)


def gaps(root: Area, period: Period) -> list[Gap]:
    """Compare what waits below `root`, or was given up, with the pool; what is short of most comes first.

    A need stands at the district's desk because the engine found nobody for it, so it is not judged once more.
    """
    waiting, stuck, given_up = (FIGURES[f"needs_{name}"].rows(period) for name in ("waiting", "at_desk", "unmet"))
    held = Allocation.objects.filter(resource_request=OuterRef("pk"), status__in=HOLDING)
    rows = ResourceRequest.objects.filter(waiting | given_up, scope_path__startswith=root.scope_path)
    groups = list(
        rows.alias(held=Exists(held))
        .order_by()
        .values("type_id")
        .annotate(
            needs=Count("pk", filter=waiting),
            wanted=Sum("quantity", filter=waiting, default=0),
            asked_for=Sum("quantity", filter=waiting & Q(held=False), default=0),
            stuck=Count("pk", filter=stuck),
            given_up=Count("pk", filter=given_up),
            until=Max("window_end", filter=waiting),
        )
    )
    types = {type.pk: type for type in ResourceType.objects.filter(pk__in=[row["type_id"] for row in groups])}
    free = _free({row["type_id"]: row["until"] for row in groups}, period)
    found = [
        Gap(
            types[row["type_id"]], row["needs"], row["wanted"], row["asked_for"], row["stuck"], row["given_up"],
            free.get(row["type_id"]),
        )
        for row in groups
    ]  # fmt: skip
    return sorted(found, key=lambda gap: (-gap.stuck - gap.given_up, not gap.short, -gap.wanted, gap.type.code))


def _free(untils: dict[int, Any], period: Period) -> dict[int, int]:
    """Sum what is free until the last day on which a waiting need of the type can be served."""
    wanted = {type_id: until for type_id, until in untils.items() if until is not None}
    found = dict(_slots(wanted, period).order_by().values_list("resource__type_id").annotate(n=Sum(LEFT)))
    return {type_id: found.get(type_id, 0) for type_id in wanted}


def _slots(untils: dict[int, Any], period: Period) -> Any:
    windows = Q(pk__in=[])
    for type_id, until in untils.items():
        windows |= Q(resource__type_id=type_id, starts_at__lt=until)
    return ResourceSlot.objects.filter(
        windows,
        starts_at__gt=period.as_of,
        used__lt=F("capacity"),
        resource__status=ResourceStatus.OPEN,
        resource__partner__status=Standing.ACTIVE,
    )


def free_rows(root: Area, period: Period, type_id: int) -> Any:
    """Return the slots that are counted as free for what waits below `root`, with what is `left` in each."""
    waiting = rows_of(FIGURES["needs_waiting"], root, period).filter(type_id=type_id)
    until = waiting.aggregate(until=Max("window_end"))["until"]
    return _slots({} if until is None else {type_id: until}, period).annotate(left=LEFT)


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
