"""Of what kind a request is: guessed from its sentence, chosen by the resident, set right at the desk."""

from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import Event
from clockwork.selectors import deadline, due_at
from common.errors import Conflict, NotAllowed, StepNotAllowed
from hedong import basics
from partners.models import Partner
from requests_board.actions import requests
from requests_board.models import NotAcceptedReason, RequestCategory, ServiceRequest
from requests_board.workflow import REQUEST_TERMINAL, RequestStatus
from tests import factories

R = RequestStatus
LAMP, LIFT, TRAPPED = "010103", "020101", "020102"
PLAIN = {
    "三楼的灯不亮了": LAMP, "灯坏了没人管": LAMP, "电梯停了": LIFT, "电梯里有人被困": TRAPPED, "停水两天了": "030101",
    "天花板漏水": "020201", "垃圾没人收": "040101", "没地方停车": "060101", "楼上噪音太大": "040301",
    "家里暖气不热": "030401", "物业不管事": "010101", "物业费太贵": "010102", "下水道堵了": "030501",
    "停电了": "030201", "有煤气味": "030301", "井盖坏了": "050301", "路灯不亮": "050302", "遛狗不牵绳": "080201",
    "消防通道被堵": "060102", "电动车在楼道充电": "060201", "和邻居吵架了，想请人调解": "080101",
}  # fmt: skip


@pytest.fixture
def catalogue(pool):
    basics.load_categories()
    return {row.pk: row for row in RequestCategory.objects.all()}


@pytest.fixture
def say(pool, catalogue):
    return lambda text="问一件事", **more: requests.submit_request(area=pool.town.building, text=text, **more)


@pytest.fixture
def worker(pool):
    return pool.town.person("community_worker")


def classified(row):
    return Event.objects.filter(verb="request.classified", target_id=str(row.pk))


# The guess ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "code"), PLAIN.items())
def test_a_plain_sentence_names_its_kind(say, text, code):
    assert say(text).category_id == code


@pytest.mark.parametrize("text", ["你好，在吗", "下楼困难", "狗吵"])
def test_where_nothing_fits_or_two_fit_alike_nothing_is_guessed(say, text):
    assert say(text).category is None


def test_every_kind_can_be_guessed_and_every_bracket_is_full(catalogue):
    assert len(catalogue) > 40
    for row in catalogue.values():
        assert row.keywords.split(), row
        assert len(row.keywords) <= 200, row
        assert not set("(),") & set(row.name + row.keywords), row


def test_a_kind_that_is_not_in_use_is_not_guessed(say):
    RequestCategory.objects.filter(pk=LAMP).update(active=False)
    assert say("灯不亮").category is None


def test_what_the_resident_chose_stands(say, catalogue):
    row = say("灯不亮", category=catalogue[LIFT])
    assert row.category_id == LIFT
    assert "guessed" not in Event.objects.get(target_id=str(row.pk)).data


def test_the_guess_sets_the_limit_and_the_trail_calls_it_a_guess(say, catalogue):
    row = say("电梯里有人被困")
    assert timedelta(0) < row.resolve_due_at - row.created_at <= timedelta(hours=1, seconds=5)
    data = Event.objects.get(verb="request.submitted", target_id=str(row.pk)).data
    assert data == {"version": 1, "guessed": TRAPPED}
    assert "guessed" not in Event.objects.get(target_id=str(say().pk)).data


# The desk's word ------------------------------------------------------------------------------------------------------


def test_a_new_kind_counts_the_limit_anew_from_when_it_came_in(say, worker, catalogue):
    row = say()
    accepting = row.due_at
    row = requests.classify(row, category=catalogue[LIFT], actor=worker, version=1)
    assert (row.category_id, row.version, row.due_at) == (LIFT, 2, accepting)
    assert row.resolve_due_at == row.created_at + timedelta(hours=24)
    event = classified(row).get()
    assert (event.before, event.after, event.actor_id) == (R.SUBMITTED, R.SUBMITTED, worker.pk)
    assert event.data == {"version": 2, "category_before": "", "category_after": LIFT}
    again = requests.classify(row, category=catalogue[LAMP], actor=worker)
    assert classified(row).order_by("id").last().data["category_before"] == LIFT
    assert again.resolve_due_at == due_at(row.created_at, catalogue[LAMP].limit_amount, catalogue[LAMP].limit_unit)


def test_once_it_is_taken_on_what_is_due_follows(say, worker, catalogue):
    row = requests.take(say(), actor=worker)
    assert row.due_at == row.resolve_due_at
    row = requests.classify(row, category=catalogue[LIFT], actor=worker)
    assert row.due_at == row.resolve_due_at == row.created_at + timedelta(hours=24)


@pytest.mark.parametrize("status", [R.SUBMITTED, R.RESOLVED, R.REOPENED])
def test_where_something_else_is_due_it_stays_due(say, worker, catalogue, status):
    row = say()
    ServiceRequest.objects.filter(pk=row.pk).update(status=status, due_at=row.resolve_due_at)
    assert requests.classify(row, category=catalogue[LIFT], actor=worker).due_at == row.resolve_due_at


