"""The batch end to end: only proposals change, only the difference is written, once for each key, and all add up."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.models import Event, Job
from clockwork.selectors import db_now
from common.errors import Conflict, NotAllowed
from partners.models import ResourceSlot
from requests_board.actions import allocations, batch, difference, dispatch
from requests_board.asking import Asking
from requests_board.models import Allocation, DispatchPolicy, DispatchRun, ResourceRequest
from requests_board.permissions import ENGINE
from requests_board.workflow import AllocationStatus, NeedStatus
from tests.pool import ask_time_has_come
from tests.requests_board.test_histories import live_twice, wrong_slots

A, N = AllocationStatus, NeedStatus
DAY = timedelta(days=1)


@pytest.fixture
def later(pool):
    """Let the pool's district ask as late as it can, with slots far enough ahead to wait for."""
    DispatchPolicy.objects.create(ask_days_ahead=0)
    for slot in ResourceSlot.objects.all():
        ResourceSlot.objects.filter(pk=slot.pk).update(
            starts_at=slot.starts_at + 30 * DAY, ends_at=slot.ends_at + 30 * DAY
        )  # fmt: skip
    return pool


def ask(pool, **changes):
    need = pool.ask(window_end=db_now() + 60 * DAY, **changes)
    ask_time_has_come(need)
    return need


def run(pool, key="one", **how):
    return batch.run(key=key, actor=ENGINE, area=pool.town.district, **how)


def test_nobody_is_asked_before_the_ask_time_and_then_the_department_is(later):
    need = ask(later)
    assert dispatch.run(str(need.pk)) is None
    proposal = need.allocations.get()
    need.refresh_from_db()
    assert (proposal.status, need.status) == (A.PROPOSED, N.MATCHING)
    assert not ResourceSlot.objects.filter(used__gt=0).exists()
    job = Job.objects.get(key=dispatch.ask_key(proposal.pk, 1))
    assert job.next_at == proposal.ask_at > db_now() + 20 * DAY
    assert proposal.ask_at < proposal.slot.starts_at - DAY
    assert timezone.localtime(proposal.ask_at).weekday() < 5
    assert not Event.objects.filter(verb="allocation.held").exists()
    Allocation.objects.update(ask_at=db_now())
    assert dispatch.run(str(need.pk)).status == A.HELD
    assert not wrong_slots()


def test_an_urgent_need_and_one_whose_time_has_come_are_asked_at_once(later):
    assert dispatch.run(str(ask(later, urgency="urgent").pk)).status == A.HELD
    soon = later.slots(1)[0]
    ResourceSlot.objects.filter(pk=soon.pk).update(starts_at=db_now() + DAY / 2, ends_at=db_now() + DAY)
    ResourceSlot.objects.exclude(pk=soon.pk).filter(used=0).delete()
    held = dispatch.run(str(ask(later).pk))
    assert (held.status, held.slot, held.ask_at) == (A.HELD, soon, None)


def test_the_ask_time_leaves_room_for_the_answer_the_notice_and_the_days_ahead(later):
    start = db_now() + 40 * DAY
    rule = Asking.of(DispatchPolicy.current())
    plain = rule.at("routine", start, 0)
    assert rule.at("urgent", start, 0) is None
    assert rule.at("routine", db_now() + timedelta(hours=3), 0) is None
    assert rule.at("routine", start, 7) <= plain - 6 * DAY
    ahead = Asking.of(DispatchPolicy.objects.create(ask_days_ahead=5)).at("routine", start, 0)
    assert ahead <= plain - 5 * DAY
    assert Asking.of(DispatchPolicy.objects.create()).at("routine", start, 0) is None


def test_a_proposal_that_has_become_impossible_is_let_go_and_another_one_asked(later):
    need = ask(later)
    dispatch.run(str(need.pk))
    first = need.allocations.get()
    type(first.resource).objects.filter(pk=first.resource_id).update(status="paused")
    Allocation.objects.update(ask_at=db_now())
    dispatch.run(str(need.pk))
    first.refresh_from_db()
    other = need.allocations.live().get()
    assert (first.status, other.partner != first.partner) == (A.CANCELLED, True)


def only_two_places(pool):
    """Leave one slot of the first department and one of the second; the second needs notice of nobody."""
    keep = [pool.slots(0)[0].pk, pool.slots(1)[1].pk]
    ResourceSlot.objects.exclude(pk__in=keep).delete()
    return [ResourceSlot.objects.get(pk=pk) for pk in keep]


