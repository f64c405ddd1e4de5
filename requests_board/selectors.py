"""Reads over several models: what the pool offers for a need, and why this one and not that one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now

from clockwork.selectors import db_now, deadline
from grids.models import Area
from partners.models import Pairing, Resource, ResourceSlot, ResourceType, in_force
from partners.workflow import ResourceStatus, Standing
from requests_board.matching import Candidate, Need, Offer, Refusal, Slot, evaluate
from requests_board.models import Allocation, DispatchPolicy, RequestCategory, ResourceRequest
from requests_board.workflow import HOLDS_CAPACITY, REFUSED, AllocationStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """The pool's whole answer to one need: candidates best first, and everyone else with the reason."""

    candidates: list[Candidate]
    refusals: list[Refusal]
    policy: DispatchPolicy

    @property
    def best(self) -> Candidate | None:
        """Return the first candidate, if there is one."""
        return self.candidates[0] if self.candidates else None


def guess_category(text: str) -> RequestCategory | None:
    """Return the active category of whose keywords `text` holds the most signs; None where there is none or two."""
    scored = [
        (sum(len(word) for word in set(kind.keywords.split()) if word in text), kind)
        for kind in RequestCategory.objects.filter(active=True)
    ]
    most = max((score for score, _ in scored), default=0)
    best = [kind for score, kind in scored if score == most]
    return best[0] if most and len(best) == 1 else None


def weights_of(policy: DispatchPolicy) -> dict[str, float]:
    """Return the weights of a policy as plain numbers."""
    return {name: float(getattr(policy, name)) for name in ("paired", "waiting", "share", "distance", "acceptance")}


def ask_the_pool(need: ResourceRequest, *, only: Resource | None = None, slot_id: int | None = None) -> Verdict:
    """Judge every resource of the need's type; `only` looks at one named resource, whoever refused before, and with
    `slot_id` at one slot of it.
    """
    refused = frozenset() if only else _refused_partners(need)
    return _judge(
        area=need.area, type=need.type, quantity=need.quantity, start=need.window_start, end=need.window_end,
        refused=refused, only=only, slot_id=slot_id,
    )  # fmt: skip


def preview(*, area: Area, type: ResourceType, quantity: int, start: datetime, end: datetime) -> Verdict:
    """Judge the pool for a need that is not written down yet."""
    return _judge(area=area, type=type, quantity=quantity, start=start, end=end, refused=frozenset(), only=None)


def cancellable_from() -> datetime:
    """Return the start of the earliest slot whose promise can be called off online now."""
    return deadline("allocation.cancel_notice", db_now())


def free_slots(allocation: Allocation, limit: int = 12) -> list[ResourceSlot]:
    """Return the resource's own coming slots with room for the allocation, for a counter-proposal.

    None before the community's first day: until then it is not ready.
    """
    slots = ResourceSlot.objects.filter(
        resource_id=allocation.resource_id, starts_at__gt=Now(), capacity__gte=allocation.quantity,
        starts_at__gte=allocation.resource_request.window_start,
    ).exclude(pk=allocation.slot_id)  # fmt: skip
    return [slot for slot in slots.order_by("starts_at")[: limit * 4] if slot.free >= allocation.quantity][:limit]


def _judge(
    *, area: Area, type: ResourceType, quantity: int, start: datetime, end: datetime,
    refused: frozenset[str], only: Resource | None, slot_id: int | None = None,
) -> Verdict:  # fmt: skip
    policy = DispatchPolicy.current()
    need = Need(
        type_ids=_type_ids(type), quantity=quantity, window_start=start, window_end=end,
        scope_path=area.scope_path, now=db_now(), zone=ZoneInfo(settings.TIME_ZONE), refused_partners=refused,
    )  # fmt: skip
    offers = _offers(need, area, policy, only, slot_id)
    candidates, refusals = evaluate(need, offers, weights_of(policy))
    return Verdict(candidates, refusals, policy)


def _type_ids(type: ResourceType) -> frozenset[int]:
    below = ResourceType.objects.filter(Q(pk=type.pk) | Q(parent_id=type.pk)).values_list("pk", flat=True)
    return frozenset(below)


