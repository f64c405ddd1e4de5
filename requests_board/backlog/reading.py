"""Read the whole backlog and the whole free stock of a district as one problem, in a fixed number of statements.

The hard rules are those of `matching.rank`, the costs are counted from its factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.db.models import Count, Q

from clockwork.selectors import db_now
from common.columns import KEY, WHOLE, columns
from grids.models import Area
from partners.models import Pairing, Resource, ResourceBlackout, ResourceServedArea, ResourceType, in_force
from partners.workflow import ResourceStatus, Standing
from requests_board.backlog.places import Grounds, Offered, grounds
from requests_board.matching.problem import NOBODY, Needs, Problem, Stock, Terms
from requests_board.models import Allocation, DispatchPolicy
from requests_board.selectors import record_of, weights_of
from requests_board.workflow import HOLDS_CAPACITY, REFUSED, AllocationStatus, NeedStatus, Severity

# Lateness costs more for so many days; beyond them later is not worse.
LONGEST = 60
# What a unit is worth more where it is planned already: a change has to bring more than that.
STAY = 10

_EPOCH = date(1970, 1, 1)
_MICRO = "(extract(epoch FROM {}) * 1000000)::bigint"
_DAY = "(({} AT TIME ZONE %(zone)s)::date - date '1970-01-01')::bigint"
_NEEDS = f"""
    SELECT r.id, r.version::bigint, r.type_id::bigint, r.area_id::bigint, r.quantity::bigint,
           CASE r.urgency WHEN '{Severity.URGENT}' THEN 2 WHEN '{Severity.COORDINATED}' THEN 1 ELSE 0 END::bigint,
           {_MICRO.format("r.window_start")}, {_MICRO.format("r.window_end")},
           {_DAY.format("greatest(r.window_start, %(now)s)")},
           greatest(extract(day FROM %(now)s - r.created_at), 0)::bigint,
           coalesce(a.id, '00000000-0000-0000-0000-000000000000'), coalesce(a.version, 0)::bigint,
           coalesce(a.slot_id, 0)::bigint
    FROM requests_board_resourcerequest r
    LEFT JOIN requests_board_allocation a ON a.resource_request_id = r.id AND a.status = '{AllocationStatus.PROPOSED}'
    WHERE r.scope_path LIKE %(path)s
      AND ((r.status = '{NeedStatus.OPEN}' AND r.dispatch_after <= %(now)s)
           OR (r.status = '{NeedStatus.MATCHING}' AND a.ask_at IS NOT NULL))
    ORDER BY r.created_at, r.id
"""  # noqa: S608  every part is a constant of ours
_SLOTS = f"""
    SELECT s.id::bigint, s.resource_id, (s.capacity - s.used)::bigint,
           {_MICRO.format("s.starts_at")}, {_MICRO.format("s.ends_at")}, {_DAY.format("s.starts_at")}
    FROM partners_resourceslot s
    JOIN partners_resource r ON r.id = s.resource_id
    JOIN partners_partner p ON p.id = r.partner_id
    WHERE r.status = '{ResourceStatus.OPEN}' AND p.status = '{Standing.ACTIVE}'
      AND s.starts_at > %(now)s AND s.used < s.capacity
    ORDER BY s.resource_id, s.id
