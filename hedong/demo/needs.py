"""Tell what became of resource requests (资源需求) and allocations (资源调配), along the real tables of steps."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from hedong.demo import names, sentences
from hedong.demo.market import Deal, Market
from hedong.demo.trail import ENGINE, Trail, known
from hedong.demo.world import Board, Person, Place, Supply
from partners.models import ResourceSlot, ResourceType
from requests_board import workflow
from requests_board.models import Allocation, DeclineReason, ResourceRequest
from requests_board.workflow import Rating, Severity

# How much is asked for at once, by what the resource is counted in.
QUANTITIES = {"seat": (4, 20), "quota_per_day": (4, 20), "stock_item": (1, 5)}
# What communities ask for most: talks and advice before rooms and goods.
WEIGHTS = {"01": 1.3, "03": 1.5, "05": 1.4, "06": 1.2, "09": 1.5, "11": 0.8, "04": 1.2}
# What is asked for more than there is.
SCARCE = {"0304": 6.0, "0901": 3.0}


class Broker:
    """Make needs of one stage, ask the pool for them, and lead them to where they stand now."""

    def __init__(self, board: Board, rng: random.Random, trail: Trail) -> None:
        self.board, self.rng, self.trail, self.now = board, rng, trail, board.now
        self.market = Market(board, rng)
        self.needs: list[ResourceRequest] = []
        self.allocations: list[Allocation] = []
        self.numbers: set[str] = set()

    @cached_property
    def types(self) -> tuple[list[ResourceType], list[float]]:
        """Return the types for which the pool has something, with how often they are asked for."""
        found = [
            one for one in ResourceType.objects.exclude(parent=None).order_by("code") if one.pk in self.market.by_type
        ]
        return found, [SCARCE.get(one.code, WEIGHTS.get(one.code[:2], 1.0)) for one in found]

    @cached_property
    def decline_reasons(self) -> dict[str, DeclineReason]:
        """Return the reasons for which departments say no."""
        return {reason.code: reason for reason in DeclineReason.objects.all()}

    # The need -----------------------------------------------------------------------------------------------------

    def open(
        self, place: Place, kind: ResourceType, at: datetime, window: tuple[datetime, datetime]
    ) -> ResourceRequest:
        """Make a need as it is written down by a worker."""
        rng, worker = self.rng, self.worker(place)
        unit = self.market.by_type[kind.pk][0].row.unit_kind
        least, most = QUANTITIES.get(unit, (1, 1))
        where = "village_place" if place.kind == "village" else "place"
        need = ResourceRequest(
            id=names.row_id(rng), number=self._number(at), type_id=kind.pk, quantity=rng.randint(least, most),
            window_start=window[0], window_end=window[1], area_id=place.id, scope_path=place.path,
            place=sentences.phrase(rng, where, kind.code, unit),
            note=sentences.phrase(rng, "need", kind.code, unit, month=at.month), requested_by_id=worker.id,
            dispatch_after=at, urgency=Severity.URGENT if rng.random() < 0.06 else Severity.ROUTINE,
        )  # fmt: skip
        need.kind, need.worker = kind, worker  # type: ignore[attr-defined]
        self.trail.begin(need, "resource_request.opened", at, worker)
        self.needs.append(need)
        return need

    def forget(self, need: ResourceRequest) -> None:
        """Leave a need out of the story, as if it had not been written down; refused once somebody was asked."""
        if any(allocation.resource_request_id == need.pk for allocation in self.allocations):
            raise ValueError("Somebody was asked for this need.")
        self.needs.remove(need)
        self.trail.forget(str(need.pk))

    def _number(self, at: datetime) -> str:
        while True:
            number = f"Z{at:%m%d}-{names.code(self.rng, 5)}"
            if number not in self.numbers:
                self.numbers.add(number)
                return number

    def worker(self, place: Place) -> Person:
        """Return somebody who works at a place."""
        return self.rng.choice(self.board.workers[place.community or place.id])

    # Asking -------------------------------------------------------------------------------------------------------

    def find(
        self, need: ResourceRequest, place: Place, at: datetime, *, refused: frozenset[str] = frozenset(),
        choose: Callable[[Supply], bool] | None = None,
    ) -> Deal | None:  # fmt: skip
        """Return the engine's best candidate among the coming slots; `choose` keeps some resources only."""
        offered = {s.row.pk: s.slots for s in self.market.by_type.get(need.type_id, []) if choose is None or choose(s)}
        candidates, verdict = self.market.judge(need, place, at, offered, refused)
        if not candidates:
            return None
        slots = {slot.pk: slot for rows in offered.values() for slot in rows}
        return self.market.deal(candidates[0], verdict, slots)

    def propose(self, need: ResourceRequest, deal: Deal, place: Place, at: datetime) -> Allocation:
        """Write down the engine's proposal; no capacity is taken yet."""
        allocation = Allocation(
            id=names.row_id(self.rng), area_id=place.id, scope_path=place.path, resource_request_id=need.pk,
            resource_id=deal.supply.row.pk, slot_id=deal.slot.pk, partner_id=deal.supply.row.partner_id,
            quantity=need.quantity, policy_version=self.market.policy.version, reasons=deal.reasons,
        )  # fmt: skip
        allocation.deal = deal  # type: ignore[attr-defined]
        self.trail.begin(allocation, "allocation.proposed", at, ENGINE)
        self.trail.step(need, workflow.MATCH, at, ENGINE)
        self.allocations.append(allocation)
        return allocation

    def hold(self, need: ResourceRequest, deal: Deal, place: Place, at: datetime) -> Allocation:
        """Take the slot and ask the department."""
        allocation = self.propose(need, deal, place, at)
        self.market.take(deal.slot, need.quantity)
        due = self.board.hours.due(at, 2, "natural_hour") if need.urgency == Severity.URGENT else None
        due = due or self.board.hours.due(at, 1, "working_day")
        self.trail.step(allocation, workflow.HOLD, at, ENGINE, asks=1, answer_due_at=due)
        return allocation

    @staticmethod
    def _asked_of(allocation: Allocation) -> tuple[str, str]:
        """Return the code of what is asked for, and what it is counted in."""
        row = allocation.deal.supply.row  # type: ignore[attr-defined]
        return row.type.code, row.unit_kind

    # Answers ------------------------------------------------------------------------------------------------------

    def liaison(self, allocation: Allocation) -> Person:
        """Return who answers for the department."""
        return self.board.staff[allocation.partner_id]

    def confirm(self, need: ResourceRequest, allocation: Allocation, place: Place, at: datetime) -> None:
        """Give the department's word."""
        self.trail.step(allocation, workflow.CONFIRM, at, self.liaison(allocation), answer_due_at=None)
        self.trail.step(need, workflow.PROMISE, at, ENGINE)
        self.market.answered(allocation.deal, True, place)  # type: ignore[attr-defined]

    def decline(self, need: ResourceRequest, allocation: Allocation, place: Place, at: datetime) -> None:
        """Say no; the slot is free again and the need waits for the next one."""
        code, note = sentences.decline(self.rng, *self._asked_of(allocation))
        reason = self.decline_reasons[code]
        self.trail.step(
            allocation, workflow.DECLINE, at, self.liaison(allocation), reason=reason.label,
            decline_reason_id=reason.pk, decline_note=note if self.rng.random() < 0.5 else "", answer_due_at=None,
        )  # fmt: skip
        self._free(need, allocation, place, at, reason.label)

    def expire(self, need: ResourceRequest, allocation: Allocation, place: Place) -> datetime:
        """Let a working day of silence pass; return when it was over."""
        at = known(allocation.answer_due_at) + timedelta(seconds=self.rng.randint(5, 60))
        self.trail.step(allocation, workflow.EXPIRE, at, ENGINE, reason="到期没有答复", answer_due_at=None)
        self._free(need, allocation, place, at, "到期没有答复")
        return at

    def counter(self, allocation: Allocation, at: datetime, slots: list[ResourceSlot]) -> bool:
        """Propose another time: the new slot is held, the old one freed. False when there is no other time."""
        deal: Deal = allocation.deal  # type: ignore[attr-defined]
        others = [s for s in slots if s.pk != deal.slot.pk and self.market.free(s) >= allocation.quantity]
        if not others:
            return False
        new = self.rng.choice(others[:6])
        self.market.take(new, allocation.quantity)
        self.market.give_back(deal.slot, allocation.quantity)
        self.trail.step(
            allocation, workflow.COUNTER, at, self.liaison(allocation), slot_id=new.pk, previous_slot_id=deal.slot.pk,
            answer_due_at=self.board.hours.due(at, 1, "working_day"),
        )  # fmt: skip
        deal.slot = new
        return True

    def _free(self, need: ResourceRequest, allocation: Allocation, place: Place, at: datetime, reason: str) -> None:
        deal: Deal = allocation.deal  # type: ignore[attr-defined]
        self.market.give_back(deal.slot, allocation.quantity)
        self.market.answered(deal, False, place)
        self.trail.step(need, workflow.RELEASE, at, ENGINE, reason=reason, refusals=need.refusals + 1)

    def raise_to_district(self, need: ResourceRequest, at: datetime) -> None:
        """Hand the need to the district's desk."""
        many = need.refusals >= self.market.policy.refusals_limit
        reason = f"已问过 {need.refusals} 家，都没有应下来" if many else "资源库里没有合适的时段"
        self.trail.step(need, workflow.RAISE, at, ENGINE, reason=reason)

    # Service ------------------------------------------------------------------------------------------------------

    def deliver(self, need: ResourceRequest, allocation: Allocation, place: Place, at: datetime) -> None:
        """Note that the service was rendered."""
        self.trail.step(allocation, workflow.DELIVER, at, self.worker(place))
        self.trail.step(need, workflow.FULFIL, at, ENGINE)

    def evaluate(self, need: ResourceRequest, allocation: Allocation, place: Place, at: datetime) -> None:
        """Say how it was."""
        rating = Rating(self.rng.choices(("good", "fair", "poor"), (80, 16, 4))[0])
        told = rating == Rating.GOOD and self.rng.random() < 0.7
        comment = sentences.phrase(self.rng, "comment", *self._asked_of(allocation)) if told else ""
        self._close(need, allocation, at, workflow.EVALUATE_STEP, self.worker(place), rating=rating, comment=comment)

    def auto_evaluate(self, need: ResourceRequest, allocation: Allocation, at: datetime) -> None:
        """Close after seven days of silence, which is no rating."""
        self._close(need, allocation, at, workflow.AUTO_EVALUATE, ENGINE)

    def _close(
        self, need: ResourceRequest, allocation: Allocation, at: datetime, step: Any, who: Person, **changes: Any
    ) -> None:
        self.trail.step(allocation, step, at, who, **changes)
        self.trail.step(need, workflow.CLOSE_NEED, at, ENGINE)

    def no_show(self, need: ResourceRequest, allocation: Allocation, place: Place, at: datetime) -> None:
        """Note that nobody came."""
        reason = sentences.phrase(self.rng, "no_show", *self._asked_of(allocation))
        self.trail.step(allocation, workflow.REPORT_NO_SHOW, at, self.worker(place), reason=reason)
        self.trail.step(need, workflow.BREAK, at, ENGINE, reason="约好了没有来")

    def cancel(self, need: ResourceRequest, allocation: Allocation, at: datetime) -> None:
        """Call off a promise in good time; the need waits on."""
        reason = sentences.phrase(self.rng, "cancel", *self._asked_of(allocation))
        self.trail.step(allocation, workflow.CANCEL, at, self.liaison(allocation), reason=reason)
        self.market.give_back(allocation.deal.slot, allocation.quantity)  # type: ignore[attr-defined]
        self.trail.step(need, workflow.BREAK, at, ENGINE, reason="对方取消了")