def _refused_partners(need: ResourceRequest) -> frozenset[str]:
    asked = need.allocations.filter(status__in=REFUSED, held_at__isnull=False)
    closed_no_show = need.allocations.filter(status=AllocationStatus.CLOSED, delivered_at__isnull=True)
    ids = (asked | closed_no_show).values_list("partner_id", flat=True)
    return frozenset(str(partner_id) for partner_id in ids)


def _offers(
    need: Need, area: Area, policy: DispatchPolicy, only: Resource | None, slot_id: int | None
) -> Iterable[Offer]:
    resources = list(
        (Resource.objects.filter(pk=only.pk) if only else Resource.objects.filter(type_id__in=need.type_ids))
        .exclude(status=ResourceStatus.RETIRED)
        .select_related("partner")
        .prefetch_related("served_area_rows__area", "blackouts")
    )
    slots = _slots(resources, need, slot_id)
    paired = _paired_partners(area)
    received = _received(resources, need, policy)
    record = record_of({resource.partner_id for resource in resources})
    for resource in resources:
        asked, confirmed = record.get(resource.partner_id, (0, 0))
        yield Offer(
            pk=str(resource.pk), name=resource.name, partner_id=str(resource.partner_id),
            partner_name=resource.partner.name, type_id=resource.type_id,
            open=resource.status == ResourceStatus.OPEN and resource.partner.status == Standing.ACTIVE,
            served_paths=_served(resource), scope_path=resource.scope_path, unit_label=resource.unit_label,
            notice_days=resource.notice_days, min_quantity=resource.min_quantity,
            max_quantity=resource.max_quantity,
            blackouts=tuple((b.first_day, b.last_day) for b in resource.blackouts.all()),
            slots=tuple(slots.get(resource.pk, ())), paired=resource.partner_id in paired,
            received=received.get(resource.pk, 0), share_days=policy.share_days, asked=asked, confirmed=confirmed,
        )  # fmt: skip


def _served(resource: Resource) -> tuple[str, ...]:
    if resource.whole_district:
        return ("/",)
    return tuple(row.area.scope_path for row in resource.served_area_rows.all())


def _slots(resources: list[Resource], need: Need, slot_id: int | None) -> dict[Any, list[Slot]]:
    rows = ResourceSlot.objects.filter(
        *([Q(pk=slot_id)] if slot_id else []),
        resource__in=resources,
        starts_at__gte=need.window_start,
        ends_at__lte=need.window_end,
    ).values_list("resource_id", "pk", "starts_at", "ends_at", "capacity", "used")
    found: dict[Any, list[Slot]] = defaultdict(list)
    for resource_id, pk, starts_at, ends_at, capacity, used in rows:
        found[resource_id].append(Slot(pk, starts_at, ends_at, capacity - used))
    return found


def _paired_partners(area: Area) -> set[Any]:
    ids = [int(part) for part in area.scope_path.strip("/").split("/") if part]
    return set(Pairing.objects.filter(in_force(), community_id__in=ids).values_list("department_id", flat=True))


def _received(resources: list[Resource], need: Need, policy: DispatchPolicy) -> dict[Any, int]:
    """Count what each resource gave to the need's community within the policy's days."""
    community = "/" + "/".join(need.scope_path.strip("/").split("/")[:3]) + "/"
    rows = (
        Allocation.objects.filter(
            resource__in=resources, status__in=HOLDS_CAPACITY, scope_path__startswith=community,
            slot__starts_at__gte=need.now - timedelta(days=policy.share_days),
        )
        .exclude(status=AllocationStatus.NO_SHOW)
        .values_list("resource_id")
        .annotate(n=Count("pk"))
        .order_by()
    )  # fmt: skip
    return dict(rows)


def record_of(partners: set[Any]) -> dict[Any, tuple[int, int]]:
    """Count for each of these owners how often it was asked and how often it came through."""
    came = Q(status__in=[AllocationStatus.CONFIRMED, AllocationStatus.IN_SERVICE, AllocationStatus.DELIVERED]) | Q(
        status=AllocationStatus.CLOSED, delivered_at__isnull=False
    )
    rows = (
        Allocation.objects.filter(partner_id__in=partners, answered_at__isnull=False)
        .values_list("partner_id")
        .annotate(asked=Count("pk"), confirmed=Count("pk", filter=came))
        .order_by()
    )
    return {partner_id: (asked, confirmed) for partner_id, asked, confirmed in rows}
