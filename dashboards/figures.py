"""Every figure as a condition on rows: what is counted on the page is exactly what its row page lists.

A figure is one condition, or for a rate two: the rows that fulfil it among the rows it is taken over. No database here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from partners.workflow import Standing
from requests_board.workflow import REQUEST_TO_DO, AllocationStatus, NeedStatus, Rating

DAY = timedelta(days=1)
REQUEST, NEED, ALLOCATION, PARTNER = "request", "need", "allocation", "partner"
# Spans of the calendar, for what is handed in by the month; by the district's own clock.
CALENDAR = {"month": "本月", "last_month": "上月", "year": "今年"}


@dataclass(frozen=True, slots=True)
class Period:
    """The span that a page speaks of; it ends at `as_of`, the database's moment of reading."""

    as_of: datetime
    days: int
    # Of a span of the calendar: its code, and when it begins.
    code: str = ""
    since: datetime | None = None

    @property
    def start(self) -> datetime:
        """Return the beginning of the span."""
        return self.since or self.as_of - timedelta(days=self.days)

    @property
    def key(self) -> str:
        """Return what stands for the span in an address."""
        return self.code or str(self.days)

    @property
    def words(self) -> str:
        """Return the span as people say it."""
        return CALENDAR[self.code] if self.code else f"近 {self.days} 天"

    def holds(self, field: str) -> Q:
        """Match rows whose `field` lies in the span."""
        return Q(**{f"{field}__gte": self.start, f"{field}__lte": self.as_of})


def calendar_period(now: datetime, code: str) -> Period:
    """Return the month or year that holds `now` up to now, or the whole month before."""
    today = timezone.localtime(now)
    midnight = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start, end = midnight.replace(month=1) if code == "year" else midnight, now
    if code == "last_month":
        end = start - timedelta(microseconds=1)
        start = (start - DAY).replace(day=1)
    return Period(end, (end - start).days + 1, code, start)


Condition = Callable[[Period], Q]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: the rows it counts, and for a rate the rows it is a share of."""

    code: str
    kind: str
    rows: Condition
    among: Condition | None = None


def _answered(period: Period) -> Q:
    first = Coalesce(F("accepted_at"), F("resolved_at"), F("closed_at"))
    return _asked_a_day_ago(period) & Q(created_at__gte=first - DAY)


def _asked_a_day_ago(period: Period) -> Q:
    return Q(created_at__gte=period.start, created_at__lte=period.as_of - DAY)


def _came(period: Period) -> Q:
    kept = Q(status__in=[AllocationStatus.CONFIRMED, AllocationStatus.IN_SERVICE, AllocationStatus.DELIVERED])
    finished = Q(status=AllocationStatus.CLOSED)
    withdrawn_later = Q(status__in=[AllocationStatus.CANCELLED, AllocationStatus.NO_SHOW], answered_at__isnull=False)
    return _asks_over(period) & (kept | finished | withdrawn_later)


def _asks_over(period: Period) -> Q:
    return period.holds("held_at") & (Q(answered_at__isnull=False) | Q(status=AllocationStatus.EXPIRED))


def _rated(period: Period) -> Q:
    return period.holds("closed_at") & ~Q(rating=Rating.NONE)


def in_hand(at: datetime) -> Q:
    """Match the requests that needed somebody's hands at that moment; one that was reopened needs them again."""
    unsolved = Q(resolved_at__isnull=True) & (Q(closed_at__isnull=True) | Q(closed_at__gt=at))
    again = Q(reopened_at__lte=at)
    still = again & Q(status__in=REQUEST_TO_DO)
    answered_later = again & Q(reopened_at__gt=F("resolved_at"), closed_at__gt=at)
    return Q(created_at__lte=at) & (unsolved | Q(resolved_at__gt=at) | still | answered_later)


FIGURES: dict[str, Figure] = {
    figure.code: figure
    for figure in (
        Figure("received", REQUEST, lambda p: p.holds("created_at")),
        Figure("open", REQUEST, lambda p: Q(status__in=REQUEST_TO_DO)),
        Figure("overdue", REQUEST, lambda p: Q(status__in=REQUEST_TO_DO, due_at__lt=p.as_of)),
        Figure("resolved", REQUEST, lambda p: p.holds("resolved_at")),
        Figure(
            "on_time",
            REQUEST,
            lambda p: p.holds("resolved_at") & Q(resolved_at__lte=F("resolve_due_at")),
            lambda p: p.holds("resolved_at"),
        ),
        Figure(
            "late",
            REQUEST,
            lambda p: (
                p.holds("resolved_at") & (Q(resolve_due_at__isnull=True) | Q(resolved_at__gt=F("resolve_due_at")))
            ),
        ),
        Figure("answered", REQUEST, _answered, _asked_a_day_ago),
        Figure("satisfied", REQUEST, lambda p: _rated(p) & Q(rating__in=[Rating.GOOD, Rating.FAIR]), _rated),
        Figure("reopened", REQUEST, lambda p: p.holds("reopened_at")),
        Figure("needs_asked", NEED, lambda p: p.holds("created_at")),
        Figure(
            "needs_met",
            NEED,
            lambda p: p.holds("created_at") & Q(fulfilled_at__isnull=False),
            lambda p: p.holds("created_at"),
        ),
        Figure(
            "needs_waiting",
            NEED,
            lambda p: Q(status__in=[NeedStatus.OPEN, NeedStatus.MATCHING, NeedStatus.AT_DISTRICT_DESK]),
        ),
        Figure("needs_at_desk", NEED, lambda p: Q(status=NeedStatus.AT_DISTRICT_DESK)),
        Figure("needs_unmet", NEED, lambda p: Q(status=NeedStatus.UNMET) & p.holds("closed_at")),
        Figure("asks", ALLOCATION, lambda p: p.holds("held_at")),
        Figure("accepted", ALLOCATION, _came, _asks_over),
        Figure("silent", ALLOCATION, lambda p: p.holds("held_at") & Q(status=AllocationStatus.EXPIRED)),
        Figure("delivered", ALLOCATION, lambda p: p.holds("delivered_at")),
        Figure("no_show", ALLOCATION, lambda p: p.holds("held_at") & Q(status=AllocationStatus.NO_SHOW)),
        Figure("partners", PARTNER, lambda p: Q(status=Standing.ACTIVE)),
    )
}


def of_kind(kind: str) -> list[Figure]:
    """Return the figures that count rows of this kind."""
    return [figure for figure in FIGURES.values() if figure.kind == kind]
