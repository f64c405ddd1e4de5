"""A resident's request from the sentence to the file: who may do what, and what is refused in words."""

import re
from datetime import timedelta

import pytest
from django.db.models import F

from audit.models import Event
from clockwork.selectors import db_now
from common.errors import Conflict, Invalid, NotAllowed, StepNotAllowed
from partners.models import Membership, Partner
from requests_board import links
from requests_board.actions import allocations, dispatch, needs, requests, timers
from requests_board.models import RequestCategory, ServiceRequest
from requests_board.permissions import ENGINE, LinkHolder
from requests_board.workflow import RequestStatus
from tests import factories
from tests.pool import ask_time_has_come

R = RequestStatus


@pytest.fixture
def lamp(pool):
    return requests.submit_request(
        area=pool.town.building, text="二单元三楼的灯坏了", channel="qr", phone="19900001234"
    )


@pytest.fixture
def firm(pool):
    partner = Partner.objects.create(area=pool.town.community, category="property", name="示例物业", code="W1")
    Membership.objects.create(
        user=factories.user("steward"), partner=partner, role="partner_staff", valid_from="2020-01-01"
    )
    return partner


@pytest.fixture
def steward(firm):
    return firm.memberships.get().user


@pytest.fixture
def worker(pool):
    return pool.town.person("community_worker")


def test_a_sentence_is_enough(pool):
    made = requests.submit_request(area=pool.town.building, text=" 灯  坏了 ")
    assert made.text == "灯 坏了"
    assert re.fullmatch(r"\d{4}-[2-9A-HJKMNP-TV-Z]{5}", made.number)
    assert made.due_at > db_now()
    assert made.scope_path == pool.town.building.scope_path
    event = Event.objects.get(verb="request.submitted")
    assert (event.actor_label, event.target_id) == ("居民", str(made.pk))


@pytest.mark.parametrize(("text", "words"), [("  ", "请写一句话"), ("长" * 501, "最多写 500 个字")])
def test_what_is_missing_or_too_long_is_said_in_words(pool, text, words):
    with pytest.raises(Invalid, match=words) as refusal:
        requests.submit_request(area=pool.town.building, text=text)
    assert refusal.value.field == "text"
    assert not ServiceRequest.objects.exists()


def test_an_urgent_matter_is_due_sooner_and_a_category_sets_its_own_limit(pool):
    category = RequestCategory.objects.create(
        code="010101", l1="物业", l2="物业", name="电梯", limit_amount=8, limit_unit="natural_hour"
    )
    plain = requests.submit_request(area=pool.town.building, text="问一问")
    lift = requests.submit_request(area=pool.town.building, text="电梯坏了", category=category)
    urgent = requests.submit_request(area=pool.town.building, text="电梯困人了", severity="urgent")
    assert urgent.resolve_due_at < lift.resolve_due_at < plain.resolve_due_at


def test_the_link_opens_one_request_only_and_dies_with_its_version(lamp, pool):
    other = requests.submit_request(area=pool.town.building, text="门坏了")
    mac = links.tracking_mac(lamp)
    assert links.tracking_holds(lamp, mac)
    assert not links.tracking_holds(other, mac)
    lamp.link_version += 1
    assert not links.tracking_holds(lamp, mac)


