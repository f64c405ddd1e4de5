"""Reads of the partners' page: what is asked of ours, what we have promised, and where our pool runs short."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import (
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Now, TruncDay
from django.utils import timezone

from partners.models import Partner, Resource
from partners.permissions import acts_for
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.workflow import AllocationStatus, NeedStatus, RequestStatus

A = AllocationStatus
PROMISED = (A.CONFIRMED, A.IN_SERVICE)
WEEKS = 4
MANY = 100
_SHOWN = (
    "resource",
    "resource_request__type",
    "slot",
    "previous_slot",
    "partner",
    "area__parent__parent",
    "decline_reason",
)


def partners_of(user: Any) -> list[Partner]:
    """Return the partners for which the person answers."""
    return list(Partner.objects.filter(acts_for(user, "answer_allocation", "pk")).order_by("category", "code"))


def _ours(user: Any) -> QuerySet[Allocation]:
    return (
        Allocation.objects.of_partners_of(user)
        .select_related(*_SHOWN)
        .annotate(
            left=ExpressionWrapper(F("answer_due_at") - Now(), output_field=DurationField()),
            begun=Q(slot__starts_at__lte=Now()),
        )
    )


def asks(user: Any) -> list[Allocation]:
    """Return what waits for our answer, due first, and what waits for the community's word on our other time."""
    return list(_ours(user).filter(status__in=(A.HELD, A.COUNTERED)).order_by("-status", "answer_due_at")[:MANY])


def promised(user: Any) -> list[Allocation]:
    """Return what we promised and have not rendered, the earliest first."""
    return list(_ours(user).filter(status__in=PROMISED).order_by("slot__starts_at", "pk")[:MANY])


def one(user: Any, pk: Any) -> Allocation | None:
    """Return the allocation if it was asked of one of our partners."""
    return _ours(user).filter(acts_for(user, "answer_allocation"), pk=pk).first()


def handed_to_us(user: Any) -> list[ServiceRequest]:
    """Return the residents' requests that were handed to our partners and are not done, due first."""
    return list(
        ServiceRequest.objects.filter(
            acts_for(user, "answer_allocation", "handler_partner_id"),
            status__in=(RequestStatus.ASSIGNED, RequestStatus.IN_PROGRESS),
        )
        .select_related("area__parent__parent", "category", "handler_partner")
        .defer("phone", "contact_name")
        .annotate(left=ExpressionWrapper(F("due_at") - Now(), output_field=DurationField()))
        .order_by("due_at", "pk")[:MANY]
    )


def handed(user: Any, number: str) -> ServiceRequest | None:
    """Return the request with this number if it was handed to one of our partners."""
    return ServiceRequest.objects.filter(
        acts_for(user, "answer_allocation", "handler_partner_id"), number=number
    ).first()


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the month's grid with what is promised for it."""

    day: date
    inside: bool
    today: bool
    items: list[Allocation]


def month(user: Any, first: date, today: date) -> list[list[Day]]:
    """Return the month as weeks of days, Monday first, each with our promises."""
    days = calendar.Calendar().monthdatescalendar(first.year, first.month)
    start = timezone.make_aware(datetime.combine(days[0][0], time()))
    end = timezone.make_aware(datetime.combine(days[-1][-1] + timedelta(days=1), time()))
    kept = (*PROMISED, A.DELIVERED, A.CLOSED, A.HELD, A.COUNTERED)
    found: dict[date, list[Allocation]] = {}
    rows = _ours(user).filter(status__in=kept, slot__starts_at__gte=start, slot__starts_at__lt=end)
    for row in rows.order_by("slot__starts_at", "pk"):
        found.setdefault(timezone.localtime(row.slot.starts_at).date(), []).append(row)
    return [[Day(d, d.month == first.month, d == today, found.get(d, [])) for d in week] for week in days]


@dataclass(frozen=True, slots=True)
class Stock:
    """One of our resources over the coming weeks: what is offered, taken, and what others wait for."""

    resource: Resource
    offered: int
    taken: int
    slots: int
    waiting: int
    last: datetime | None

    @property
    def free(self) -> int:
        """Return what can still be had."""
        return self.offered - self.taken


def pool(user: Any) -> list[Stock]:
    """Return our resources with their coming weeks: the ones for which people wait and nothing is left come first."""
    until = TruncDay(Now()) + Value(timedelta(weeks=WEEKS))
    soon = Q(slots__starts_at__gte=Now(), slots__starts_at__lt=until)
    resources = list(
        Resource.objects.filter(acts_for(user, "answer_allocation"))
        .select_related("partner", "type")
        .annotate(soon=FilteredRelation("slots", condition=soon))
        .annotate(n=Count("soon"), offered=Sum("soon__capacity"), taken=Sum("soon__used"), last=Max("soon__starts_at"))
        .order_by("type__code")
    )
    waiting = dict(
        ResourceRequest.objects.filter(
            type__in={r.type_id for r in resources}, status__in=(NeedStatus.OPEN, NeedStatus.AT_DISTRICT_DESK)
        )
        .values_list("type_id")
        .annotate(n=Sum("quantity"))
    )
    stock = [
        Stock(r, r.offered or 0, r.taken or 0, r.n, waiting.get(r.type_id, 0), r.last)
        for r in resources
    ]
    return sorted(stock, key=lambda s: (-(s.waiting > 0), s.free > 0, s.resource.type_id))


def by_token(pk: str) -> Any:
    """Return the allocation of a genuine answer link, with whether its time has run out by the database's clock."""
    return (
        Allocation.objects.select_related(
            "resource",
            "resource_request__type",
            "slot",
            "previous_slot",
            "partner",
            "area__parent__parent",
            "decline_reason",
        )
        .annotate(
            left=ExpressionWrapper(F("answer_due_at") - Now(), output_field=DurationField()),
            late=Q(answer_due_at__lte=Now()),
            begun=Q(slot__starts_at__lte=Now()),
        )
        .filter(pk=pk)
        .first()
    )
