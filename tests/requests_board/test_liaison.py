"""The partners' page and the link: ours only, one press for each answer, and an old link says what happened."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clockwork.selectors import db_now
from partners.models import Membership, Partner
from requests_board import links
from requests_board.actions import allocations, dispatch, requests
from requests_board.models import Allocation
from requests_board.workflow import AllocationStatus, RequestStatus
from tests import factories
from tests.pool import ask_time_has_come

A = AllocationStatus
PAGE = "/liaison/"


@pytest.fixture
def asked(pool):
    return hold(pool)


def hold(pool):
    need = pool.ask()
    ask_time_has_come(need)
    return dispatch.run(str(need.pk))


@pytest.fixture
def ours(client, pool):
    client.force_login(pool.liaison())
    return client


def press(client, row, step, **form):
    return client.post(reverse("requests_board:liaison_allocation", args=[row.pk, step]), form)


def test_what_waits_for_an_answer_stands_first(ours, asked):
    page = ours.get(PAGE)
    assert [row.pk for row in page.context["waiting"]] == [asked.pk]
    text = page.content.decode()
    assert "等您答复 1 件" in text
    assert "槐荫社区 想请" in text


def test_others_see_nothing_of_it(client, pool, asked):
    client.force_login(pool.liaison(1))
    assert client.get(PAGE).context["waiting"] == []
    for step in ("confirm", "decline", "counter"):
        assert press(client, asked, step, reason="busy").status_code == 404
    asked.refresh_from_db()
    assert asked.status == A.HELD


def test_the_community_cannot_answer_for_the_department(client, pool, asked):
    client.force_login(pool.town.person("community_worker"))
    assert client.get(PAGE).status_code == 403
    assert press(client, asked, "confirm").status_code == 403


def test_yes_is_one_press(ours, asked):
    assert press(ours, asked, "confirm").status_code == 302
    asked.refresh_from_db()
    assert asked.status == A.CONFIRMED
    assert [row.pk for _, rows in ours.get(PAGE).context["weeks"] for row in rows] == [asked.pk]


def test_no_is_one_press_with_a_reason_of_the_list(ours, asked):
    assert press(ours, asked, "decline").status_code == 422
    press(ours, asked, "decline", reason="busy", note="下周可以")
    asked.refresh_from_db()
    assert (asked.status, asked.decline_reason_id, asked.decline_note) == (A.DECLINED, "busy", "下周可以")


def test_another_time_is_one_press_among_our_own_free_ones(ours, pool, asked):
    page = ours.get(PAGE, {"ask": str(asked.pk)})
    times = page.context["times"]
    assert times
    assert {slot.resource_id for slot in times} == {asked.resource_id}
    assert asked.slot_id not in {slot.pk for slot in times}
    press(ours, asked, "counter", slot=times[0].pk)
    asked.refresh_from_db()
    assert (asked.status, asked.slot) == (A.COUNTERED, times[0])


def test_another_resources_time_is_refused(ours, pool, asked):
    foreign = pool.slots(1)[0]
    assert press(ours, asked, "counter", slot=foreign.pk).status_code == 422
    asked.refresh_from_db()
    assert asked.status == A.HELD


def test_a_promise_is_called_off_in_good_time_only(ours, pool, asked):
    press(ours, asked, "confirm")
    asked.slot.starts_at = db_now() + timedelta(minutes=30)
    asked.slot.save()
    late = press(ours, asked, "cancel", reason="车坏了")
    assert late.status_code == 409
    assert "直接打电话" in late.content.decode()


def test_the_month_and_the_pool(ours, pool, asked):
    press(ours, asked, "confirm")
    asked.refresh_from_db()
    month = f"{asked.slot.starts_at:%Y-%m}"
    grid = ours.get("/liaison/month/", {"m": month})
    found = [row.pk for week in grid.context["weeks"] for day in week for row in day.items]
    assert asked.pk in found
    assert ours.get("/liaison/month/", {"m": "nonsense"}).status_code == 200
    pool.ask()
    stock = ours.get("/liaison/pool/").context["stock"]
    assert [(s.resource, s.offered, s.taken, s.waiting) for s in stock] == [(pool.resources[0], 5, 1, 1)]


def test_the_page_costs_the_same_however_much_is_asked(ours, pool, asked):
    def cost():
        with CaptureQueriesContext(connection) as caught:
            assert ours.get(PAGE).status_code == 200
        return len(caught)

    cost()
    few = cost()
    for _ in range(3):
        hold(pool)
    assert cost() == few


# Requests that were handed to us --------------------------------------------------------------------------------------


@pytest.fixture
def firm(pool):
    partner = Partner.objects.create(area=pool.town.community, category="property", name="示例物业", code="W1")
    Membership.objects.create(
        user=factories.user("steward"), partner=partner, role="partner_staff", valid_from="2020-01-01"
    )
    return partner


@pytest.fixture
def handed(pool, firm):
    row = requests.submit_request(area=pool.town.building, text="灯坏了", phone="19900001234")
    return requests.assign(row, partner=firm, actor=pool.town.person("community_worker"))


def note(client, row, step, **form):
    return client.post(reverse("requests_board:liaison_request", args=[row.number, step]), form)


def test_a_firm_signs_and_says_what_it_did(client, pool, firm, handed):
    client.force_login(firm.memberships.get().user)
    page = client.get(PAGE).content.decode()
    assert "灯坏了" in page
    assert "1234" not in page.replace(handed.number, "")
    note(client, handed, "acknowledge")
    assert note(client, handed, "resolve", result="").status_code == 422
    note(client, handed, "resolve", result="换了灯泡")
    handed.refresh_from_db()
    assert (handed.status, handed.result) == (RequestStatus.RESOLVED, "换了灯泡")


def test_a_firm_gives_back_with_a_reason(client, firm, handed):
    client.force_login(firm.memberships.get().user)
    assert note(client, handed, "return", reason=" ").status_code == 422
    note(client, handed, "return", reason="公共路灯归区里")
    handed.refresh_from_db()
    assert (handed.status, handed.handler_partner) == (RequestStatus.ACCEPTED, None)


def test_another_firms_request_is_not_there(client, pool, handed):
    client.force_login(pool.liaison())
    assert note(client, handed, "acknowledge").status_code == 404


# The link -------------------------------------------------------------------------------------------------------------


def test_looking_at_the_link_changes_nothing(client, asked):
    page = client.get(links.answer_url(asked))
    assert page.status_code == 200
    assert "能来" in page.content.decode()
    asked.refresh_from_db()
    assert asked.status == A.HELD


@pytest.mark.parametrize(
    ("form", "status"),
    [({"answer": "confirm"}, A.CONFIRMED), ({"answer": "decline", "reason": "busy"}, A.DECLINED), (None, A.COUNTERED)],
)
def test_the_link_takes_each_answer_once_and_then_says_so(client, pool, asked, form, status):
    form = form or {"answer": "counter", "slot": pool.slots()[4].pk}
    address = links.answer_url(asked)
    assert client.post(address, form).status_code == 302
    asked.refresh_from_db()
    assert asked.status == status
    again = client.post(address, {"answer": "decline", "reason": "busy"})
    assert "已经" in again.content.decode() or "等社区定" in again.content.decode()
    asked.refresh_from_db()
    assert asked.status == status


def test_an_expired_link_says_so_with_a_way_out(client, asked):
    address = links.answer_url(asked)
    Allocation.objects.filter(pk=asked.pk).update(answer_due_at=db_now() - timedelta(seconds=1))
    for answer in (client.get(address), client.post(address, {"answer": "confirm"})):
        assert answer.status_code == 410
        assert "过了答复时间" in answer.content.decode()
        assert "/liaison/" in answer.content.decode()
    asked.refresh_from_db()
    assert asked.status == A.HELD
    allocations.expire(asked)
    assert client.get(address).status_code == 410


def test_a_link_of_an_earlier_asking_is_dead(client, asked):
    address = links.answer_url(asked)
    Allocation.objects.filter(pk=asked.pk).update(asks=2)
    assert client.post(address, {"answer": "confirm"}).status_code == 410


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1] + ("b" if t[-1] == "a" else "a"), lambda t: "x", lambda t: t.replace("-1-", "-2-")],
)
def test_a_guessed_link_is_not_there(client, asked, change):
    token = links.answer_token(asked)
    assert client.get(reverse("requests_board:answer", args=[change(token)])).status_code == 404
