"""From the need to the department's word: who is asked, what is held, and what happens when they say no."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from common.errors import Invalid, NotAllowed, StepNotAllowed
from partners.models import ResourceBlackout, ResourceServedArea, ResourceSlot
from requests_board.actions import allocations, dispatch, needs
from requests_board.models import Allocation, DispatchPolicy
from requests_board.selectors import ask_the_pool, free_slots
from requests_board.workflow import HOLDS_CAPACITY, AllocationStatus, NeedStatus
from tests.pool import ask_time_has_come

A, N = AllocationStatus, NeedStatus


def held(pool, **changes):
    need = pool.ask(**changes)
    ask_time_has_come(need)
    return dispatch.run(str(need.pk))


def capacity_adds_up():
    """Tell whether each slot's used units are those of the allocations that take them."""
    for slot in ResourceSlot.objects.all():
        taken = slot.allocations.filter(status__in=HOLDS_CAPACITY).aggregate(n=Sum("quantity"))["n"] or 0
        if slot.used != taken:
            return False
    return True


def test_the_paired_department_is_asked_first(pool):
    allocation = held(pool)
    assert allocation.partner == pool.departments[0]
    assert allocation.status == A.HELD
    assert allocation.slot == pool.slots(0)[0]
    assert "是本社区的结对部门" in allocation.reasons["sentence"]
    assert {other["partner"] for other in allocation.reasons["others"]} == {"示例部门2", "示例部门3"}
    assert all("结对" in other["sentence"] for other in allocation.reasons["others"])
    assert capacity_adds_up()


def test_nobody_is_asked_before_the_time_for_undoing_has_passed(pool):
    need = pool.ask()
    assert dispatch.run(str(need.pk)) is None
    assert not Allocation.objects.filter(held_at__isnull=False).exists()
    needs.undo(need, actor=pool.town.person("community_worker"))
    ask_time_has_come(need)
    assert dispatch.run(str(need.pk)) is None
    need.refresh_from_db()
    assert need.status == N.WITHDRAWN
    assert capacity_adds_up()


def test_an_urgent_need_is_asked_at_once(pool):
    need = pool.ask(urgency="urgent")
    assert dispatch.run(str(need.pk)).status == A.HELD
    with pytest.raises(StepNotAllowed):
        needs.undo(need, actor=pool.town.person("community_worker"))


def test_a_proposal_takes_no_capacity_and_only_one_stands_for_a_need(pool):
    need = pool.ask(resource=pool.resources[1])
    proposal = need.allocations.get()
    assert (proposal.status, proposal.partner) == (A.PROPOSED, pool.departments[1])
    assert not ResourceSlot.objects.filter(used__gt=0).exists()
    with pytest.raises(IntegrityError, match="allocation_one_live_per_need"), transaction.atomic():
        Allocation(
            area=proposal.area, resource_request=need, resource=proposal.resource, slot=proposal.slot,
            partner=proposal.partner, quantity=1,
        ).save()  # fmt: skip


def test_dispatching_twice_changes_nothing(pool):
    allocation = held(pool)
    assert dispatch.run(str(allocation.resource_request_id)) is None
    assert Allocation.objects.count() == 1
    assert capacity_adds_up()


def test_confirmed_delivered_evaluated_closes_everything(pool):
    allocation = allocations.confirm(held(pool), actor=pool.liaison())
    allocation.resource_request.refresh_from_db()
    assert allocation.resource_request.status == N.PROMISED
    worker = pool.town.person("community_worker")
    with pytest.raises(StepNotAllowed, match="还没到约定的时间"):
        allocations.mark_delivered(allocation, actor=worker)
    ResourceSlot.objects.filter(pk=allocation.slot_id).update(
        starts_at=F("starts_at") - (allocation.slot.starts_at - allocation.created_at) * 2
    )
    allocation = allocations.mark_delivered(allocation, actor=worker)
    allocation = allocations.evaluate(allocation, actor=worker, rating="good", comment="讲得明白")
    allocation.resource_request.refresh_from_db()
    assert (allocation.status, allocation.resource_request.status) == (A.CLOSED, N.CLOSED)
    assert capacity_adds_up()