def test_the_batch_moves_a_proposal_so_that_both_needs_are_served(later):
    early, late = only_two_places(later)
    flexible = ask(later)
    dispatch.run(str(flexible.pk))
    assert flexible.allocations.get().slot == early
    narrow = later.ask(window_start=early.starts_at, window_end=early.ends_at)
    ask_time_has_come(narrow)
    report = run(later)
    assert (report.proposed, report.moved, report.dropped, report.skipped) == (1, 1, 0, 0)
    assert (report.served_before, report.served_after) == (1, 2)
    assert flexible.allocations.get().slot == late
    assert narrow.allocations.get().slot == early
    assert flexible.allocations.get().partner == later.departments[1]
    assert not live_twice()
    assert not wrong_slots()
    moved = Event.objects.get(verb="allocation.moved")
    assert moved.data == {"run": report.pk, "policy": DispatchPolicy.current().version, "version": 2}
    for allocation in Allocation.objects.all():
        assert Job.objects.filter(key=dispatch.ask_key(allocation.pk, allocation.version), next_at=allocation.ask_at)
        told = allocation.reasons
        assert set(told) == {"score", "factors", "weights", "sentence", "others", "refused"}
        assert "结对" in told["sentence"]
        assert told["sentence"].endswith("是和等着的 2 件一起排的。")


def test_what_is_worth_less_is_let_go_and_waits(later):
    early, _ = only_two_places(later)
    ResourceSlot.objects.exclude(pk=early.pk).delete()
    need = ask(later)
    dispatch.run(str(need.pk))
    better = ask(later, urgency="coordinated")
    report = run(later)
    need.refresh_from_db()
    assert (report.proposed, report.dropped) == (1, 1)
    assert (need.status, need.allocations.get().status) == (N.OPEN, A.CANCELLED)
    assert better.allocations.get().status == A.PROPOSED
    assert not Job.objects.filter(key=f"dispatch:{need.pk}:{need.version}").exists()
    assert run(later, "again").needs == 2


def test_without_a_next_run_what_is_let_go_goes_its_own_way(later):
    DispatchPolicy.objects.create(ask_days_ahead=0, batch_times="")
    early, _ = only_two_places(later)
    ResourceSlot.objects.exclude(pk=early.pk).delete()
    need = ask(later)
    dispatch.run(str(need.pk))
    ask(later, urgency="coordinated")
    run(later)
    need.refresh_from_db()
    assert Job.objects.filter(key=f"dispatch:{need.pk}:{need.version}").exists()


def test_what_nothing_can_serve_is_handed_on(later):
    need = ask(later, type=later.other_type)
    Job.objects.all().delete()
    assert run(later).hopeless == 1
    assert Job.objects.filter(key=f"dispatch:{need.pk}:{need.version}").exists()
    dispatch.run(str(need.pk))
    need.refresh_from_db()
    assert need.status == N.AT_DISTRICT_DESK


def test_held_confirmed_and_named_by_a_person_stays(later):
    held = dispatch.run(str(ask(later, urgency="urgent").pk))
    promised = allocations.confirm(dispatch.run(str(ask(later, urgency="urgent").pk)), actor=later.liaison(0))
    named = ask(later, resource=later.resources[2]).allocations.get()
    before = list(Allocation.objects.order_by("pk").values())
    ask(later)
    assert run(later).needs == 1
    after = Allocation.objects.filter(pk__in=[held.pk, promised.pk, named.pk]).order_by("pk").values()
    assert list(after) == before


def test_a_second_run_changes_nothing(later):
    for _ in range(6):
        ask(later)
    first = run(later)
    rows = list(Allocation.objects.order_by("pk").values())
    second = run(later, "two")
    assert first.proposed == 6
    assert (second.proposed, second.moved, second.dropped) == (0, 0, 0)
    assert list(Allocation.objects.order_by("pk").values()) == rows


def test_the_same_key_runs_once_and_a_dry_run_writes_only_itself(later):
    ask(later)
    dry = run(later, "dry", dry=True)
    assert (dry.proposed, Allocation.objects.count()) == (1, 0)
    assert dry.changes == [[ResourceRequest.objects.get().pk.hex, 0, dry.changes[0][2]]]
    assert not Job.objects.filter(kind=dispatch.JOB, key__startswith="dispatch:ask").exists()
    first = run(later)
    ask(later)
    assert run(later).pk == first.pk
    assert Allocation.objects.count() == 1
    assert Event.objects.filter(verb="dispatch_run.done").count() == 2


