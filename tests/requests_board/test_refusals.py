"""What the board refuses in words, and what the clock does where nobody speaks."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from audit.models import Event
from clockwork.models import DeadlinePolicy
from clockwork.selectors import db_now
from common.errors import Conflict, Invalid, StepNotAllowed
from requests_board import workflow
from requests_board.actions import advance, allocations, dispatch, needs, requests, timers
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.permissions import ENGINE
from requests_board.workflow import AllocationStatus, NeedStatus, Rating, RequestStatus
from tests.pool import ask_time_has_come

A, N = AllocationStatus, NeedStatus
DAY = timedelta(days=1)


def held(pool, **changes):
    need = pool.ask(**changes)
    ask_time_has_come(need)
    return dispatch.run(str(need.pk))


def promised(pool, **changes):
    return allocations.confirm(held(pool, **changes), actor=pool.liaison())


def begun(allocation):
    """Let the slot's time be over."""
    slot, now = allocation.slot, db_now()
    slot.starts_at, slot.ends_at = now - 2 * DAY, now - DAY
    slot.save()
    return allocation


@pytest.fixture
def worker(pool):
    return pool.town.person("community_worker")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (lambda now: {"quantity": 0}, "quantity"),
        (lambda now: {"window_start": now + DAY, "window_end": now}, "window_end"),
        (lambda now: {"window_start": now - 2 * DAY, "window_end": now - DAY}, "window_end"),
    ],
)
def test_a_need_that_nobody_could_serve_is_not_written(pool, changes, field):
    with pytest.raises(Invalid) as refused:
        pool.ask(**changes(db_now()))
    assert refused.value.field == field
    assert not ResourceRequest.objects.exists()


def test_a_type_out_of_use_cannot_be_asked_for(pool):
    pool.type.active = False
    with pytest.raises(Invalid) as refused:
        pool.ask(type=pool.type)
    assert refused.value.field == "type"


def test_what_the_worker_handles_already_is_not_taken_over_again(pool, worker):
    row = requests.take(requests.submit_request(area=pool.town.building, text="要一场讲座"), actor=worker)
    need = pool.ask(service_request=row)
    row.refresh_from_db()
    assert (row.status, row.version, need.service_request) == (RequestStatus.IN_PROGRESS, row.version, row)
    assert ServiceRequest.objects.get(pk=row.pk).handler_user == worker


def test_a_proposal_is_dropped_with_its_need(pool, worker):
    need = pool.ask(resource=pool.resources[1])
    needs.withdraw(need, actor=worker, reason="不要了")
    dropped = Allocation.objects.get(resource_request=need)
    assert (dropped.status, dropped.slot.used) == (A.CANCELLED, 0)


def test_a_slot_that_has_begun_is_no_other_time(pool, worker):
    allocation = held(pool)
    other = pool.slots()[3]
    other.starts_at = db_now() - timedelta(minutes=1)
    other.save()
    with pytest.raises(Invalid, match="已经开始"):
        allocations.counter(allocation, actor=pool.liaison(), slot=other)
    late = begun(allocations.confirm(allocation, actor=pool.liaison()))
    allocations.report_no_show(late, actor=worker)
    for slot in (other, pool.slots(1)[0]):
        with pytest.raises(Invalid, match="以后的时段"):
            allocations.reschedule(late, actor=worker, slot=slot)


def test_a_reason_as_long_as_a_book_is_cut(pool, worker):
    need = needs.withdraw(pool.ask(), actor=worker, reason="不要了" * 1000)
    told = Event.objects.get(verb="resource_request.withdrawn", target_id=str(need.pk))
    assert len(told.reason) == advance.MAX_REASON


def test_a_service_may_be_noted_as_begun_once_its_time_has_come(pool):
    allocation = promised(pool)
    # Begun too early it could neither be called off nor be noted as a no-show.
    with pytest.raises(StepNotAllowed, match="还没到约定的时间"):
        allocations.start(allocation, actor=pool.liaison())
    allocation = allocations.start(begun(allocation), actor=pool.liaison())
    assert (allocation.status, allocation.started_at is not None) == (A.IN_SERVICE, True)
    assert allocations.mark_delivered(begun(allocation), actor=pool.liaison()).status == A.DELIVERED


def test_a_stale_page_is_a_conflict(pool, worker):
    row = requests.submit_request(area=pool.town.building, text="灯坏了")
    seen = row.version
    requests.accept(row, actor=worker, version=seen)
    with pytest.raises(Conflict):
        requests.accept(row, actor=worker, version=seen)


