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
from partners.models import ResourceSlot, ResourceType
from requests_board import workflow
from requests_board.models import Allocation, ResourceRequest
from requests_board.workflow import NeedStatus, Severity

URGENT_ANSWER = timedelta(minutes=90)


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
    # Asks only for something that comes at an hour, and is not lent by the week.
    visit: bool = False

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
            and any(self.chosen(supply) for supply in self.broker.market.serving(kind.pk, self.place))
        ]
        return self.rng.choices([kind for kind, _ in fitting], [weight for _, weight in fitting])[0]

    def chosen(self, supply: Supply) -> bool:
        """Tell whether the story wants this resource."""
        asked = self.partner is None or supply.row.partner_id == self.partner
        return asked and bool(supply.slots) and not (self.visit and supply.by_week)

    # Moments ------------------------------------------------------------------------------------------------------

    def ago(self, least: float, most: float) -> datetime:
        """Return a moment some hours of work ago; what is asked less than seven ago may still be answered."""
        return self.board.hours.before(self.now, 60 * self.rng.uniform(least, most))

    def later(self, at: datetime, least: float, most: float) -> datetime:
        """Return a moment some minutes of work behind `at`; what would lie ahead of now is done sooner."""
        moment = self.board.hours.after(at, self.rng.uniform(least, most))
        return moment if moment < self.now else self.until_now(at)

    def until_now(self, at: datetime) -> datetime:
        """Return a moment between `at` and now."""
        return self.board.hours.between(at, self.now, self.rng.uniform(0.1, 0.8))

    def between(self, at: datetime, allocation: Allocation) -> datetime:
        """Return a moment between the asking and its limit, before the service begins and not later than now."""
        slot = allocation.deal.slot  # type: ignore[attr-defined]
        end = min(allocation.answer_due_at or self.now, slot.starts_at, self.now)
        return self.board.hours.between(at, end, self.rng.uniform(0.1, 0.8))

    def unanswered(self) -> datetime:
        """Return a moment for whose question the working day to answer is over, and was over last."""
        hours, day = self.board.hours, self.now.date()
        while not hours.calendar.is_working_day(day) or hours.calendar.end_of_work(day) > self.now - URGENT_ANSWER:
            day -= timedelta(days=1)
        morning = datetime.combine(day, time(), self.now.tzinfo)
        return hours.before(morning, 60 * self.rng.uniform(0.5, 6))

    def before(self, begin: datetime, days: int) -> datetime:
        """Return a moment of work at least so many days ahead of a service."""
        return self.board.hours.before(begin - timedelta(days=days), self.rng.uniform(1, 400))

    def served_day(self) -> datetime:
        """Return a day of this week's services: a working day where there was one."""
        days = [self.now.date() - timedelta(days=back) for back in range(1, 6)]
        worked = [day for day in days if self.board.hours.calendar.is_working_day(day)]
        return datetime.combine(self.rng.choice(worked or days), time(9), self.now.tzinfo)

    # What is to come ----------------------------------------------------------------------------------------------

    def coming(self, at: datetime, lead: int = 1) -> ResourceRequest:
        """Write down a need for the coming weeks, from `lead` days on."""
        first = datetime.combine(self.now.date() + timedelta(days=lead), time(8), self.now.tzinfo)
        return self.broker.open(
            self.place, self.kind, at, (first, first + timedelta(days=self.rng.randint(20, 26), hours=13))
        )

    def asked(self, at: datetime, lead: int = 1) -> tuple[ResourceRequest, Allocation | None]:
        """Write down a need for the coming weeks and let the engine ask the best one."""
        need = self.coming(at, lead)
        if at < self.now - URGENT_ANSWER:
            # What is urgent is answered within two hours; older questions that still stand are not urgent.
            need.urgency = Severity.ROUTINE
        deal = self.broker.find(need, self.place, at, choose=self.chosen)
        if deal is None:
            self.broker.raise_to_district(need, at + timedelta(seconds=12))
            return need, None
        return need, self.broker.hold(need, deal, self.place, at)

    def promised(self, lead: int = 1) -> tuple[ResourceRequest, Allocation | None]:
        """Let a department have said yes."""
        at = self.ago(8, 30)
        need, allocation = self.asked(at, lead)
        if allocation:
            self.broker.confirm(need, allocation, self.place, self.between(at, allocation))
        return need, allocation

    # What has been ------------------------------------------------------------------------------------------------

    def past_deal(
        self, need: ResourceRequest, at: datetime, begin: datetime, refused: frozenset[str] = frozenset()
    ) -> Deal | None:
        """Find somebody who came on a day that has passed."""
        market = self.broker.market
        fitting = [
            s for s in market.serving(need.type_id, self.place)
            if self.chosen(s) and str(s.row.partner_id) not in refused
        ]  # fmt: skip
        self.rng.shuffle(fitting)
        for supply in fitting[:4]:
            slot = market.past_slot(supply, begin.date())
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
        first = datetime.combine(at.date() + timedelta(days=1), time(8), self.now.tzinfo)
        last = datetime.combine(begin.date() + timedelta(days=8), time(21), self.now.tzinfo)
        return self.broker.open(self.place, self.kind, at, (first, last))

    def promise(
        self, need: ResourceRequest, at: datetime, begin: datetime, refused: frozenset[str] = frozenset()
    ) -> Allocation | None:
        """Let somebody be asked and say yes before the service begins; None when nobody could come."""
        deal = self.past_deal(need, at, begin, refused)
        if deal is None:
            self.broker.forget(need)
            return None
        allocation = self.broker.hold(need, deal, self.place, at)
        self.broker.confirm(need, allocation, self.place, self.between(at, allocation))
        return allocation

    def rendered(self, allocation: Allocation, begin: datetime) -> datetime:
        """Return when the community notes that it has what it asked for: what is lent on the day, the rest after it."""
        deal: Deal = allocation.deal  # type: ignore[attr-defined]
        return self.later(begin if deal.supply.by_week else deal.slot.ends_at, 5, 150)


