"""A form that comes twice, by a double tap or by going back, makes one row; other words make another."""

import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from audit.models import Event
from clockwork.selectors import db_now
from common.errors import StepNotAllowed
from notifications.handlers import tell_the_place
from notifications.models import Notice
from requests_board.actions import dispatch, requests
from requests_board.links import form_key, read_form_key
from requests_board.models import ResourceRequest, ServiceRequest
from requests_board.selectors import free_slots
from tests.pool import ask_time_has_come

KEY = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
def worker(pool):
    return pool.town.person("community_worker")


def key_on(client, address):
    return KEY.search(client.get(address).content.decode())[1]


def report(client, pool, key, text="三楼的灯坏了"):
    return client.post("/report/", {"place": pool.town.building.pk, "text": text, "once": key})


def test_a_report_sent_twice_is_one_report(client, pool):
    key = key_on(client, f"/report/?place={pool.town.building.pk}")
    first, second = report(client, pool, key), report(client, pool, key)
    assert first.status_code == 302
    assert first["Location"] == second["Location"]
    assert ServiceRequest.objects.count() == 1
    other = report(client, pool, key, text="电梯也坏了")
    assert other["Location"] != first["Location"]
    assert ServiceRequest.objects.count() == 2


def test_what_was_added_later_does_not_make_the_same_form_another_one(client, pool):
    key = form_key()
    report(client, pool, key)
    row = ServiceRequest.objects.get()
    ServiceRequest.objects.filter(pk=row.pk).update(text=f"{row.text}\n补充：四楼也是")
    report(client, pool, key)
    assert ServiceRequest.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x", "0" * 32, f"{'0' * 32}-{'a' * 26}", "²", "{other}"])
def test_nobody_reaches_a_request_by_a_key_that_we_did_not_give(client, pool, key):
    """The id of a request is no secret; only with our signature does it stand for a form."""
    row = requests.submit_request(area=pool.town.building, text="三楼的灯坏了")
    answer = report(client, pool, key.format(other=f"{row.pk.hex}-{'a' * 26}"))
    assert row.number not in answer["Location"]
    assert ServiceRequest.objects.count() == 2


def test_a_mistake_keeps_the_forms_key(client, pool):
    key = form_key()
    answer = client.post("/report/", {"place": pool.town.building.pk, "text": "", "once": key})
    assert KEY.search(answer.content.decode())[1] == key
    assert read_form_key(key).hex == key[:32]


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_are_one_report(pool):
    gate, made, key = threading.Barrier(6), [], uuid4()

    def press():
        gate.wait()
        made.append(requests.submit_once(key, area=pool.town.building, text="三楼的灯坏了").pk)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [key] * 6
    assert ServiceRequest.objects.count() == 1


def test_without_a_key_each_press_is_a_report(client, pool):
    """The control: what holds the second press back is the key."""
    report(client, pool, "")
    report(client, pool, "")
    assert ServiceRequest.objects.count() == 2


def test_a_call_written_down_twice_is_one_request(client, pool, worker):
    client.force_login(worker)
    form = {"text": "楼上漏水", "area": str(pool.town.community), "channel": "phone"}
    form["once"] = key_on(client, "/desk/new/")
    assert {client.post("/desk/new/", form).status_code for _ in range(2)} == {302}
    assert ServiceRequest.objects.count() == 1


def test_a_need_pressed_twice_is_one_need(client, pool, worker):
    client.force_login(worker)
    day = (db_now() + timedelta(days=2)).date()
    form = {"type": pool.type.pk, "quantity": 1, "first_day": day, "last_day": day + timedelta(days=3)}
    form |= {"area": str(pool.town.community), "once": key_on(client, "/desk/need/")}
    assert {client.post("/desk/need/", form).status_code for _ in range(2)} == {302}
    assert ResourceRequest.objects.count() == 1
    client.post("/desk/need/", form | {"quantity": 2})
    assert ResourceRequest.objects.count() == 2


@pytest.mark.parametrize("taken", [False, True])
def test_the_same_button_of_a_request_asks_the_pool_once(client, pool, worker, taken):
    row = requests.submit_request(area=pool.town.building, text="想听法律讲座")
    row = requests.take(row, actor=worker) if taken else row
    client.force_login(worker)
    day = (db_now() + timedelta(days=2)).date()
    form = {"type": pool.type.pk, "quantity": 1, "first_day": day, "last_day": day, "version": row.version}
    address = reverse("requests_board:request_step", args=[row.number, "need"])
    assert [client.post(address, form).status_code for _ in range(2)] == [302, 409]
    assert ResourceRequest.objects.count() == 1


def test_what_the_partner_has_signed_for_is_not_pulled_back(pool, worker):
    row = requests.submit_request(area=pool.town.building, text="灯坏了")
    row = requests.assign(row, partner=pool.departments[0], actor=worker)
    row = requests.acknowledge(row, actor=pool.liaisons[0])
    with pytest.raises(StepNotAllowed, match="签收"):
        requests.recall(row, actor=worker)


def test_no_other_time_is_offered_before_the_community_is_ready(pool):
    need = pool.ask(window_start=db_now() + timedelta(days=3))
    ask_time_has_come(need)
    held = dispatch.run(str(need.pk))
    assert free_slots(held)
    assert all(slot.starts_at >= need.window_start for slot in free_slots(held))


def test_the_place_learns_that_the_resident_took_it_back(pool):
    row = requests.submit_request(area=pool.town.building, text="灯坏了")
    requests.withdraw(row, actor=requests.resident(row))
    tell_the_place(Event.objects.get(verb="request.withdrawn"))
    assert Notice.objects.filter(title__contains="居民撤回").exists()
