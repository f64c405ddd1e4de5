"""Short stories of needs: one for each state in which a need and its allocation can be found."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from uuid import UUID

from hedong.demo.market import Deal
from hedong.demo.needs import SCARCE, Broker
from hedong.demo.world import Board, Place, Supply
from partners.models import ResourceType
from requests_board import workflow
from requests_board.models import Allocation, ResourceRequest
from requests_board.workflow import NeedStatus, Severity

URGENT_ANSWER = timedelta(minutes=90)
HALF_DAY = timedelta(hours=2, minutes=30)
WEEK = timedelta(days=6, hours=8)


@dataclass
class Stage:
    """Where a story plays; `partner` names the department that is asked, None leaves it to the engine."""

    board: Board
    broker: Broker
    rng: random.Random
    place: Place
    partner: UUID | None = None
    # Asks only for what there is enough of, so that the story comes to its point.
    plenty: bool = False

    @property
    def now(self) -> datetime:
        """Return the present of the story."""
        return self.board.now

    @cached_property
    def kind(self) -> ResourceType:
        """Choose what is asked for: something that comes to this place, and that the named department has."""
        kinds, weights = self.broker.types
        fitting = [
            (kind, weight)
            for kind, weight in zip(kinds, weights, strict=True)
            if not (self.plenty and kind.code in SCARCE)
            and any(self.chosen(supply) and supply.slots for supply in self.broker.market.serving(kind.pk, self.place))
        ]
        return self.rng.choices([kind for kind, _ in fitting], [weight for _, weight in fitting])[0]

    def chosen(self, supply: Supply) -> bool:
        """Tell whether the story wants this resource."""
        return self.partner is None or supply.row.partner_id == self.partner

    def ago(self, least: float, most: float) -> datetime:
        """Return a moment some hours ago."""
        return self.now - timedelta(hours=self.rng.uniform(least, most))

    def coming(self, at: datetime) -> ResourceRequest:
        """Write down a need for the coming weeks."""
        first = datetime.combine(self.now.date() + timedelta(days=1), time(8), self.now.tzinfo)
        return self.broker.open(
            self.place, self.kind, at, (first, first + timedelta(days=self.rng.randint(20, 26), hours=13))
        )

    def asked(self, at: datetime) -> tuple[ResourceRequest, Allocation | None]:
        """Write down a need for the coming weeks and let the engine ask the best one."""
        need = self.coming(at)
        if at < self.now - URGENT_ANSWER:
            # What is urgent is answered within two hours; older questions that still stand are not urgent.
            need.urgency = Severity.ROUTINE
        deal = self.broker.find(need, self.place, at, choose=self.chosen)
        if deal is None:
            self.broker.raise_to_district(need, at + timedelta(seconds=12))
            return need, None
        return need, self.broker.hold(need, deal, self.place, at)

    def promised(self) -> tuple[ResourceRequest, Allocation | None]:
        """Let a department have said yes."""
        at = self.ago(30, 110)
        need, allocation = self.asked(at)
        if allocation:
            self.broker.confirm(need, allocation, self.place, self.between(at, allocation))
        return need, allocation

    def between(self, at: datetime, allocation: Allocation) -> datetime:
        """Return a moment between the asking and its limit, not later than now."""
        end = min(allocation.answer_due_at or self.now, self.now)
        return at + (end - at) * self.rng.uniform(0.1, 0.8)

    # What has been ------------------------------------------------------------------------------------------------

    def past_deal(
        self, need: ResourceRequest, at: datetime, begin: datetime, refused: frozenset[str] = frozenset()
    ) -> Deal | None:
        """Find somebody who came at a moment that has passed."""
        market = self.broker.market
        fitting = [
            s for s in market.serving(need.type_id, self.place)
            if s.slots and self.chosen(s) and str(s.row.partner_id) not in refused
        ]  # fmt: skip
        self.rng.shuffle(fitting)
        for supply in fitting[:4]:
            stock = supply.row.unit_kind == "stock_item"
            since = begin - timedelta(days=begin.weekday()) if stock else begin
            since = since.replace(hour=9) if stock else since
            capacity = supply.slots[0].capacity
            slot = market.past_slot(supply, since, WEEK if stock else HALF_DAY, capacity)
            candidates, verdict = market.judge(need, self.place, at, {supply.row.pk: [slot]}, refused)
            if candidates:
                return market.deal(candidates[0], verdict, {slot.pk: slot})
        return None

    def served(self, at: datetime, begin: datetime) -> tuple[ResourceRequest, Allocation | None]:
        """Write down a need of the past, let somebody be asked and say yes."""
        need = self.past_need(at, begin)
        return need, self.promise(need, at, begin)

    def past_need(self, at: datetime, begin: datetime) -> ResourceRequest:
        """Write down a need of the past."""
        window = (begin.replace(hour=7) - timedelta(days=7), begin.replace(hour=22) + timedelta(days=8))
        return self.broker.open(self.place, self.kind, at, window)

    def promise(
        self, need: ResourceRequest, at: datetime, begin: datetime, refused: frozenset[str] = frozenset()
    ) -> Allocation | None:
        """Let somebody be asked and say yes before the service begins; None when nobody could come."""
        deal = self.past_deal(need, at, begin, refused)
        if deal is None:
            self.broker.forget(need)
            return None
        allocation = self.broker.hold(need, deal, self.place, at)
        limit = min(allocation.answer_due_at or deal.slot.starts_at, deal.slot.starts_at)
        self.broker.confirm(need, allocation, self.place, at + (limit - at) * self.rng.uniform(0.1, 0.8))
        return allocation

    def working_day(self, days_ago: int, hour: int) -> datetime:
        """Return an hour of the last working day that lies at least so many days back."""
        day = self.now.date() - timedelta(days=days_ago)
        while not self.board.hours.calendar.is_working_day(day):
            day -= timedelta(days=1)
        return datetime.combine(day, time(hour), self.now.tzinfo)


def held(stage: Stage) -> None:
    """A department is asked and has not answered yet."""
    stage.asked(stage.ago(0.1, 5))


def countered(stage: Stage) -> None:
    """A department proposes another time."""
    at = stage.ago(2, 8)
    need, allocation = stage.asked(at)
    if allocation:
        ours = [
            slot for supply in stage.board.supplies if supply.row.pk == allocation.resource_id for slot in supply.slots
        ]
        slots = [slot for slot in ours if slot.ends_at <= need.window_end]
        stage.broker.counter(allocation, at + (stage.now - at) * 0.7, slots)


def confirmed(stage: Stage) -> None:
    """A department has promised to come."""
    stage.promised()


def delivered(stage: Stage) -> None:
    """The service was rendered and waits for a word."""
    begin = stage.working_day(stage.rng.randint(1, 4), stage.rng.choice((9, 14)))
    at = begin - timedelta(days=stage.rng.randint(8, 11), hours=stage.rng.uniform(0, 5))
    need, allocation = stage.served(at, begin)
    if allocation:
        end = min(allocation.deal.slot.ends_at, stage.now)  # type: ignore[attr-defined]
        stage.broker.deliver(
            need, allocation, stage.place, min(end + timedelta(minutes=stage.rng.randint(5, 90)), stage.now)
        )


def in_service(stage: Stage) -> None:
    """Something is lent this week, or somebody is at it now."""
    loan = next(
        (k for k in stage.broker.types[0] if stage.broker.market.by_type[k.pk][0].row.unit_kind == "stock_item"), None
    )
    if loan is None:
        confirmed(stage)
        return
    stage.kind, stage.partner = loan, None
    begin = datetime.combine(stage.now.date() - timedelta(days=stage.now.weekday()), time(9), stage.now.tzinfo)
    if begin >= stage.now:
        begin -= timedelta(days=7)
    _, allocation = stage.served(begin - timedelta(days=5, hours=2), begin)
    if allocation:
        at = begin + (stage.now - begin) * 0.2
        stage.broker.trail.step(allocation, workflow.START, at, stage.broker.liaison(allocation))


def no_show(stage: Stage) -> None:
    """Nobody came; the community has still to decide what now."""
    begin = stage.working_day(1, 9)
    need, allocation = stage.served(begin - timedelta(days=9, hours=3), begin)
    if allocation:
        end = allocation.deal.slot.ends_at  # type: ignore[attr-defined]
        stage.broker.no_show(need, allocation, stage.place, min(end + timedelta(minutes=20), stage.now))


def looking(stage: Stage) -> None:
    """One department said no, the next one is not asked yet."""
    at = stage.ago(3, 20)
    need, allocation = stage.asked(at)
    if allocation:
        stage.broker.decline(need, allocation, stage.place, stage.between(at, allocation))


def proposed(stage: Stage) -> None:
    """The engine has a proposal that nobody was told of; it may still be improved until the morning."""
    at = stage.ago(0.2, 2)
    need = stage.coming(at)
    deal = stage.broker.find(need, stage.place, at, choose=stage.chosen)
    if deal:
        stage.broker.propose(need, deal, stage.place, at)


def silent(stage: Stage) -> None:
    """One department kept silent for a working day, the next one is asked."""
    at = stage.ago(90, 160)
    need, allocation = stage.asked(at)
    if allocation and allocation.answer_due_at and allocation.answer_due_at < stage.now:
        over = stage.broker.expire(need, allocation, stage.place)
        _ask_another(stage, need, over, allocation)


def cancelled(stage: Stage) -> None:
    """A department took its promise back, another one is asked."""
    need, allocation = stage.promised()
    if allocation:
        at = stage.ago(1, 5)
        stage.broker.cancel(need, allocation, at)
        _ask_another(stage, need, at, allocation)


def _ask_another(stage: Stage, need: ResourceRequest, at: datetime, before: Allocation) -> None:
    refused = frozenset({str(before.partner_id)})
    later = max(at, stage.ago(0.2, 1.2))
    deal = stage.broker.find(need, stage.place, stage.now, refused=refused)
    if deal:
        stage.broker.hold(need, deal, stage.place, later)
    else:
        stage.broker.raise_to_district(need, later)


def at_district(stage: Stage) -> None:
    """Three departments could not; the district's desk decides."""
    at = stage.ago(100, 130)
    need = stage.coming(at)
    refused: set[str] = set()
    for _ in range(stage.broker.market.policy.refusals_limit):
        deal = stage.broker.find(need, stage.place, at, refused=frozenset(refused))
        if deal is None:
            break
        allocation = stage.broker.hold(need, deal, stage.place, at)
        refused.add(str(allocation.partner_id))
        at = stage.between(at, allocation)
        stage.broker.decline(need, allocation, stage.place, at)
    stage.broker.raise_to_district(need, at)