def held(stage: Stage) -> None:
    """A department is asked and has not answered yet."""
    stage.asked(stage.ago(0.1, 5))


def countered(stage: Stage) -> None:
    """A department proposes another time of its own choice; the community has still to say yes."""
    at = stage.ago(2, 6)
    _, allocation = stage.asked(at)
    if allocation:
        deal: Deal = allocation.deal  # type: ignore[attr-defined]
        stage.broker.counter(allocation, stage.until_now(at), _later_slots(deal))


def _later_slots(deal: Deal) -> list[ResourceSlot]:
    """Return the other slots, those behind the asked one first."""
    return sorted(deal.supply.slots, key=lambda slot: slot.starts_at <= deal.slot.starts_at)


def confirmed(stage: Stage) -> None:
    """A department has promised to come."""
    stage.promised()


def delivered(stage: Stage) -> None:
    """The service was rendered and waits for a word."""
    begin = stage.served_day()
    need, allocation = stage.served(stage.before(begin, 8), begin)
    if allocation:
        stage.broker.deliver(need, allocation, stage.place, stage.rendered(allocation, begin))


def in_service(stage: Stage) -> None:
    """Something is lent this week."""
    loan = next((kind for kind in stage.broker.types[0] if stage.broker.market.by_type[kind.pk][0].by_week), None)
    if loan is None:
        confirmed(stage)
        return
    stage.kind, stage.partner = loan, None
    begin = datetime.combine(stage.now.date() - timedelta(days=stage.now.weekday()), time(9), stage.now.tzinfo)
    if begin > stage.now:
        begin -= timedelta(days=7)
    _, allocation = stage.served(stage.before(begin, 5), begin)
    if allocation:
        at = stage.board.hours.between(begin, stage.now, 0.2)
        stage.broker.trail.step(allocation, workflow.START, at, stage.broker.liaison(allocation))


def no_show(stage: Stage) -> None:
    """Nobody came; the community has still to decide what now."""
    stage.visit, begin = True, stage.served_day()
    need, allocation = stage.served(stage.before(begin, 9), begin)
    if allocation:
        end: datetime = allocation.deal.slot.ends_at  # type: ignore[attr-defined]
        stage.broker.no_show(need, allocation, stage.place, end + timedelta(minutes=20))


def looking(stage: Stage) -> None:
    """One department said no, the next one is not asked yet."""
    at = stage.ago(1.5, 6)
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
    need, allocation = stage.asked(stage.unanswered())
    if allocation:
        _ask_another(stage, need, stage.broker.expire(need, allocation, stage.place), allocation)


def cancelled(stage: Stage) -> None:
    """A department took its promise back in good time, another one is asked."""
    need, allocation = stage.promised(lead=4)
    if allocation and allocation.answered_at:
        at = max(stage.until_now(allocation.answered_at), stage.ago(1, 5))
        stage.broker.cancel(need, allocation, at)
        _ask_another(stage, need, at, allocation)


def _ask_another(stage: Stage, need: ResourceRequest, at: datetime, before: Allocation) -> None:
    refused = frozenset({str(before.partner_id)})
    later = max(at, stage.ago(0.2, 1.2))
    deal = stage.broker.find(need, stage.place, later, refused=refused)
    if deal:
        stage.broker.hold(need, deal, stage.place, later)
    else:
        stage.broker.raise_to_district(need, later)


def at_district(stage: Stage) -> None:
    """Three departments could not; the district's desk decides."""
    at = stage.ago(25, 35)
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
    if need.status == NeedStatus.AT_DISTRICT_DESK and need.raised_at and stage.board.district_officials:
        who, at = stage.rng.choice(stage.board.district_officials), stage.until_now(need.raised_at)
        reason = "本月资源已排满，已列入下季度资源清单"
        stage.broker.trail.step(need, workflow.GIVE_UP, at, who, reason=reason, unmet_reason=reason)


def withdrawn(stage: Stage) -> None:
    """The community does not need it any more."""
    at = stage.ago(3, 8)
    need, allocation = stage.asked(at)
    if allocation is None:
        return
    who, end = stage.broker.worker(stage.place), stage.between(at, allocation)
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