"""  # noqa: S608  every part is a constant of ours


@dataclass(frozen=True, slots=True)
class Backlog:
    """The problem, and what its indices stand for."""

    problem: Problem
    policy: DispatchPolicy
    now: datetime
    need_id: np.ndarray
    need_version: np.ndarray
    urgent: np.ndarray
    span: np.ndarray
    allocation_id: np.ndarray
    allocation_version: np.ndarray
    # The slot for which the need is proposed: its index, -1 for none, -2 where it is no longer to be had.
    planned: np.ndarray
    slot_id: np.ndarray
    starts: np.ndarray
    offers: list[Offered]
    grounds: Grounds


def read(area: Area) -> Backlog:
    """Read what waits below the area, and all that is free."""
    policy, now = DispatchPolicy.current(), db_now()
    values = {"now": now, "zone": settings.TIME_ZONE, "path": f"{area.scope_path}%"}
    asked = columns(
        _NEEDS, values, id=KEY, version=WHOLE, type=WHOLE, area=WHOLE, quantity=WHOLE, urgency=WHOLE, first=WHOLE,
        last=WHOLE, wished=WHOLE, waited=WHOLE, allocation=KEY, allocation_version=WHOLE, slot=WHOLE,
    )  # fmt: skip
    free = columns(_SLOTS, values, id=WHOLE, resource=KEY, free=WHOLE, start=WHOLE, end=WHOLE, day=WHOLE)
    offers, free = _to_be_had(free, now)
    paths = dict(Area.objects.filter(pk__in=np.unique(asked["area"]).tolist()).values_list("pk", "scope_path"))
    found = grounds(
        [paths[pk] for pk in asked["area"].tolist()], offers, _served(), _pairings(), _received(policy, now)
    )
    planned = _indices(free["id"], asked["slot"])
    problem = _problem(asked, free, offers, found, policy, planned)
    return Backlog(
        problem=problem, policy=policy, now=now, need_id=asked["id"], need_version=asked["version"],
        urgent=asked["urgency"] == 2, span=np.maximum(asked["last"] - _micro(now), 1),
        allocation_id=asked["allocation"], allocation_version=asked["allocation_version"], planned=planned,
        slot_id=free["id"], starts=free["start"],
        offers=offers, grounds=found,
    )  # fmt: skip


def _to_be_had(free: dict[str, np.ndarray], now: datetime) -> tuple[list[Offered], dict[str, np.ndarray]]:
    """Return the resources with free slots, and the slots that neither notice nor a blackout rules out."""
    rows = {
        row.pk: row
        for row in Resource.objects.open().order_by().values_list(
            "pk", "partner_id", "type_id", "type__parent_id", "whole_district", "scope_path", "notice_days",
            "min_quantity", "max_quantity", named=True,
        )
    }  # fmt: skip
    record = record_of({row.partner_id for row in rows.values()})
    keys, at = np.unique(free["resource"].view("S16"), return_inverse=True)
    pks = [UUID(bytes=bytes(key).ljust(16, b"\0")) for key in keys]
    offers = [Offered.of(rows[pk], record) for pk in pks]
    today = (now.astimezone(ZoneInfo(settings.TIME_ZONE)).date() - _EPOCH).days
    notice = np.array([offer.notice_days for offer in offers], dtype=np.int64)
    keep = free["day"] >= today + notice[at] if len(offers) else np.zeros(0, dtype=bool)
    number = {pk: index for index, pk in enumerate(pks)}
    for pk, first, last in ResourceBlackout.objects.values_list("resource_id", "first_day", "last_day"):
        if pk in number:
            low, high = np.searchsorted(at, [number[pk], number[pk] + 1])
            days = free["day"][low:high]
            keep[low:high] &= (days < (first - _EPOCH).days) | (days > (last - _EPOCH).days)
    return offers, {name: column[keep] for name, column in {**free, "resource": at}.items()}


def _problem(
    asked: dict[str, np.ndarray], free: dict[str, np.ndarray], offers: list[Offered], found: Grounds,
    policy: DispatchPolicy, planned: np.ndarray,
) -> Problem:  # fmt: skip
    resource = free["resource"]
    type_of = np.array([offer.type_id for offer in offers], dtype=np.int64)
    parent_of = np.array([offer.parent_id for offer in offers], dtype=np.int64)
    kind = _kinds(asked["type"])
    ticks = np.unique(np.concatenate([free["start"], free["end"]]))
    scale = min(policy.value_routine, policy.value_coordinated, policy.value_urgent) // 2
    values = np.array([policy.value_routine, policy.value_coordinated, policy.value_urgent])
    wide = bool((kind != np.arange(len(kind))).any())
    needs = Needs(
        kind=kind[asked["type"]], community=found.community[found.place], quantity=asked["quantity"],
        value=values[asked["urgency"]] + policy.value_day * np.minimum(asked["waited"], 3650),
        first=np.searchsorted(ticks, asked["first"]), last=np.searchsorted(ticks, asked["last"], side="right") - 1,
        whole=np.ones(len(asked["id"]), dtype=bool), bar=_bar(asked["id"], offers), place=found.place,
        wished=asked["wished"], sort=asked["type"] if wide else None,
    )  # fmt: skip
    slot_type = type_of[resource] if len(offers) else resource
    stock = Stock(
        kind=_kind_of(kind, slot_type), resource=resource, free=free["free"],
        start=np.searchsorted(ticks, free["start"]), end=np.searchsorted(ticks, free["end"]), comes=free["day"],
        sort=slot_type, over=parent_of[resource] if len(offers) else resource,
    )  # fmt: skip
    terms = Terms(
        serves=found.serves, cost=found.cost(weights_of(policy), scale),
        least=np.array([offer.least for offer in offers], dtype=np.int64),
        most=np.array([offer.most for offer in offers], dtype=np.int64),
        late=int(scale * float(policy.waiting) / LONGEST), longest=LONGEST,
    )  # fmt: skip
    here = np.flatnonzero(planned >= 0)
    standing = np.column_stack([here, planned[here]])
    return Problem(needs, stock, terms, standing, STAY, len(found.communities))


def _kinds(asked: np.ndarray) -> np.ndarray:
    """Return for each type the number of its kind: types of which one need may take either are one kind."""
    types = dict(ResourceType.objects.values_list("pk", "parent_id"))
    kind = np.arange(max(types, default=0) + 1, dtype=np.int64)
    wide = set(np.unique(asked).tolist())
    for pk, parent in types.items():
        if parent in wide:
            kind[kind == kind[pk]] = kind[parent]
    return kind


def _kind_of(kind: np.ndarray, types: np.ndarray) -> np.ndarray:
    return kind[types] if len(types) else types


def _bar(needs: np.ndarray, offers: list[Offered]) -> np.ndarray:
    """Return the pairs of a need and a resource whose owner was asked for it and has let it go."""
    refused = Q(status__in=REFUSED, held_at__isnull=False) | Q(
        status=AllocationStatus.CLOSED, delivered_at__isnull=True
    )
    waiting = Q(resource_request__status__in=[NeedStatus.OPEN, NeedStatus.MATCHING])
    rows = Allocation.objects.filter(refused & waiting).order_by().values_list("resource_request_id", "partner_id")
    number = {bytes(key): index for index, key in enumerate(needs.tolist())} if rows else {}
    theirs: dict[Any, list[int]] = {}
    for index, offer in enumerate(offers):
        theirs.setdefault(offer.partner_id, []).append(index)
    pairs = [
        (number[need.bytes], index)
        for need, partner in rows
        if need.bytes in number
        for index in theirs.get(partner, ())
    ]
    return np.array(pairs, dtype=np.int64) if pairs else NOBODY


def _served() -> list[tuple[Any, str]]:
    return list(ResourceServedArea.objects.values_list("resource_id", "area__scope_path"))


def _pairings() -> list[tuple[Any, str]]:
    return list(Pairing.objects.filter(in_force()).values_list("department_id", "community__scope_path"))


def _received(policy: DispatchPolicy, now: datetime) -> list[tuple[Any, str, int]]:
    """Count what each resource gave to each place within the policy's days."""
    given = Allocation.objects.filter(
        status__in=HOLDS_CAPACITY, slot__starts_at__gte=now - timedelta(days=policy.share_days)
    ).exclude(status=AllocationStatus.NO_SHOW)
    return list(given.values_list("resource_id", "scope_path").annotate(n=Count("pk")).order_by())


def _indices(slots: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return where in `slots` each of `wanted` is: -1 for none wanted, -2 for one that is not there."""
    order = np.argsort(slots)
    at = np.searchsorted(slots, wanted, sorter=order)
    at = order[np.minimum(at, max(len(slots) - 1, 0))] if len(slots) else np.zeros(len(wanted), dtype=np.int64)
    known = slots[at] == wanted if len(slots) else np.zeros(len(wanted), dtype=bool)
    return np.where(wanted == 0, -1, np.where(known, at, -2))


def _micro(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
