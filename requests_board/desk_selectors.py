"""Reads of the desk (工作台): the lists, due first, the search, and everything that one request's page shows."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat, Length, Now, Replace, TruncDay

from audit.models import Event
from common.crypto import blind_index, blind_index_last4
from grids.models import Area, AreaKind
from grids.permissions import reach, within_reach
from grids.selectors import place_name
from requests_board.models import Allocation, RequestCategory, ResourceRequest, ServiceRequest
from requests_board.models.needs import ResourceRequestQuerySet
from requests_board.models.requests import ServiceRequestQuerySet
from requests_board.workflow import ALLOCATION_LIVE, REQUEST_TO_DO, AllocationStatus, RequestStatus

PAGE = 25
FOUND = 50
R = RequestStatus
SOON = timedelta(hours=24)
NUMBER = re.compile(r"^Z?\d{4}-[0-9A-Z]{3,}$", re.IGNORECASE)
_FAR = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Tab:
    """One filter of the desk: its words and the rows it keeps for the person who looks."""

    code: str
    label: str
    keeps: Callable[[Any], Q]


def _today(user: Any) -> Q:
    """Keep what waits for the community, what the person handles, and what is due before midnight."""
    tonight = TruncDay(Now()) + Value(timedelta(days=1))
    ours = Q(status__in=[R.SUBMITTED, R.ACCEPTED, R.REOPENED])
    return ours | (Q(status__in=REQUEST_TO_DO) & (Q(handler_user=user) | Q(due_at__lt=tonight)))


TABS: dict[str, Tab] = {
    tab.code: tab
    for tab in (
        Tab("today", "今天要办", _today),
        Tab("soon", "快到期", lambda user: Q(status__in=REQUEST_TO_DO, due_at__lt=Now() + SOON)),
        Tab("assign", "待派", lambda user: Q(status__in=[R.SUBMITTED, R.ACCEPTED, R.REOPENED])),
        Tab("doing", "办理中", lambda user: Q(status__in=[R.ASSIGNED, R.IN_PROGRESS])),
        Tab("reopened", "居民说没办好", lambda user: Q(status=R.REOPENED)),
        Tab("visit", "待回访", lambda user: Q(status=R.RESOLVED)),
    )
}
NEEDS = "needs"
# The allocations on which the community has the next word.
OUR_WORD = (AllocationStatus.COUNTERED, AllocationStatus.DELIVERED, AllocationStatus.NO_SHOW)
# What stands for a need: the live allocation, or one that did not come and about which the community has to decide.
_STANDING = (*ALLOCATION_LIVE, AllocationStatus.NO_SHOW)
_ANSWER_LEFT = ExpressionWrapper(F("answer_due_at") - Now(), DurationField())


def at_desk(user: Any) -> ServiceRequestQuerySet:
    """Return the requests that lie where the person works; what a partner was handed is not the desk's."""
    return ServiceRequest.objects.filter(within_reach(user, "view_request", of=ServiceRequest))


def counts(user: Any) -> dict[str, int]:
    """Count every tab, and the needs on which the community has the next word, in one statement."""
    found: dict[str, Any] = {tab.code: Count("pk", filter=tab.keeps(user)) for tab in TABS.values()}
    if reach(user, "view_resource_request"):
        number = Func("pk", function="COUNT", output_field=IntegerField())
        waiting = Subquery(needs_waiting(user).order_by().values(n=number))
        # Beside counts it must stand inside an aggregate, which is empty where there is no request.
        found[NEEDS] = Coalesce(Max(waiting), waiting)
    return {NEEDS: 0, **at_desk(user).open().aggregate(**found)}


def rows(user: Any, tab: str, *, after: tuple[datetime, Any] | None = None) -> list[ServiceRequest]:
    """Return one page of a tab, due first, beyond the key `after`; one row more than a page tells of a next one."""
    found = whole_tab(user, tab)
    if after is not None:
        found = found.filter(Q(sort_key__gt=after[0]) | Q(sort_key=after[0], pk__gt=after[1]))
    return list(found[: PAGE + 1])


def whole_tab(user: Any, tab: str) -> QuerySet[ServiceRequest]:
    """Return all of a tab, due first."""
    return _with_list_columns(at_desk(user).filter(TABS[tab].keeps(user)))


def search(user: Any, text: str) -> list[ServiceRequest]:
    """Return the first that `whole_search` finds."""
    return list(whole_search(user, text)[:FOUND])


