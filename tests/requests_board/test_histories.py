"""Random histories of asking, answering, countering, cancelling and time passing: the capacity always adds up."""

import random
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum

from clockwork.selectors import db_now
from common.errors import DomainError
from partners import actions as pool_actions
from partners.models import ResourceSlot
from requests_board.actions import allocations, batch, dispatch, needs
from requests_board.models import Allocation, DispatchPolicy, ResourceRequest
from requests_board.permissions import ENGINE
from requests_board.selectors import free_slots
from requests_board.workflow import ALLOCATION_LIVE, HOLDS_CAPACITY, AllocationStatus
from tests.pool import ask_time_has_come

SEEDS = (1, 2, 3)
STEPS = 90


class History:
    """One pool under a random sequence of steps, each by somebody who may take it."""

    def __init__(self, pool, seed):
        self.pool = pool
        self.random = random.Random(seed)
        self.worker = pool.town.person("community_worker")
        self.taken = 0
        ResourceSlot.objects.update(capacity=2)
        self.runs = 0
        often = [self.ask, self.run, self.answer]
        self.moves = [*often, *often, self.counter, self.settle_counter, self.time, self.end, self.withdraw]

    def step(self):
        move = self.random.choice(self.moves)
        try:
            with transaction.atomic():
                move()
            self.taken += 1
        except DomainError:
            pass

    def ask(self):
        ask_time_has_come(self.pool.ask(quantity=self.random.choice([1, 1, 2]), actor=self.worker))

    def run(self):
        need = self._any(ResourceRequest.objects.filter(status__in=["open", "matching"]))
        dispatch.run(str(need.pk))

    def answer(self):
        allocation = self._any(Allocation.objects.filter(status=AllocationStatus.HELD))
        liaison = self.pool.liaison(self.pool.departments.index(allocation.partner))
        if self.random.random() < 0.6:
            allocations.confirm(allocation, actor=liaison)
        else:
            allocations.decline(allocation, actor=liaison, reason=self.pool.busy)

    def counter(self):
        allocation = self._any(Allocation.objects.filter(status=AllocationStatus.HELD))
        liaison = self.pool.liaison(self.pool.departments.index(allocation.partner))
        slots = free_slots(allocation)
        if slots:
            allocations.counter(allocation, actor=liaison, slot=self.random.choice(slots))

    def settle_counter(self):
        allocation = self._any(Allocation.objects.filter(status=AllocationStatus.COUNTERED))
        step = self.random.choice([allocations.accept_counter, allocations.reject_counter])
        step(allocation, actor=self.worker)

    def time(self):
        allocation = self._any(Allocation.objects.filter(status__in=["held", "countered"]))
        Allocation.objects.filter(pk=allocation.pk).update(answer_due_at=db_now() - timedelta(hours=1))
        allocations.expire(allocation)

    def end(self):
        allocation = self._any(Allocation.objects.filter(status=AllocationStatus.CONFIRMED))
        allocations.cancel(allocation, actor=self.worker, reason="改期", not_needed=self.random.random() < 0.5)

    def withdraw(self):
        need = self._any(ResourceRequest.objects.filter(status__in=["open", "matching", "at_district_desk"]))
        needs.withdraw(need, actor=self.worker)

    def batch(self):
        self.runs += 1
        batch.run(key=f"run {self.runs}", actor=ENGINE, area=self.pool.town.district)

    def ask_time(self):
        proposal = self._any(Allocation.objects.filter(status=AllocationStatus.PROPOSED, ask_at__isnull=False))
        Allocation.objects.filter(pk=proposal.pk).update(ask_at=db_now())
        dispatch.run(str(proposal.resource_request_id))

    def miss(self):
        allocation = self._any(Allocation.objects.filter(status=AllocationStatus.CONFIRMED))
        slot = allocation.slot
        span = timedelta(days=90 + self.taken)
        ResourceSlot.objects.filter(pk=slot.pk).update(starts_at=slot.starts_at - span, ends_at=slot.ends_at - span)
        missed = allocations.report_no_show(allocation, actor=self.worker)
        if self.random.random() < 0.5:
            allocations.close_no_show(missed, actor=self.worker)
        else:
            again = free_slots(allocation)
            if again:
                allocations.reschedule(missed, actor=self.worker, slot=self.random.choice(again))

    def _any(self, rows):
        found = list(rows.order_by("created_at", "pk"))
        if not found:
            raise DomainError
        return self.random.choice(found)