def test_the_answer_link_names_one_asking(pool):
    need = pool.ask(urgency="urgent")
    allocation = dispatch.run(str(need.pk))
    token = links.answer_token(allocation)
    assert links.read_answer_token(token) == (str(allocation.pk), 1)
    assert links.read_answer_token(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert links.read_answer_token(token.replace("-1-", "-2-")) is None
    assert links.read_answer_token("junk") is None
    allocation.asks = 2
    assert links.answer_token(allocation) != token


def test_the_worker_takes_resolves_and_the_resident_confirms(lamp, worker):
    taken = requests.take(lamp, actor=worker)
    assert (taken.status, taken.handler_user) == (R.IN_PROGRESS, worker)
    with pytest.raises(Invalid):
        requests.resolve(taken, actor=worker, result="")
    done = requests.resolve(taken, actor=worker, result="换了新灯")
    closed = requests.confirm_ok(done, actor=requests.resident(done), rating="good")
    assert (closed.status, closed.rating, closed.due_at) == (R.CLOSED, "good", None)
    verbs = list(Event.objects.filter(target_id=str(lamp.pk)).order_by("id").values_list("verb", flat=True))
    assert verbs == [
        "request.submitted", "request.accepted", "request.assigned", "request.acknowledged",
        "request.resolved", "request.confirmed",
    ]  # fmt: skip


def test_the_property_firm_signs_returns_or_resolves(lamp, worker, firm, steward):
    assigned = requests.assign(lamp, partner=firm, actor=worker)
    with pytest.raises(Invalid):
        requests.return_order(assigned, actor=steward, reason="")
    back = requests.return_order(assigned, actor=steward, reason="这段路归市政管")
    assert (back.status, back.handler_partner, back.returns) == (R.ACCEPTED, None, 1)
    with pytest.raises(NotAllowed):
        requests.acknowledge(requests.assign(back, partner=firm, actor=worker), actor=factories.user())
    lamp.refresh_from_db()
    signed = requests.acknowledge(lamp, actor=steward)
    assert requests.resolve(signed, actor=steward, result="修好了").status == R.RESOLVED


def test_not_yet_done_opens_it_again_and_only_then_may_it_be_explained_away(lamp, worker):
    for _ in range(2):
        lamp = requests.resolve(requests.take(lamp, actor=worker), actor=worker, result="修了")
        lamp = requests.dissatisfied(lamp, actor=requests.resident(lamp), reason="还是不亮")
        if lamp.reopens == 1:
            with pytest.raises(StepNotAllowed):
                requests.final_answer(lamp, actor=worker, result="线路老化，要等改造")
    closed = requests.final_answer(lamp, actor=worker, result="线路老化，已排进九月的改造")
    assert (closed.status, closed.rating) == (R.CLOSED, "none")


def test_handing_over_can_be_undone_for_ten_seconds(lamp, worker, firm):
    assigned = requests.assign(lamp, partner=firm, actor=worker)
    assert requests.recall(assigned, actor=worker).status == R.ACCEPTED
    assigned = requests.assign(ServiceRequest.objects.get(pk=lamp.pk), partner=firm, actor=worker)
    ServiceRequest.objects.filter(pk=lamp.pk).update(assigned_at=F("assigned_at") - timedelta(seconds=11))
    with pytest.raises(StepNotAllowed, match="10 秒"):
        requests.recall(ServiceRequest.objects.get(pk=lamp.pk), actor=worker)


def test_two_people_on_one_version_one_is_told(lamp, worker):
    requests.accept(lamp, actor=worker, version=lamp.version)
    with pytest.raises(Conflict):
        requests.take(ServiceRequest.objects.get(pk=lamp.pk), actor=worker, version=lamp.version)


def test_people_of_other_places_and_strangers_are_refused(lamp, pool):
    for name in (
        "far_worker",
        "neighbour_worker",
        "auditor",
        "system_admin",
        "district_official",
        "outsider",
    ):
        with pytest.raises(NotAllowed):
            requests.accept(lamp, actor=pool.town.person(name))
    with pytest.raises(NotAllowed):
        requests.withdraw(lamp, actor=LinkHolder("another", "居民"))
    with pytest.raises(NotAllowed):
        requests.accept(lamp, actor=requests.resident(lamp))


def test_what_is_not_ours_comes_with_a_referral(lamp, worker, pool):
    refused = requests.not_accept(lamp, actor=worker, reason=pool.not_ours)
    assert (refused.status, refused.result) == (R.NOT_ACCEPTED, "请打 122。")


def test_a_neighbour_joins_once(lamp):
    requests.echo(lamp, sender_key="a" * 64)
    with pytest.raises(Conflict, match="我们都记着"):
        requests.echo(lamp, sender_key="a" * 64)
    assert lamp.echoes.count() == 1


def test_silence_closes_without_a_rating(lamp, worker):
    requests.solve_on_spot(lamp, actor=worker, result="当场换好")
    assert timers.write_due_jobs() == 0
    ServiceRequest.objects.update(due_at=F("created_at"))
    assert timers.write_due_jobs() == 1
    timers.auto_close(str(lamp.pk))
    timers.auto_close(str(lamp.pk))
    lamp.refresh_from_db()
    assert (lamp.status, lamp.rating) == (R.CLOSED, "none")


def test_a_request_becomes_a_need_and_is_resolved_with_it(lamp, worker, pool):
    need = pool.ask(service_request=lamp, actor=worker, urgency="urgent")
    lamp.refresh_from_db()
    assert (lamp.status, lamp.handler_user) == (R.IN_PROGRESS, worker)
    allocation = allocations.confirm(dispatch.run(str(need.pk)), actor=pool.liaison())
    span = (allocation.slot.starts_at - db_now()) * 2
    type(allocation.slot).objects.filter(pk=allocation.slot_id).update(starts_at=F("starts_at") - span)
    allocation = allocations.mark_delivered(allocation, actor=pool.liaison())
    allocations.evaluate(allocation, actor=worker, rating="good")
    lamp.refresh_from_db()
    assert lamp.status == R.RESOLVED
    assert "示例部门1" in lamp.result


def test_undoing_the_need_leaves_the_request_to_be_dispatched(lamp, worker, pool):
    need = pool.ask(service_request=lamp, actor=worker)
    needs.undo(need, actor=worker)
    lamp.refresh_from_db()
    assert (lamp.status, lamp.handler_user) == (R.ACCEPTED, None)
    again = pool.ask(service_request=lamp, actor=worker)
    ask_time_has_come(again)
    with pytest.raises(StepNotAllowed):
        needs.undo(again, actor=worker)


def test_rows_are_seen_by_scope_and_by_membership(lamp, pool, worker, firm, steward):
    def seen(user):
        return ServiceRequest.objects.visible_to(user).filter(pk=lamp.pk).exists()

    for name in ("community_worker", "street_worker", "district_official", "grid_worker", "building_leader"):
        assert seen(pool.town.person(name)), name
    for name in ("far_worker", "neighbour_worker", "auditor", "outsider"):
        assert not seen(pool.town.person(name)), name
    assert not seen(steward)
    requests.assign(lamp, partner=firm, actor=worker)
    assert seen(type(steward).objects.get(pk=steward.pk))


def test_the_engine_may_not_be_played_by_a_person(lamp, worker):
    done = requests.solve_on_spot(lamp, actor=worker, result="好了")
    with pytest.raises(NotAllowed):
        requests.auto_close(done, actor=worker)
    assert requests.auto_close(done, actor=ENGINE).status == R.CLOSED
