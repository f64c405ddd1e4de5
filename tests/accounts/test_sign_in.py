"""Signing in: by name or phone, the same answer for strangers, and no way to guess or to lock others out."""

import threading

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from accounts import brake
from accounts.models import KnownAddress, SignInBrake, User
from audit.models import Event
from tests.factories import PASSWORD

LOGIN, PHONE = "/login/", "19900001234"
pytestmark = pytest.mark.django_db


@pytest.fixture
def worker():
    return User.objects.create_user("worker", PASSWORD, display_name="演示工作人员", phone=PHONE)


def attempt(name, password, address="10.1.1.1", forwarded=None, client=None):
    headers = {"REMOTE_ADDR": address}
    if forwarded is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    client = client or Client()
    response = client.post(LOGIN, {"username": name, "password": password}, **headers)
    response.signed_in = "_auth_user_id" in client.session
    return response


def expire_waits():
    """Move the waits into the past: only the database's clock counts."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_signinbrake SET next_at = statement_timestamp() - interval '1 second'")


def unlock_pairs():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM axes_accessattempt")


@pytest.mark.parametrize("name", ["worker", PHONE, "199 0000 1234", "+86 199-0000-1234", " worker "])
def test_name_or_phone(worker, name):
    response = attempt(name, PASSWORD)
    assert response.signed_in
    assert response["Location"] == reverse("accounts:home")
    assert Event.objects.get(verb="account.signed_in").actor_id == worker.pk


def test_closed_accounts_stay_out(worker):
    User.objects.update(is_active=False)
    assert not attempt("worker", PASSWORD).signed_in


def test_the_way_back_is_not_kept_when_a_password_was_wrong(worker):
    form = {"username": "worker", "password": "wrong", "next": "/desk/?q=13800001111"}
    assert Client().post(f"{LOGIN}?next=/desk/%3Fq%3D13800001111", form).status_code == 422
    with connection.cursor() as cursor:
        cursor.execute("SELECT json_agg(a)::text FROM axes_accessattempt a")
        (kept,) = cursor.fetchone()
    assert "/login/" in kept
    assert "13800001111" not in kept


def test_whoever_is_signed_in_is_led_on_by_any_word(worker):
    client = Client()
    attempt("worker", PASSWORD, client=client)
    assert client.get(LOGIN, {"next": "1"})["Location"] == "1"


def test_the_page_leads_back_and_only_to_ourselves(worker):
    for wanted, leads in (("/desk/", "/desk/"), ("https://evil.example/", "/home/"), ("//evil.example/", "/home/")):
        response = Client().post(LOGIN, {"username": "worker", "password": PASSWORD, "next": wanted})
        assert response["Location"] == leads


def test_strangers_get_the_same_answer(worker):
    def body(name):
        response = attempt(name, "Falsch-2026-nein", address=f"10.2.0.{len(name)}")
        text = response.content.decode().replace(name, "NAME")
        token = response.context["csrf_token"]
        return response.status_code, text.replace(str(token), "TOKEN")

    assert body("worker") == body("nobody-here")


def test_strangers_cost_as_many_hashes(worker, monkeypatch):
    from django.contrib.auth import hashers

    counted = []
    real = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", lambda *a, **k: counted.append(1) or real(*a, **k))
    costs = []
    for name in ("worker", "nobody-here"):
        counted.clear()
        attempt(name, "Falsch-2026-nein", address=f"10.3.0.{len(name)}")
        costs.append(len(counted))
    assert costs[0] == costs[1] == 1


def test_the_fifth_mistake_locks_the_pair(worker):
    answers = [attempt("worker", f"Falsch-2026-{n}").status_code for n in range(5)]
    assert answers == [422] * 4 + [429]
    locked = attempt("worker", PASSWORD)
    assert locked.status_code == 429
    assert not locked.signed_in
    assert "15 分钟" in locked.content.decode()


def test_strangers_are_locked_alike(worker):
    answers = [attempt("nobody-here", f"Falsch-2026-{n}").status_code for n in range(5)]
    assert answers == [422] * 4 + [429]


def test_name_and_phone_count_together(worker):
    for n in range(4):
        attempt("worker" if n % 2 else PHONE, f"Falsch-2026-{n}")
    assert attempt(PHONE, "Falsch-2026-x").status_code == 429


def test_others_at_the_same_address_still_come_in(worker):
    User.objects.create_user("colleague", PASSWORD)
    for n in range(12):
        attempt("worker", f"Falsch-2026-{n}")
    assert attempt("colleague", PASSWORD).signed_in


def test_the_lock_ends_after_a_quarter_of_an_hour(worker):
    for n in range(5):
        attempt("worker", f"Falsch-2026-{n}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE axes_accessattempt SET attempt_time = attempt_time - interval '16 minutes'")
    expire_waits()
    assert attempt("worker", PASSWORD).signed_in


def test_knocking_on_a_locked_door_does_not_prolong_the_lock(worker):
    for n in range(9):
        attempt("worker", f"Falsch-2026-{n}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(failures_since_start) FROM axes_accessattempt")
        assert cursor.fetchone()[0] == 5


@pytest.mark.parametrize("proxies", [1, 2])
def test_behind_proxies_the_outermost_one_is_believed(worker, settings, proxies):
    """Three wrong passwords behind a proxy lock nobody else; what a sender writes into the header is no disguise."""
    settings.PROXY_COUNT = proxies
    inner = ["10.0.0.9"] * (proxies - 1)

    def header(client, spoofed=""):
        return ", ".join(filter(None, [spoofed, client, *inner]))

    answers = [
        attempt("worker", f"Falsch-2026-{n}", "10.0.0.1", header("203.0.113.7", f"198.51.100.{n}")).status_code
        for n in range(6)
    ]
    assert answers == [422] * 4 + [429] * 2
    User.objects.create_user("colleague", PASSWORD)
    assert attempt("colleague", PASSWORD, "10.0.0.1", header("203.0.113.7")).signed_in
    expire_waits()
    assert attempt("worker", PASSWORD, "10.0.0.1", header("203.0.113.8")).signed_in


def test_without_proxies_the_header_counts_for_nothing(worker):
    answers = [attempt("worker", f"Falsch-2026-{n}", forwarded=f"198.51.100.{n}").status_code for n in range(6)]
    assert answers == [422] * 4 + [429] * 2


def test_a_whole_ipv6_network_is_one_address(worker):
    answers = [attempt("worker", f"Falsch-2026-{n}", f"2001:db8:1:2::{n:x}").status_code for n in range(6)]
    assert answers == [422] * 4 + [429] * 2


def test_many_addresses_get_fewer_than_a_hundred_checks_a_day(worker, monkeypatch):
    checked = count_checks(monkeypatch)
    for n in range(160):
        attempt("worker", f"Falsch-2026-{n}", f"10.9.{n // 200}.{n % 200 + 1}")
        expire_waits()
    assert checked[0] <= 100
    assert checked[0] >= brake.LIMIT, "control: the brake lets tries through until then"


def test_the_brake_is_what_stops_them(worker, monkeypatch):
    """Control: with the limit lifted the same guesses are all checked."""
    monkeypatch.setattr(brake, "LIMIT", 10_000)
    checked = count_checks(monkeypatch)
    for n in range(120):
        attempt("worker", f"Falsch-2026-{n}", f"10.9.{n // 200}.{n % 200 + 1}")
        expire_waits()
    assert checked[0] == 120


def count_checks(monkeypatch):
    checked = [0]
    real = User.check_password

    def counting(self, raw):
        checked[0] += 1
        return real(self, raw)

    monkeypatch.setattr(User, "check_password", counting)
    return checked


def test_each_mistake_makes_the_next_try_wait_longer(worker):
    waits = []
    for n in range(20):
        attempt("worker", f"Falsch-2026-{n}", f"10.9.0.{n + 1}")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT round(extract(epoch FROM max(next_at) - statement_timestamp())) FROM accounts_signinbrake"
            )
            waits.append(int(cursor.fetchone()[0]))
        expire_waits()
    assert waits[:4] == [0] * 4
    assert waits[4:8] == [1, 2, 4, 8]
    assert waits[-1] == brake.LONGEST_WAIT


def test_while_it_waits_not_even_the_right_password_is_looked_at(worker, monkeypatch):
    for n in range(6):
        attempt("worker", f"Falsch-2026-{n}", f"10.9.0.{n + 1}")
    checked = count_checks(monkeypatch)
    response = attempt("worker", PASSWORD, "10.9.1.1")
    assert (checked[0], response.signed_in) == (0, False)
    assert "过一会儿再试" in response.content.decode()


def test_the_owner_comes_in_during_an_attack(worker):
    assert attempt("worker", PASSWORD, "10.5.5.5").signed_in
    for n in range(80):
        attempt("worker", f"Falsch-2026-{n}", f"10.9.0.{n + 1}")
        if n % 2 == 0:
            expire_waits()
    assert [attempt("worker", PASSWORD, "10.5.5.5").signed_in for _ in range(20)] == [True] * 20
    assert not attempt("worker", PASSWORD, "10.6.6.6").signed_in, "control: from an unknown address the brake is on"


def test_an_address_is_forgotten_after_a_month(worker):
    attempt("worker", PASSWORD, "10.5.5.5")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_knownaddress SET last_at = last_at - interval '31 days'")
        cursor.execute("UPDATE accounts_signinbrake SET checks = 50")
    for n in range(6):
        attempt("worker", f"Falsch-2026-{n}", f"10.9.0.{n + 1}")
    assert not attempt("worker", PASSWORD, "10.5.5.5").signed_in


def test_few_addresses_are_kept(worker):
    for n in range(brake.KNOWN_KEPT + 5):
        attempt("worker", PASSWORD, f"10.5.6.{n + 1}")
    assert KnownAddress.objects.filter(user=worker).count() == brake.KNOWN_KEPT


def test_right_passwords_do_not_use_up_tries(worker):
    assert all(attempt("worker", PASSWORD).signed_in for _ in range(brake.LIMIT + 5))


def test_no_number_and_no_password_is_kept(worker, caplog):
    caplog.set_level("DEBUG")
    attempt(PHONE, "Falsch-2026-nein")
    attempt("19911112222", "Falsch-2026-nein")
    attempt("Falsch-2026-oops", "worker")
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT json_agg(a) FROM axes_accessattempt a)::text")
        attempts = cursor.fetchone()[0]
        cursor.execute("SELECT (SELECT json_agg(b) FROM accounts_signinbrake b)::text")
        kept = attempts + cursor.fetchone()[0] + caplog.text
    assert "worker" in attempts, "control: the attempts are written down"
    for canary in (PHONE, "19911112222", "Falsch-2026"):
        assert canary not in kept


@pytest.mark.django_db(transaction=True)
def test_forty_guesses_at_once_get_five_checks():
    User.objects.create_user("worker", PASSWORD)
    checked, start = [], threading.Barrier(10)
    real = User.check_password

    def guess(number):
        start.wait()
        for n in range(4):
            attempt("worker", f"Falsch-2026-{number}-{n}", "10.1.1.1")
        connections.close_all()

    User.check_password = lambda self, raw: checked.append(raw) or real(self, raw)
    try:
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        User.check_password = real
    assert len(checked) <= 5
    assert SignInBrake.objects.get().checks == len(checked)


def test_signing_out(worker):
    client = Client()
    attempt("worker", PASSWORD, client=client)
    stolen = client.cookies["sessionid"].value
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == LOGIN
    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/password/").status_code == 302