def whole_search(user: Any, text: str) -> QuerySet[ServiceRequest]:
    """Find by number, by the whole phone or its last four digits, or by words of place and text; open ones first."""
    # People say the estate and the building in one word and leave out the grid between them.
    named = at_desk(user).annotate(
        in_grid=Concat("area__parent__name", "area__name"),
        in_estate=Concat("area__parent__parent__name", "area__name"),
    )
    found = _with_list_columns(named.filter(_meant(user, text)))
    return found.annotate(ended=Q(status__in=REQUEST_TO_DO)).order_by("-ended", "-created_at", "pk")


def _meant(user: Any, text: str) -> Q:
    text = text.strip()[:40]
    if NUMBER.match(text):
        return Q(number__istartswith=text)
    digits = text.replace(" ", "").replace("-", "")
    if digits.isdigit() and len(digits) >= 4:
        return of_phone(user, text) | Q(number__contains=digits)
    condition = Q()
    for word in text.split()[:4]:
        place = Q(in_grid__icontains=word) | Q(in_estate__icontains=word)
        condition &= place | Q(text__icontains=word) | Q(place_detail__icontains=word) | Q(number__icontains=word)
    return condition


def of_phone(user: Any, text: str) -> Q:
    """Return the condition that `text` is the phone number of a request or its last four digits.

    Finding somebody by a phone number is for those who may see the number there; nothing else passes.
    """
    digits = text.replace(" ", "").replace("-", "")
    if not (digits.isdecimal() and len(digits) >= 4):
        return Q(pk__in=[])
    whole = Q(phone_index=blind_index(digits))
    phone = Q(phone_last4_index=blind_index_last4(digits)) if len(digits) == 4 else whole
    return phone & within_reach(user, "reveal_contact", of=ServiceRequest)


def _with_list_columns(found: Any) -> QuerySet[ServiceRequest]:
    return (
        found.select_related("area__parent__parent", "category", "handler_partner", "handler_user")
        .defer("phone", "contact_name", "result")
        .annotate(
            left=ExpressionWrapper(F("due_at") - Now(), output_field=DurationField()),
            sort_key=Coalesce("due_at", Value(_FAR)),
        )
        .order_by("sort_key", "pk")
    )


def one(user: Any, number: str) -> Any:
    """Return the request with this number if it lies where the person works."""
    return (
        at_desk(user)
        .select_related("area__parent__parent", "category", "handler_partner", "handler_user", "not_accepted_reason")
        .prefetch_related("photos", "resource_requests__type")
        .annotate(
            left=ExpressionWrapper(F("due_at") - Now(), output_field=DurationField()),
            neighbours=Count("echoes", distinct=True),
            since_assigned=ExpressionWrapper(Now() - F("assigned_at"), output_field=DurationField()),
        )
        .filter(number=number)
        .first()
    )


def kinds() -> QuerySet[RequestCategory]:
    """Return the categories that a request can be given."""
    return RequestCategory.objects.filter(active=True).order_by("code")


def same_building(user: Any, request: ServiceRequest, *, days: int = 90, limit: int = 6) -> list[ServiceRequest]:
    """Return the newest other requests of the same place that lie where the person works."""
    return list(
        at_desk(user)
        .filter(area_id=request.area_id, created_at__gte=Now() - timedelta(days=days))
        .exclude(pk=request.pk)
        .select_related("category")
        .defer("phone", "contact_name")
        .order_by("-created_at")[:limit]
    )


def timeline(*targets: Any) -> list[Event]:
    """Return what happened to these rows, oldest first."""
    wanted = Q(pk__in=[])
    for target in targets:
        wanted |= Q(target_type=target._meta.label_lower, target_id=str(target.pk))
    return list(Event.objects.filter(wanted).order_by("id")[:60])


# Places -------------------------------------------------------------------------------------------------------------

# How many places are suggested while somebody types, and how many are looked at for what was typed.
SUGGESTED, LIKE = 600, 50
_COMMUNITIES = (AreaKind.COMMUNITY, AreaKind.VILLAGE)
_SAID = (*_COMMUNITIES, AreaKind.ESTATE)
# From a building up to its community: micro-grid, grid, estate, community.
_UP = tuple("__".join(["parent"] * level) for level in (4, 3, 2, 1))


def place_names(user: Any, permission: str) -> list[str]:
    """Return the first places that the person may name, in the words in which people name them."""
    found = list(_nameable(user, permission).order_by("tree_id", "lft")[:SUGGESTED])
    return [name for _, name in named_apart(found)]