def test_a_decline_reaches_the_next_department_and_the_third_the_district(pool):
    allocation, asked = held(pool), []
    need = allocation.resource_request
    for _ in range(3):
        asked.append(allocation.partner)
        liaison = pool.liaison(pool.departments.index(allocation.partner))
        allocations.decline(allocation, actor=liaison, reason=pool.busy, note="下周可以")
        assert capacity_adds_up()
        allocation = dispatch.run(str(need.pk))
    need.refresh_from_db()
    assert asked[0] == pool.departments[0]
    assert len(set(asked)) == 3
    assert (allocation, need.status, need.refusals) == (None, N.AT_DISTRICT_DESK, 3)


def test_silence_lets_go_by_the_databases_clock_and_asks_the_next(pool):
    allocation = held(pool)
    with pytest.raises(StepNotAllowed):
        allocations.expire(allocation)
    Allocation.objects.filter(pk=allocation.pk).update(answer_due_at=F("created_at"))
    assert allocations.expire(allocation).status == A.EXPIRED
    following = dispatch.run(str(allocation.resource_request_id))
    assert following.partner != allocation.partner
    assert capacity_adds_up()


def test_a_counter_proposal_holds_the_new_slot_and_frees_the_old(pool):
    allocation = held(pool)
    other = free_slots(allocation)[1]
    countered = allocations.counter(allocation, actor=pool.liaison(), slot=other)
    assert (countered.status, countered.slot, countered.previous_slot) == (
        A.COUNTERED,
        other,
        allocation.slot,
    )
    assert capacity_adds_up()
    confirmed = allocations.accept_counter(countered, actor=pool.town.person("community_worker"))
    confirmed.resource_request.refresh_from_db()
    assert (confirmed.status, confirmed.resource_request.status) == (A.CONFIRMED, N.PROMISED)


def test_a_rejected_counter_proposal_goes_to_the_next(pool):
    allocation = held(pool)
    countered = allocations.counter(allocation, actor=pool.liaison(), slot=free_slots(allocation)[0])
    allocations.reject_counter(countered, actor=pool.town.person("community_worker"))
    following = dispatch.run(str(allocation.resource_request_id))
    assert following.partner != allocation.partner
    assert capacity_adds_up()


def test_a_no_show_is_recorded_and_the_need_waits_again(pool):
    allocation = allocations.confirm(held(pool), actor=pool.liaison())
    worker = pool.town.person("community_worker")
    with pytest.raises(StepNotAllowed):
        allocations.report_no_show(allocation, actor=worker)
    span = (allocation.slot.ends_at - allocation.created_at) * 2
    ResourceSlot.objects.filter(pk=allocation.slot_id).update(
        starts_at=F("starts_at") - span, ends_at=F("ends_at") - span
    )
    missed = allocations.report_no_show(allocation, actor=worker, reason="没有来，也没有电话")
    missed.resource_request.refresh_from_db()
    assert (missed.status, missed.resource_request.status) == (A.NO_SHOW, N.OPEN)
    again = allocations.reschedule(missed, actor=worker, slot=pool.slots(0)[2])
    assert again.status == A.PROPOSED
    assert dispatch.run(str(again.resource_request_id)).pk == again.pk
    assert capacity_adds_up()


def test_a_closed_no_show_goes_to_another_department(pool):
    allocation = allocations.confirm(held(pool), actor=pool.liaison())
    worker = pool.town.person("community_worker")
    span = (allocation.slot.ends_at - allocation.created_at) * 2
    ResourceSlot.objects.filter(pk=allocation.slot_id).update(
        starts_at=F("starts_at") - span, ends_at=F("ends_at") - span
    )
    missed = allocations.report_no_show(allocation, actor=worker)
    allocations.close_no_show(missed, actor=worker)
    assert dispatch.run(str(missed.resource_request_id)).partner != missed.partner
    assert capacity_adds_up()


def test_a_cancelled_promise_is_dispatched_again_but_not_when_it_is_not_needed(pool):
    first = allocations.confirm(held(pool), actor=pool.liaison())
    slot = pool.slots(0)[3]
    worker = pool.town.person("community_worker")
    with pytest.raises(Invalid):
        allocations.cancel(first, actor=worker, reason=" ")
    Allocation.objects.filter(pk=first.pk).update(slot=slot)
    ResourceSlot.objects.filter(pk=first.slot_id).update(used=0)
    ResourceSlot.objects.filter(pk=slot.pk).update(used=1)
    allocations.cancel(first, actor=worker, reason="活动改期", not_needed=True)
    first.resource_request.refresh_from_db()
    assert first.resource_request.status == N.WITHDRAWN
    assert capacity_adds_up()


