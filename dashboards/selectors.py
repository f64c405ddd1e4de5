"""Reads of the district's picture: every figure with what it is counted over, in a fixed number of statements."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import (
    Case,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, JSONObject, Now, NullIf

from dashboards.figures import ALLOCATION, FIGURES, NEED, PARTNER, REQUEST, Figure, Period, in_hand, of_kind
from dashboards.models import MetricDefinition
from grids.models import Area, AreaKind
from grids.permissions import reach, within_reach
from partners.models import Partner
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.workflow import RequestStatus

SPANS = (30, 90, 365)
WEEK = 7
WEEKS = 12
MODELS: dict[str, Any] = {REQUEST: ServiceRequest, NEED: ResourceRequest, ALLOCATION: Allocation, PARTNER: Partner}
K = TypeVar("K")
COMMUNITIES = (AreaKind.COMMUNITY, AreaKind.VILLAGE)
# Differences of less than this are not worth a sentence.
NOTABLE = 0.03


@dataclass(slots=True)
class Rate:
    """A figure as read: how many, out of how many, and what it is a share of."""

    n: int = 0
    among: int | None = None

    @property
    def share(self) -> float | None:
        """Return the share of 1, None where nothing was counted."""
        return self.n / self.among if self.among else None


@dataclass(slots=True)
class Unit:
    """One place that is compared with its siblings: a street of the district, or a community of the street."""

    area: Area
    households: int = 0
    figures: dict[str, Rate] = field(default_factory=dict)

    def of(self, code: str) -> Rate:
        """Return a figure; what was not counted is nothing."""
        return self.figures.get(code, Rate(0, 0 if FIGURES[code].among else None))

    @property
    def load(self) -> float | None:
        """Return what was received per 1,000 households, None where the households are not known."""
        return 1000 * self.of("received").n / self.households if self.households else None


def definitions(*codes: str) -> dict[str, MetricDefinition]:
    """Return the definitions with these codes, or all of them, by code."""
    rows = MetricDefinition.objects.all()
    return {row.code: row for row in (rows.filter(code__in=codes) if codes else rows)}


def root_for(user: Any, area_id: int | None, code: str = "") -> Area | None:
    """Return the place that the page is about: the one asked for if it is within reach, else the top of the reach.

    It carries the database's moment of reading as `as_of`, and the definition of the figure `code` as `definition`
    (its name and formula; None where there is none).
    """
    defined = MetricDefinition.objects.filter(code=code).values(told=JSONObject(name="name", formula="formula"))
    visible = Area.objects.filter(within_reach(user, "view_dashboard"))
    visible = visible.annotate(as_of=Now(), definition=Subquery(defined))
    if area_id is not None:
        return visible.filter(pk=area_id).first()
    paths = reach(user, "view_dashboard")
    return visible.filter(scope_path=paths[0]).first() if paths else None


def rows_of(figure: Figure, root: Area, period: Period) -> QuerySet[Any]:
    """Return exactly the rows that a figure counts at `root` (`lies_at`)."""
    return MODELS[figure.kind]._default_manager.filter(lies_at(root, figure.kind), figure.rows(period))


def lies_at(root: Area, kind: str) -> Q:
    """Match what lies at `root` and below it; for partners also those of the places above, which serve it too."""
    here = Q(scope_path__startswith=root.scope_path)
    if kind != PARTNER:
        return here
    parts = root.scope_path.strip("/").split("/")
    return here | Q(scope_path__in=["/" + "".join(f"{part}/" for part in parts[:n]) for n in range(1, len(parts))])


def rows_among(figure: Figure, root: Area, period: Period) -> QuerySet[Any]:
    """Return the rows that a rate is taken over below `root`, each told whether it is `counted` in; a figure that
    is no rate counts all of them.
    """
    if figure.among is None:
        return rows_of(figure, root, period).annotate(counted=Value(True))
    below = MODELS[figure.kind]._default_manager.filter(lies_at(root, figure.kind))
    counted = Case(When(figure.rows(period), then=Value(True)), default=Value(False))
    return below.filter(figure.among(period)).annotate(counted=counted)


def units(root: Area, period: Period) -> tuple[Unit, list[Unit]]:
    """Count every figure for `root` and for each place right below it, with one statement for each kind of row."""
    whole, below, home = Unit(root), *_places(root)
    depth = len(root.scope_path.strip("/").split("/")) + 2
    for kind in (REQUEST, NEED, ALLOCATION):
        for row in _grouped(kind, root, period, depth):
            unit = below.get(row["unit"])
            for target in filter(None, (whole, unit)):
                _add(target, kind, row)
    for unit_id, households in home.items():
        whole.households += households
        if unit_id in below:
            below[unit_id].households += households
    return whole, list(below.values())


def _places(root: Area) -> tuple[dict[int, Unit], dict[int, int]]:
    """Return the places right below `root` and the registered households of each, summed over its communities."""
    below: dict[int, Unit] = {}
    homes: dict[int, int] = {}
    depth = len(root.scope_path.strip("/").split("/"))
    found = Area.objects.filter(Q(parent_id=root.pk, valid_to=None) | Q(kind__in=COMMUNITIES)).within(root.scope_path)
    for area in found.order_by("sort_order", "lft"):
        if area.parent_id == root.pk:
            below[area.pk] = Unit(area)
        if area.kind in COMMUNITIES:
            ids = [int(part) for part in area.scope_path.strip("/").split("/")]
            unit_id = ids[depth] if len(ids) > depth else root.pk
            homes[unit_id] = homes.get(unit_id, 0) + (area.households or 0)
    return below, homes


def _grouped(kind: str, root: Area, period: Period, depth: int) -> Iterable[dict[str, Any]]:
    part = Func(F("scope_path"), Value("/"), Value(depth), function="split_part")
    counts = {}
    for figure in of_kind(kind):
        counts[figure.code] = Count("pk", filter=figure.rows(period))
        if figure.among:
            counts[f"{figure.code}_among"] = Count("pk", filter=figure.among(period))
    rows = MODELS[kind]._default_manager.filter(scope_path__startswith=root.scope_path)
    grouped = rows.annotate(unit=Cast(NullIf(part, Value("")), IntegerField())).order_by().values("unit")
    return grouped.annotate(**counts)


def _add(unit: Unit, kind: str, row: dict[str, Any]) -> None:
    for figure in of_kind(kind):
        rate = unit.figures.setdefault(figure.code, Rate(0, 0 if figure.among else None))
        rate.n += row[figure.code]
        if figure.among:
            rate.among = (rate.among or 0) + row[f"{figure.code}_among"]


# Who is behind, and why ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Behind:
    """The place that is behind, by how much, and what its late requests have in common.

    They are the overdue ones; where none is overdue (`resolved`), those that were resolved late in the period.
    `most` is another place, which has more overdue requests. Fewer than two places with enough rows: not `compared`.
    """

    unit: Unit
    gap: float
    compared: bool
    resolved: bool
    count: int
    kind: tuple[str, str]
    kind_count: int
    step: str
    step_count: int
    most: Unit | None


def behind(whole: Unit, below: list[Unit], period: Period, least: int) -> Behind | None:
    """Name the place whose on-time share is lowest; where none speaks (too few rows), the one with most overdue."""
    mean = whole.of("on_time").share
    speaking = [u for u in below if (u.of("on_time").among or 0) >= least]
    worst = min(speaking, key=lambda u: u.of("on_time").share or 0, default=None)
    gap = (mean - (worst.of("on_time").share or 0)) if worst and mean is not None else 0.0
    most = max(below, key=lambda u: u.of("overdue").n, default=None)
    if worst is None or gap < NOTABLE:
        worst, gap = most, 0.0
        if worst is None or worst.of("overdue").n == 0:
            return None
    ahead = most is not None and most.of("overdue").n > worst.of("overdue").n
    return _why(worst, gap, len(speaking) > 1, period, most if ahead else None)


# The steps on the way to a resolution: the moment at which each begins, and the one before it where it was left out.
_BEGINS: dict[RequestStatus, Any] = {
    RequestStatus.SUBMITTED: F("created_at"),
    RequestStatus.ACCEPTED: Coalesce("accepted_at", "resolved_at"),
    RequestStatus.ASSIGNED: Coalesce("assigned_at", "accepted_at", "resolved_at"),
    RequestStatus.IN_PROGRESS: Coalesce("acknowledged_at", "assigned_at", "accepted_at", "resolved_at"),
}
_ENDS: list[Any] = [*list(_BEGINS.values())[1:], F("resolved_at")]
_TOOK = {
    step.value: Sum(ExpressionWrapper(end - begin, DurationField()))
    for (step, begin), end in zip(_BEGINS.items(), _ENDS, strict=True)
}


def _why(unit: Unit, gap: float, compared: bool, period: Period, most: Unit | None) -> Behind:
    resolved = unit.of("overdue").n == 0
    late = rows_of(FIGURES["late" if resolved else "overdue"], unit.area, period).order_by()
    groups = list(
        late.values("category_id", "category__name").annotate(n=Count("pk"), **_TOOK)
        if resolved
        else late.values("category_id", "category__name", "status").annotate(n=Count("pk"))
    )
    kinds: Counter[tuple[str, str]] = Counter()
    steps: Counter[str] = Counter()
    for group in groups:
        kinds[_kind(group)] += group["n"]
        for step in _TOOK if resolved else (group["status"],):
            # What took longest counts where they are resolved, where most of them stand while they are overdue.
            steps[step] += int(group[step].total_seconds()) if resolved else group["n"]
    (kind, kind_count), (step, step_count) = _most(kinds, ("none", "")), _most(steps, "")
    return Behind(unit, gap, compared, resolved, kinds.total(), kind, kind_count, step, step_count, most)


def _most(counts: Counter[K], nothing: K) -> tuple[K, int]:
    return next(iter(counts.most_common(1)), (nothing, 0))


def _kind(group: dict[str, Any]) -> tuple[str, str]:
    return group["category_id"] or "none", group["category__name"] or "没有分类的"


def overdue_reasons(root: Area, period: Period, limit: int = 6) -> list[tuple[str, str, int]]:
    """Return what the overdue requests below `root` are about, with the kind's code, the most frequent first."""
    late = rows_of(FIGURES["overdue"], root, period).order_by()
    groups = late.values("category_id", "category__name").annotate(n=Count("pk")).order_by("-n", "category_id")[:limit]
    return [(group["category_id"] or "none", group["category__name"] or "没有分类", group["n"]) for group in groups]


def weeks_back(period: Period, weeks: int = WEEKS) -> list[datetime]:
    """Return the moments at which the last `weeks` weeks end, the oldest first."""
    return [period.as_of - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def backlog(root: Area, period: Period) -> list[int]:
    """Count the requests that needed hands at the end of each of the last weeks, in one statement."""
    counts = {f"w{i}": Count("pk", filter=in_hand(at)) for i, at in enumerate(weeks_back(period))}
    rows = ServiceRequest.objects.filter(scope_path__startswith=root.scope_path)
    return list(rows.aggregate(**counts).values())


def backlog_rows(root: Area, at: datetime) -> QuerySet[Any]:
    """Return the requests below `root` that needed hands at that moment."""
    return ServiceRequest.objects.filter(in_hand(at), scope_path__startswith=root.scope_path)