def test_the_certificate_is_kept(later):
    for _ in range(4):
        ask(later, actor=later.town.person("community_worker"))
    report = run(later)
    assert 0 < report.worth <= report.bound
    assert report.gap < 0.02
    assert (report.worst_before, report.worst_after) == (0, 1)
    assert report.policy_version == DispatchPolicy.current().version


def test_who_may_order_a_run(later):
    official = later.town.person("district_official")
    assert batch.order(key="a", actor=official, area=later.town.district).ordered_by == official
    assert Job.objects.filter(kind=batch.JOB).count() == 1
    batch.order(key="a", actor=official, area=later.town.district)
    assert Job.objects.filter(kind=batch.JOB).count() == 1
    with pytest.raises(NotAllowed):
        batch.order(key="b", actor=later.town.person("community_worker"), area=later.town.district)


def test_the_clock_orders_one_run_for_each_time_of_day(later):
    now = timezone.localtime(db_now())
    DispatchPolicy.objects.create(ask_days_ahead=0, batch_times="00:00")
    first, again = batch.order_due(), batch.order_due()
    assert [row.pk for row in first] == [row.pk for row in again]
    assert first[0].key == f"clock:{later.town.district.pk}:{now:%Y-%m-%d}T00:00"
    DispatchPolicy.objects.create(ask_days_ahead=None, batch_times="00:00")
    assert batch.order_due() == []


def test_what_changed_since_the_read_is_skipped_and_tried_once_more(later, monkeypatch):
    needs = [ask(later) for _ in range(3)]
    plans = batch._plan
    raced = []

    def slow(area):
        found = plans(area)
        if not raced:
            raced.append(dispatch.run(str(needs[0].pk)))
        return found

    monkeypatch.setattr(batch, "_plan", slow)
    report = run(later)
    assert (report.proposed, report.skipped) == (2, 0)
    assert Allocation.objects.filter(status=A.PROPOSED).count() == 3
    assert not live_twice()


def test_without_the_versions_the_race_would_be_lost(later, monkeypatch):
    need = ask(later)
    careless = (
        "SELECT replace(id::text, '-', '') FROM requests_board_resourcerequest"
        " WHERE id = ANY(%s::uuid[]) AND %s IS NOT NULL"
    )
    monkeypatch.setattr(difference, "_LOCK", careless)
    backlog, _, change = batch._plan(later.town.district)
    dispatch.run(str(need.pk))
    with pytest.raises(Exception, match="one_live_per_need"), transaction.atomic():
        difference.apply(backlog, change, 0)


def test_a_slot_that_filled_up_since_the_read_is_left_alone(later):
    only_two_places(later)
    ask(later)
    backlog, _, change = batch._plan(later.town.district)
    ResourceSlot.objects.update(used=1)
    with transaction.atomic():
        written = difference.apply(backlog, change, 0)
    assert (written.made, written.skipped) == (0, 1)
    assert not Allocation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_once_the_second_leaves(later):
    from threading import Thread

    said = []

    def second():
        try:
            run(later, "two")
        except Conflict as error:
            said.append(str(error))
        connection.close()

    with transaction.atomic():
        batch._alone()
        thread = Thread(target=second)
        thread.start()
        thread.join()
    assert said == ["已经有一次统筹在算，请等它算完再点。"]
    assert DispatchRun.objects.get(key="two").done_at is None
    assert run(later, "two").done_at is not None


def test_what_was_held_since_the_read_stays_held_whatever_the_plan_says(later):
    """A hold changes the allocation and not the need, so the need's version alone would not tell."""
    early, late = only_two_places(later)
    ResourceSlot.objects.filter(pk=late.pk).delete()
    need = ask(later)
    dispatch.run(str(need.pk))
    ask(later, urgency="coordinated")
    backlog, _, change = batch._plan(later.town.district)
    Allocation.objects.update(ask_at=db_now())
    assert dispatch.run(str(need.pk)).slot == early
    with transaction.atomic():
        written = difference.apply(backlog, change, 0)
    need.refresh_from_db()
    assert (written.made, written.dropped, written.skipped) == (0, 0, 2)
    assert (need.status, need.allocations.get().status) == (N.MATCHING, A.HELD)
