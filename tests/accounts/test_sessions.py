"""Sessions end: after a rest, after a day's work, and at once when password or posts change."""

import time

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts import actions
from accounts.middleware import BORN, SEEN
from accounts.models import User
from audit.models import Event
from tests.factories import PASSWORD

DOOR = "/password/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def worker():
    return User.objects.create_user("worker", PASSWORD, display_name="演示工作人员")


@pytest.fixture
def signed_in(worker):
    client = Client()
    client.post("/login/", {"username": "worker", "password": PASSWORD})
    assert client.get(DOOR).status_code == 200
    return client


def copy(client):
    """Return a browser that holds the same cookie."""
    thief = Client()
    thief.cookies["sessionid"] = client.cookies["sessionid"].value
    return thief


def age(client, stamp, seconds):
    session = client.session
    session[stamp] = time.time() - seconds
    session.save()


def test_a_rest_of_half_an_hour_ends_it(signed_in):
    age(signed_in, SEEN, 29 * 60)
    assert signed_in.get(DOOR).status_code == 200
    age(signed_in, SEEN, 31 * 60)
    response = signed_in.get(DOOR, follow=True)
    assert response.redirect_chain == [(f"/login/?next={DOOR}".replace("/password/", "%2Fpassword%2F"), 302)]
    assert "有一阵没有操作" in response.content.decode()
    assert Event.objects.filter(verb="account.signed_out").exists()


def test_being_seen_prolongs_it(signed_in):
    for _ in range(4):
        age(signed_in, SEEN, 20 * 60)
        assert signed_in.get(DOOR).status_code == 200
    assert time.time() - signed_in.session[SEEN] < 60


def test_twelve_hours_end_it_in_any_case(signed_in):
    age(signed_in, BORN, 12 * 3600 - 60)
    assert signed_in.get(DOOR).status_code == 200
    age(signed_in, BORN, 12 * 3600 + 60)
    response = signed_in.get(DOOR, follow=True)
    assert "满 12 小时" in response.content.decode()


def test_a_session_that_is_over_is_gone_from_the_table(signed_in):
    key = signed_in.session.session_key
    age(signed_in, SEEN, 31 * 60)
    signed_in.get(DOOR)
    assert not Session.objects.filter(pk=key).exists()


def test_scripts_get_401_and_fragments_a_way(signed_in):
    age(signed_in, SEEN, 31 * 60)
    thief = copy(signed_in)
    assert signed_in.get(DOOR, headers={"accept": "application/json"}).status_code == 401
    assert thief.get(DOOR, headers={"hx-request": "true"})["HX-Redirect"].startswith("/login/")


def test_reading_does_not_write_each_time(signed_in, django_assert_num_queries):
    signed_in.get(DOOR)
    before = Session.objects.get(pk=signed_in.session.session_key).session_data
    signed_in.get(DOOR)
    assert Session.objects.get(pk=signed_in.session.session_key).session_data == before


def test_the_cookie(signed_in):
    cookie = signed_in.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"], "it ends with the browser"


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(signed_in):
    thief = copy(signed_in)
    assert thief.get(DOOR).status_code == 200, "control: until then it opens the door"
    signed_in.post("/logout/")
    assert thief.get(DOOR).status_code == 302


def test_a_new_password_ends_all_others(signed_in, worker):
    thief = copy(signed_in)
    elsewhere = Client()
    elsewhere.post("/login/", {"username": "worker", "password": PASSWORD})
    answer = signed_in.post(DOOR, {"old_password": PASSWORD, "new_password": "Neu-2026-gut!", "again": "Neu-2026-gut!"})
    assert answer["Location"] == reverse("accounts:home")
    assert signed_in.get(DOOR).status_code == 200
    assert thief.get(DOOR).status_code == 302
    assert elsewhere.get(DOOR).status_code == 302


def test_a_change_of_posts_ends_them(signed_in, worker):
    actions.end_sessions(worker, reason="post")
    assert signed_in.get(DOOR).status_code == 302
    assert Event.objects.get(verb="account.sessions_ended").target_id == str(worker.pk)


def test_a_closed_account_is_out_at_once(signed_in, worker):
    actions.set_active(worker, active=False, actor=None)
    assert signed_in.get(DOOR).status_code == 302
    actions.set_active(worker, active=True, actor=None)
    assert signed_in.get(DOOR).status_code == 302, "opening it again does not bring the session back"


def test_the_key_changes_at_sign_in(worker):
    client = Client()
    client.get("/login/")
    session = client.session
    session["x"] = 1
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    client.post("/login/", {"username": "worker", "password": PASSWORD})
    assert client.session.session_key != planted


def test_a_temporary_password_has_to_be_changed_first(signed_in, worker):
    password = actions.reset_password(worker, actor=None)
    assert signed_in.get(DOOR).status_code == 302
    client = Client()
    assert client.post("/login/", {"username": "worker", "password": password}).status_code == 302
    assert client.get("/home/")["Location"] == DOOR
    assert client.get("/home/", headers={"accept": "application/json"}).status_code == 403
    assert client.get("/home/", headers={"hx-request": "true"})["HX-Redirect"] == DOOR
    assert "临时密码" in client.get(DOOR).content.decode()
    client.post(DOOR, {"old_password": password, "new_password": "Neu-2026-gut!", "again": "Neu-2026-gut!"})
    assert client.get("/home/").status_code == 200
    assert not User.objects.get().must_change_password


def test_a_person_without_a_post_is_told_whom_to_ask(signed_in):
    assert "还没有开通岗位" in signed_in.get("/home/").content.decode()


def test_everybody_comes_to_their_own_door(town, client):
    doors = {"community_worker": "/desk/", "district_official": "/district/", "system_admin": "/admin/"}
    for name, door in doors.items():
        client.force_login(getattr(town, name))
        assert client.get("/home/")["Location"] == door, name


def test_officers_are_led_to_the_rooms_that_they_keep(town, client):
    for name in ("security_admin", "auditor"):
        client.force_login(town.person(name))
        assert client.get("/home/")["Location"] == "/admin/", name


def test_a_form_sent_too_late_leads_back_to_its_page(client):
    answer = client.post("/inbox/read-all/", headers={"referer": "http://testserver/inbox/?before=9"})
    assert answer["Location"] == "/login/?next=%2Finbox%2F%3Fbefore%3D9"
    assert "登录以后回到刚才那一页" in client.get(answer["Location"]).content.decode()
    stranger = client.post("/inbox/read-all/", headers={"referer": "http://elsewhere.example/"})
    assert stranger["Location"] == "/login/"


def test_an_address_of_a_button_answers_with_a_way_out(signed_in):
    answer = signed_in.get("/logout/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "再点一次按钮" in answer.content.decode()