def test_what_is_urgent_stays_as_urgent(say, worker, catalogue):
    row = requests.classify(say(severity="urgent"), category=catalogue[LAMP], actor=worker)
    assert row.resolve_due_at == deadline("request.resolve_urgent", row.created_at)


def test_the_same_kind_once_more_is_no_event(say, worker, catalogue):
    row = requests.classify(say("灯不亮"), category=catalogue[LAMP], actor=worker)
    assert row.version == 1
    assert not classified(row).exists()


@pytest.mark.parametrize("status", REQUEST_TERMINAL)
def test_at_its_end_a_request_keeps_its_kind(say, worker, catalogue, status):
    basics.load_reasons()
    row = say("灯不亮")
    reason = NotAcceptedReason.objects.first() if status == R.NOT_ACCEPTED else None
    ServiceRequest.objects.filter(pk=row.pk).update(status=status, not_accepted_reason=reason)
    with pytest.raises(StepNotAllowed):
        requests.classify(row, category=catalogue[LIFT], actor=worker)
    row.refresh_from_db()
    assert row.category_id == LAMP


def test_whoever_does_not_handle_it_or_is_slower_is_refused(say, pool, worker, catalogue):
    row = say()
    strangers = (
        factories.user(), pool.town.person("building_leader"), pool.town.person("neighbour_worker"),
        requests.resident(row),
    )  # fmt: skip
    for stranger in strangers:
        with pytest.raises(NotAllowed):
            requests.classify(row, category=catalogue[LIFT], actor=stranger)
    requests.classify(row, category=catalogue[LIFT], actor=worker, version=1)
    with pytest.raises(Conflict):
        requests.classify(row, category=catalogue[LAMP], actor=worker, version=1)


# The desk's page ------------------------------------------------------------------------------------------------------


def press(client, row, **form):
    address = reverse("requests_board:request_step", args=[row.number, "classify"])
    return client.post(f"{address}?f=assign", {"version": row.version, **form})


def test_two_clicks_at_the_desk_and_the_same_request_stays_open(client, say, worker):
    client.force_login(worker)
    row = say()
    page = client.get("/desk/", {"open": row.number}).content.decode()
    assert "还没分类，选一个" in page
    assert f'<option value="{LAMP}">' in page
    answer = press(client, row, category=LAMP)
    assert answer.headers["Location"] == f"/desk/?f=assign&open={row.number}"
    page = client.get(answer.headers["Location"]).content.decode()
    assert f'<option value="{LAMP}" selected>' in page
    assert "定为“楼道照明”" in page
    assert "按原话猜的" not in page


def test_a_guess_is_called_one_until_somebody_says_otherwise(client, say, worker, catalogue):
    client.force_login(worker)
    row = say("灯不亮")
    assert "按原话猜的，不对请改" in client.get("/desk/", {"open": row.number}).content.decode()
    requests.classify(row, category=catalogue[LIFT], actor=worker)
    assert "按原话猜的" not in client.get("/desk/", {"open": row.number}).content.decode()


@pytest.mark.parametrize("category", ["", "999999", TRAPPED])
def test_what_is_no_kind_in_use_is_refused_in_words(client, say, worker, category):
    client.force_login(worker)
    RequestCategory.objects.filter(pk=TRAPPED).update(active=False)
    row = say()
    answer = press(client, row, category=category)
    assert answer.status_code == 422
    assert "请选一个类别" in answer.content.decode()
    row.refresh_from_db()
    assert row.category is None


def test_who_is_slower_at_the_desk_reads_so(client, say, worker, catalogue):
    client.force_login(worker)
    row = say()
    requests.classify(row, category=catalogue[LIFT], actor=worker)
    answer = press(client, row, category=LAMP)
    assert answer.status_code == 409
    assert "您慢了一步" in answer.content.decode()


def test_it_is_offered_to_who_handles_it_and_while_it_is_open(client, say, pool, worker):
    row = say("灯不亮")
    client.force_login(worker)
    assert client.get("/desk/", {"open": row.number}).context.get("kinds")
    client.force_login(pool.town.person("building_leader"))
    assert client.get("/desk/", {"open": row.number}).context.get("kinds") is None
    requests.withdraw(row, actor=requests.resident(row))
    client.force_login(worker)
    page = client.get("/desk/", {"open": row.number})
    assert page.status_code == 200
    assert page.context.get("kinds") is None


def test_the_default_handlers_of_the_guess_are_offered(client, say, pool, worker, catalogue):
    name = catalogue["030101"].default_handlers
    firm = Partner.objects.create(area=pool.town.district, category="business", name=name, code="W9")
    client.force_login(worker)
    for text, offered in (("停水两天了", [firm]), ("问一件事", [])):
        page = client.get("/desk/", {"open": say(text).number})
        assert [handler.partner for handler in page.context["handlers"]] == offered
