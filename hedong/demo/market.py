"""Ask the pool as the dispatch engine would have asked it at a moment, and keep its slots' books."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from hedong.demo.copying import copy_rows
from hedong.demo.world import Board, Place, Supply, local_slots
from partners.models import ResourceBlackout, ResourceSlot
from requests_board.actions.dispatch import reasons
from requests_board.matching import Candidate, Need, Offer, Slot, evaluate
from requests_board.models import DispatchPolicy, ResourceRequest
from requests_board.selectors import Verdict, weights_of

Span = tuple[datetime, datetime]


@dataclass(slots=True)
class _Record:
    """How often an owner was asked, and how often it came through."""

    asked: int = 0
    confirmed: int = 0


@dataclass(slots=True)
class Deal:
    """A candidate with its slot and the reasons that are kept beside the decision."""

    supply: Supply
    slot: ResourceSlot
    reasons: dict[str, Any] = field(default_factory=dict)


class Market:
    """The pool at work: judges offers by the real rules and counts what each slot has given away."""

    def __init__(self, board: Board, rng: random.Random) -> None:
        self.board, self.rng = board, rng
        self.policy = DispatchPolicy.current()
        self.used: dict[int, int] = {}
        self.fresh: list[ResourceSlot] = []
        self.record: dict[UUID, _Record] = {}
        self.received: dict[tuple[UUID, int], int] = {}

    @cached_property
    def by_type(self) -> dict[int, list[Supply]]:
        """Return the pool by type."""
        found: dict[int, list[Supply]] = {}
        for supply in self.board.supplies:
            found.setdefault(supply.row.type_id, []).append(supply)
        return found

    @cached_property
    def blackouts(self) -> dict[UUID, tuple[Any, ...]]:
        """Return the days on which resources are not to be had."""
        rows = ResourceBlackout.objects.values_list("resource_id", "first_day", "last_day")
        found: dict[UUID, tuple[Any, ...]] = {}
        for resource, first, last in rows:
            found[resource] = (*found.get(resource, ()), (first, last))
        return found

    @cached_property
    def past(self) -> dict[tuple[UUID, datetime], ResourceSlot]:
        """Return the slots that have begun."""
        return {(slot.resource_id, slot.starts_at): slot for slot in local_slots(starts_at__lte=self.board.now)}

    def serving(self, type_id: int, place: Place) -> list[Supply]:
        """Return the resources of a type that come to a place."""
        return [supply for supply in self.by_type.get(type_id, []) if supply.serves(place.path)]

    # Slots --------------------------------------------------------------------------------------------------------

    def free(self, slot: ResourceSlot) -> int:
        """Return what is left of a slot."""
        return slot.capacity - self.used.get(slot.pk, slot.used)

    def take(self, slot: ResourceSlot, quantity: int) -> None:
        """Count units as used; refuse more than there are."""
        if self.free(slot) < quantity:
            raise ValueError("The slot has not so much left.")
        self.used[slot.pk] = self.used.get(slot.pk, slot.used) + quantity

    def give_back(self, slot: ResourceSlot, quantity: int) -> None:
        """Count units as free again."""
        self.used[slot.pk] -= quantity

    def past_slot(self, supply: Supply, day: date) -> ResourceSlot:
        """Return the slot of a day that has passed, at the hours that the resource keeps; made where there was none."""
        model = next((slot for slot in supply.slots if slot.starts_at.weekday() == day.weekday()), supply.slots[0])
        if supply.by_week:
            day -= timedelta(days=day.weekday())
        begin = datetime.combine(day, model.starts_at.time(), model.starts_at.tzinfo)
        key = (supply.row.pk, begin)
        if key not in self.past:
            slot = ResourceSlot(
                pk=self._next_key(),
                resource_id=supply.row.pk,
                starts_at=begin,
                ends_at=begin + (model.ends_at - model.starts_at),
                capacity=model.capacity,
            )
            self.past[key] = slot
            self.fresh.append(slot)
        return self.past[key]

    def _next_key(self) -> int:
        if not self._keys:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence('partners_resourceslot', 'id')) FROM generate_series(1, 200)"
                )
                self._keys.extend(row[0] for row in reversed(cursor.fetchall()))
        return self._keys.pop()

    @cached_property
    def _keys(self) -> list[int]:
        return []

    def write(self) -> None:
        """Write new slots and what was used of the old ones."""
        fresh = {slot.pk for slot in self.fresh}
        copy_rows(
            ResourceSlot,
            ("id", "resource_id", "starts_at", "ends_at", "capacity", "used"),
            ((s.pk, s.resource_id, s.starts_at, s.ends_at, s.capacity, self.used.get(s.pk, 0)) for s in self.fresh),
        )
        old = {pk: used for pk, used in self.used.items() if pk not in fresh}
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE partners_resourceslot s SET used = n.used FROM unnest(%s::bigint[], %s::int[]) AS n(id, used)"
                " WHERE s.id = n.id",
                [list(old), list(old.values())],
            )

    # Judging ------------------------------------------------------------------------------------------------------

    def judge(
        self, need: ResourceRequest, place: Place, at: datetime, offered: dict[UUID, list[ResourceSlot]],
        refused: frozenset[str] = frozenset(),
    ) -> tuple[list[Candidate], Verdict]:  # fmt: skip
        """Judge the resources with the slots that they offered at that moment, by the engine's own rules."""
        asked = Need(
            type_ids=frozenset({need.type_id}), quantity=need.quantity, window_start=need.window_start,
            window_end=need.window_end, scope_path=place.path, now=at, zone=ZoneInfo(settings.TIME_ZONE),
            refused_partners=refused,
        )  # fmt: skip
        offers = [
            self._offer(supply, place, offered.get(supply.row.pk, [])) for supply in self.by_type.get(need.type_id, [])
        ]
        candidates, refusals = evaluate(asked, offers, weights_of(self.policy))
        return candidates, Verdict(candidates, refusals, self.policy)

    def _offer(self, supply: Supply, place: Place, slots: list[ResourceSlot]) -> Offer:
        row = supply.row
        record = self.record.get(row.partner_id, _Record())
        community = place.community or place.id
        return Offer(
            pk=str(row.pk), name=row.name, partner_id=str(row.partner_id), partner_name=supply.partner.name,
            type_id=row.type_id, open=True, served_paths=supply.served, scope_path=row.scope_path,
            unit_label=row.unit_label, notice_days=row.notice_days, min_quantity=row.min_quantity,
            max_quantity=row.max_quantity, blackouts=self.blackouts.get(row.pk, ()),
            slots=tuple(Slot(s.pk, s.starts_at, s.ends_at, self.free(s)) for s in slots),
            paired=row.partner_id in self.board.paired.get(community, ()),
            received=self.received.get((row.pk, community), 0), share_days=self.policy.share_days,
            asked=record.asked, confirmed=record.confirmed,
        )  # fmt: skip

    def deal(self, candidate: Candidate, verdict: Verdict, slots: dict[int, ResourceSlot]) -> Deal:
        """Return a candidate as the deal that is written down."""
        supply = next(one for one in self.board.supplies if str(one.row.pk) == candidate.offer.pk)
        return Deal(supply, slots[candidate.slot.pk], reasons(candidate, verdict))

    def answered(self, deal: Deal, came: bool, place: Place) -> None:
        """Count an answer of the owner, and what the community got."""
        record = self.record.setdefault(deal.supply.row.partner_id, _Record())
        record.asked += 1
        record.confirmed += came
        if came:
            key = (deal.supply.row.pk, place.community or place.id)
            self.received[key] = self.received.get(key, 0) + 1