def test_too_late_to_cancel_is_said_in_words(pool):
    allocation = allocations.confirm(held(pool), actor=pool.liaison())
    ResourceSlot.objects.filter(pk=allocation.slot_id).update(starts_at=allocation.created_at)
    with pytest.raises(StepNotAllowed, match="直接打电话"):
        allocations.cancel(allocation, actor=pool.liaison(), reason="临时开会")


def test_nothing_is_preempted_in_peacetime(pool):
    allocation = allocations.confirm(held(pool), actor=pool.liaison())
    official = pool.town.person("district_official")
    with pytest.raises(NotAllowed, match="平时"):
        allocations.preempt(allocation, actor=official, reason="防汛")
    DispatchPolicy.objects.create(emergency_order="应急〔2026〕1号")
    assert allocations.preempt(allocation, actor=official, reason="防汛").status == A.CANCELLED
    assert capacity_adds_up()


def test_only_the_departments_own_people_answer_for_it(pool):
    allocation = held(pool)
    for stranger in (
        pool.liaison(1),
        pool.town.person("community_worker"),
        pool.town.person("district_official"),
    ):
        with pytest.raises(NotAllowed):
            allocations.confirm(allocation, actor=stranger)
    by_link = allocations.liaison_by_link(allocation)
    assert allocations.confirm(allocation, actor=by_link).status == A.CONFIRMED


def test_the_district_names_a_resource_or_gives_up_openly(pool):
    need = pool.ask(type=pool.other_type)
    ask_time_has_come(need)
    assert dispatch.run(str(need.pk)) is None
    need.refresh_from_db()
    official = pool.town.person("district_official")
    assert need.status == N.AT_DISTRICT_DESK
    with pytest.raises(Invalid, match="不是要的这一类"):
        needs.settle(need, actor=official, resource=pool.resources[0])
    with pytest.raises(Invalid):
        needs.give_up(need, actor=official, reason=" ")
    assert needs.give_up(need, actor=official, reason="全区没有健康讲座").status == N.UNMET


def test_the_district_may_name_one_that_has_refused(pool):
    need = held(pool).resource_request
    for _ in range(3):
        allocation = need.allocations.live().get()
        liaison = pool.liaison(pool.departments.index(allocation.partner))
        allocations.decline(allocation, actor=liaison, reason=pool.busy)
        dispatch.run(str(need.pk))
    needs.settle(need, actor=pool.town.person("district_official"), resource=pool.resources[2])
    allocation = dispatch.run(str(need.pk))
    assert (allocation.status, allocation.partner) == (A.HELD, pool.departments[2])
    assert {told["name"] for told in allocation.reasons["refused"]} == {r.name for r in pool.resources[:2]}
    assert capacity_adds_up()


def test_every_other_resource_has_its_why_not(pool):
    near, paused, dark = pool.resources
    ResourceServedArea.objects.create(resource=near, area=pool.town.far_street)
    near.whole_district = False
    near.save()
    paused.status = "paused"
    paused.save()
    day = pool.slots(2)[0].starts_at.date()
    ResourceBlackout.objects.create(resource=dark, first_day=day, last_day=day.replace(year=day.year + 1))
    verdict = ask_the_pool(pool.ask())
    assert {r.offer.name: r.rule for r in verdict.refusals} == {
        near.name: "area", paused.name: "open", dark.name: "slot",
    }  # fmt: skip
    assert verdict.best is None


def test_a_full_slot_lost_to_a_faster_one_moves_on_within_the_job(pool):
    need = pool.ask(resource=pool.resources[0])
    ResourceSlot.objects.filter(resource=pool.resources[0]).update(used=1)
    ask_time_has_come(need)
    allocation = dispatch.run(str(need.pk))
    assert allocation.partner != pool.departments[0]
    assert need.allocations.filter(status=A.DECLINED, held_at__isnull=True).count() == 1