def test_a_rating_that_is_none_is_refused(pool, worker):
    row = requests.solve_on_spot(
        requests.submit_request(area=pool.town.building, text="灯坏了"), actor=worker, result="好了"
    )
    for rating in ("", "none", "wonderful"):
        with pytest.raises(Invalid):
            requests.confirm_ok(row, actor=worker, rating=rating)
    with pytest.raises(StepNotAllowed):
        requests.echo(row, sender_key="k")


# Numbers ------------------------------------------------------------------------------------------------------------


def test_a_number_that_is_taken_is_drawn_again(pool, monkeypatch):
    letters = iter("AAAAA" + "AAAAA" + "BBBBB")
    monkeypatch.setattr(advance.secrets, "choice", lambda alphabet: next(letters))
    first = requests.submit_request(area=pool.town.building, text="一")
    second = requests.submit_request(area=pool.town.building, text="二")
    assert (first.number[-5:], second.number[-5:]) == ("AAAAA", "BBBBB")


def test_numbers_that_stay_taken_are_told_and_other_faults_are_not_hidden(pool, monkeypatch):
    monkeypatch.setattr(advance.secrets, "choice", lambda alphabet: "A")
    requests.submit_request(area=pool.town.building, text="一")
    with pytest.raises(Conflict, match="编号正忙"):
        requests.submit_request(area=pool.town.building, text="二")
    need = pool.ask()
    with pytest.raises(IntegrityError, match="need_quantity"):
        advance.insert_numbered(
            ResourceRequest(
                area=need.area, type=need.type, quantity=0, window_start=need.window_start,
                window_end=need.window_end, dispatch_after=need.dispatch_after,
            ),
            prefix="Y",
        )  # fmt: skip


# The clock ----------------------------------------------------------------------------------------------------------


def test_a_lost_race_for_every_slot_leaves_a_job_for_later(pool, monkeypatch):
    def too_late(allocation):
        advance.advance(allocation, workflow.NO_CAPACITY, actor=ENGINE)

    monkeypatch.setattr(dispatch, "hold", too_late)
    need = pool.ask()
    ask_time_has_come(need)
    assert dispatch.run(str(need.pk)) is None
    need.refresh_from_db()
    assert need.status == N.OPEN
    assert Allocation.objects.filter(resource_request=need).count() == dispatch.ROUNDS


def test_silence_lets_an_ask_go_and_a_word_in_time_keeps_it(pool):
    silent, spoken = held(pool), held(pool)
    allocations.confirm(spoken, actor=pool.liaison(pool.departments.index(spoken.partner)))
    Allocation.objects.filter(pk=silent.pk).update(answer_due_at=db_now() - timedelta(seconds=1))
    assert timers.write_due_jobs() == 1
    for row in (silent, spoken):
        timers.expire_allocation(str(row.pk))
    silent.refresh_from_db()
    spoken.refresh_from_db()
    assert (silent.status, spoken.status) == (A.EXPIRED, A.CONFIRMED)


def test_what_nobody_evaluates_is_closed_without_a_rating(pool):
    allocation = allocations.mark_delivered(begun(promised(pool)), actor=pool.liaison())
    assert timers.write_due_jobs() == 0
    Allocation.objects.filter(pk=allocation.pk).update(delivered_at=db_now() - timedelta(days=60))
    assert timers.write_due_jobs() == 1
    timers.auto_evaluate(str(allocation.pk))
    allocation.refresh_from_db()
    assert (allocation.status, allocation.rating) == (A.CLOSED, Rating.NONE)
    assert allocation.resource_request.status == N.CLOSED
    timers.auto_evaluate(str(allocation.pk))  # a second delivery of the same job changes nothing


def test_without_a_limit_nothing_is_closed_by_itself(pool):
    allocation = allocations.mark_delivered(begun(promised(pool)), actor=pool.liaison())
    Allocation.objects.filter(pk=allocation.pk).update(delivered_at=db_now() - timedelta(days=60))
    DeadlinePolicy.objects.filter(code="allocation.auto_evaluate").delete()
    assert timers.write_due_jobs() == 0


def test_a_request_waits_for_its_last_resource(pool, worker):
    row = requests.submit_request(area=pool.town.building, text="要两场讲座")
    first, second = (held(pool, service_request=row if n == 0 else fresh(row)) for n in range(2))
    for number, allocation in enumerate((first, second)):
        liaison = pool.liaison(pool.departments.index(allocation.partner))
        done = allocations.mark_delivered(begun(allocations.confirm(allocation, actor=liaison)), actor=liaison)
        allocations.evaluate(done, actor=worker, rating="good")
        row.refresh_from_db()
        assert row.status == (RequestStatus.RESOLVED if number else RequestStatus.IN_PROGRESS)


def fresh(row):
    return ServiceRequest.objects.get(pk=row.pk)