class Waiting(History):
    """The same where proposals wait for their ask time and the batch runs in between."""

    def __init__(self, pool, seed):
        super().__init__(pool, seed)
        DispatchPolicy.objects.create(ask_days_ahead=0)
        month = timedelta(days=30)
        for slot in ResourceSlot.objects.all():
            start, end = slot.starts_at + month, slot.ends_at + month
            ResourceSlot.objects.filter(pk=slot.pk).update(starts_at=start, ends_at=end)
        self.moves += [self.batch, self.batch, self.ask_time, self.ask_time, self.miss]

    def ask(self):
        end = db_now() + timedelta(days=60)
        amount = self.random.choice([1, 1, 2])
        ask_time_has_come(self.pool.ask(quantity=amount, actor=self.worker, window_end=end))


def wrong_slots():
    """Return the slots whose used units are not those of the allocations that take them."""
    wrong = []
    for slot in ResourceSlot.objects.all():
        taken = slot.allocations.filter(status__in=HOLDS_CAPACITY).aggregate(n=Sum("quantity"))["n"] or 0
        if slot.used != taken or slot.used > slot.capacity:
            wrong.append((slot, taken))
    return wrong


def astray():
    """Return the needs whose state and standing allocation do not belong together."""
    live = dict(Allocation.objects.filter(status__in=ALLOCATION_LIVE).values_list("resource_request_id", "status"))
    fits = {
        "open": {None}, "matching": {"proposed", "held", "countered"}, "promised": {"confirmed", "in_service"},
        "at_district_desk": {None}, "withdrawn": {None},
    }  # fmt: skip
    rows = ResourceRequest.objects.values_list("pk", "status")
    return [(pk, status) for pk, status in rows if live.get(pk) not in fits.get(status, {live.get(pk)})]


def live_twice():
    """Return the needs for which more than one allocation stands."""
    rows = Allocation.objects.filter(status__in=ALLOCATION_LIVE).values_list("resource_request_id", flat=True)
    return len(rows) - len(set(rows))


@pytest.mark.parametrize("seed", SEEDS)
def test_capacity_adds_up_after_every_step(pool, seed):
    history = History(pool, seed)
    for _ in range(STEPS):
        history.step()
        assert not wrong_slots()
        assert not live_twice()
    assert history.taken > STEPS / 4
    seen = set(Allocation.objects.values_list("status", flat=True))
    assert len(seen) > 1


@pytest.mark.parametrize("seed", range(4))
def test_capacity_adds_up_with_batches_in_between(pool, seed):
    history = Waiting(pool, seed)
    for _ in range(STEPS):
        history.step()
        assert not wrong_slots()
        assert not live_twice()
        assert not astray()
    assert history.taken > STEPS / 4
    assert history.runs > 3


def test_without_the_check_a_batch_in_between_overbooks(pool, monkeypatch):
    """The control: units that a hold does not take are noticed."""
    monkeypatch.setattr(pool_actions, "take", lambda slot_id, quantity: None)
    history = Waiting(pool, 1)
    for _ in range(STEPS):
        history.step()
        if wrong_slots():
            return
    pytest.fail("Units that were never taken were not noticed.")


def test_the_count_notices_when_capacity_is_not_given_back(pool, monkeypatch):
    monkeypatch.setattr(pool_actions, "give_back", lambda slot_id, quantity: None)
    history = History(pool, SEEDS[0])
    for _ in range(STEPS):
        history.step()
        if wrong_slots():
            return
    pytest.fail("Units that never came back were not noticed.")