def places_called(user: Any, permission: str, words: str) -> list[Area]:
    """Return the places with this name that the person may name; those whose name holds it where none has it.

    The community may stand before the name. No more than LIKE places are looked at.
    """
    said = Replace(Concat(*map(_said, _UP), "name", output_field=CharField()), Value(" "), Value(""))
    near = (
        _nameable(user, permission)
        .annotate(said=said)
        .filter(said__icontains=words)
        .annotate(ends=Q(said__iendswith=words))
        .order_by("-ends", Length("said"), "tree_id", "lft")[:LIKE]
    )
    words = _typed(words)
    found = [(area, _typed(place_name(area)), _typed(_long_name(area))) for area in near]
    exact = [area for area, short, long in found if words in (short, long)]
    return exact or [area for area, _, long in found if words in long]


def named_apart(areas: list[Area]) -> list[tuple[Area, str]]:
    """Name each place; where two have the same name the community stands before it."""
    often = Counter(place_name(area) for area in areas)
    return [(area, name if often[name := place_name(area)] == 1 else _long_name(area)) for area in areas]


def _nameable(user: Any, permission: str) -> QuerySet[Area]:
    kinds = (*_SAID, AreaKind.BUILDING)
    return Area.objects.valid().filter(within_reach(user, permission), kind__in=kinds).select_related(_UP[0])


def _said(up: str) -> Case:
    """Return the name of the place above a place as the two are said together, see `place_name`."""
    twice = When(**{f"{up}__kind": AreaKind.ESTATE, "name__startswith": F(f"{up}__name")}, then=Value(""))
    return Case(twice, When(**{f"{up}__kind__in": _SAID}, then=f"{up}__name"), default=Value(""))


def _long_name(area: Area) -> str:
    above = area.parent
    while above is not None and above.kind not in _COMMUNITIES:
        above = above.parent
    return f"{above.name}{place_name(area)}" if above else area.name


def _typed(name: str) -> str:
    return "".join(name.split()).casefold()


# Resource requests --------------------------------------------------------------------------------------------------


def needs_at_desk(user: Any) -> ResourceRequestQuerySet:
    """Return the resource requests that lie where the person works."""
    return ResourceRequest.objects.visible_to(user)


def needs_waiting(user: Any) -> ResourceRequestQuerySet:
    """Return the live needs on which the community has the next word."""
    ours = Allocation.objects.filter(status__in=OUR_WORD).values("resource_request_id")
    return needs_at_desk(user).live().filter(pk__in=ours)


def need_rows(user: Any, *, after: tuple[datetime, Any] | None = None) -> list[ResourceRequest]:
    """Return one page of live needs, the earliest wanted first, each with what the list shows of its allocation."""
    last = Allocation.objects.filter(resource_request=OuterRef("pk"), status__in=_STANDING).order_by("-created_at")
    found = (
        needs_at_desk(user)
        .live()
        .select_related("area__parent__parent", "type")
        .annotate(
            standing_status=Subquery(last.values("status")[:1]),
            standing_start=Subquery(last.values("slot__starts_at")[:1]),
            standing_left=Subquery(last.annotate(left=_ANSWER_LEFT).values("left")[:1]),
        )
        .order_by("window_start", "pk")
    )
    if after is not None:
        found = found.filter(Q(window_start__gt=after[0]) | Q(window_start=after[0], pk__gt=after[1]))
    return list(found[: PAGE + 1])


def whole_needs(user: Any) -> QuerySet[ResourceRequest]:
    """Return all live needs, the earliest wanted first."""
    return _with_allocation(needs_at_desk(user).live()).order_by("window_start", "pk")


def need(user: Any, number: str) -> Any:
    """Return the need with this number if it lies where the person works."""
    rows = _with_allocation(needs_at_desk(user)).prefetch_related(
        Prefetch(
            "allocations",
            Allocation.objects.select_related(
                "partner", "resource", "slot", "previous_slot", "decline_reason"
            ).order_by("created_at"),
            to_attr="history",
        )
    )
    return (
        rows.annotate(undo_left=ExpressionWrapper(F("dispatch_after") - Now(), DurationField()))
        .filter(number=number)
        .first()
    )


def _with_allocation(found: QuerySet[ResourceRequest]) -> QuerySet[ResourceRequest]:
    live = (
        Allocation.objects.filter(status__in=_STANDING)
        .select_related("partner", "resource", "slot", "previous_slot")
        .annotate(
            left=_ANSWER_LEFT,
            begun=Q(slot__starts_at__lte=Now()),
            ended=Q(slot__ends_at__lte=Now()),
        )
        .order_by("created_at")
    )
    return found.select_related("area__parent__parent", "type", "service_request").prefetch_related(
        Prefetch("allocations", live, to_attr="standing")
    )