def unmet(stage: Stage) -> None:
    """The district has said that it has nothing."""
    at_district(stage)
    need = stage.broker.needs[-1]
    if need.status == NeedStatus.AT_DISTRICT_DESK and stage.board.district_officials:
        who = stage.rng.choice(stage.board.district_officials)
        reason = "本月资源已排满，已列入下季度资源清单"
        stage.broker.trail.step(need, workflow.GIVE_UP, stage.ago(1, 20), who, reason=reason, unmet_reason=reason)


def withdrawn(stage: Stage) -> None:
    """The community does not need it any more."""
    at = stage.ago(6, 20)
    need, allocation = stage.asked(at)
    if allocation is None:
        return
    who, end = stage.rng.choice(stage.board.workers[stage.place.id]), stage.between(at, allocation)
    stage.broker.trail.step(need, workflow.WITHDRAW_NEED, end, who, reason="活动改到下个月")
    stage.broker.trail.step(allocation, workflow.WITHDRAW_ASK, end, who, reason="活动改到下个月", answer_due_at=None)
    stage.broker.market.give_back(allocation.deal.slot, allocation.quantity)  # type: ignore[attr-defined]


# Each story with its share of the live needs.
SCENES: dict[Callable[[Stage], None], int] = {
    held: 9,
    countered: 3,
    confirmed: 10,
    delivered: 4,
    in_service: 1,
    no_show: 1,
    looking: 2,
    proposed: 2,
    silent: 2,
    cancelled: 1,
    at_district: 2,
    unmet: 1,
    withdrawn: 1,
}
