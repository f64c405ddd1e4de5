"""Many names from one address: braked, without locking out the people who share it."""

import pytest
from django.test import Client

from accounts import brake
from accounts.models import RateHit, RateLimit, User
from tests.factories import PASSWORD

LOGIN, HERE, ELSEWHERE = "/login/", "10.1.1.1", "10.9.9.9"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limit():
    return RateLimit.objects.create(code=brake.SIGN_IN, name="登录", amount=10, seconds=600)


@pytest.fixture
def worker():
    return User.objects.create_user("worker", PASSWORD)


def attempt(name, password, address=HERE, **headers):
    client = Client()
    response = client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address, **headers)
    response.signed_in = "_auth_user_id" in client.session
    return response


def guess(times, address=HERE, **headers):
    return [attempt(f"nobody{n}", "Falsch-2026-nein", address, **headers).status_code for n in range(times)]


def hashed(monkeypatch):
    from django.contrib.auth import hashers

    counted, real = [], hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", lambda *a, **k: counted.append(1) or real(*a, **k))
    return counted


def test_past_the_limit_no_password_is_hashed_any_more(monkeypatch):
    counted = hashed(monkeypatch)
    guess(30)
    assert len(counted) == 10
    answer = attempt("somebody", "Falsch-2026-nein")
    assert answer.status_code == 422
    assert "试错太多次" in answer.content.decode()


def test_without_the_limit_each_name_costs_a_hash(monkeypatch, limit):
    """The control."""
    limit.delete()
    counted = hashed(monkeypatch)
    guess(30)
    assert len(counted) == 30


def test_who_has_signed_in_from_there_goes_on(worker):
    assert attempt("worker", PASSWORD).signed_in
    guess(30)
    assert attempt("worker", PASSWORD).signed_in


def test_who_comes_there_for_the_first_time_waits_and_is_free_elsewhere(worker):
    guess(30)
    assert not attempt("worker", PASSWORD).signed_in
    assert attempt("worker", PASSWORD, ELSEWHERE).signed_in
    RateHit.objects.update(window=0)
    assert attempt("worker", PASSWORD).signed_in


def test_a_whole_office_that_types_rightly_is_never_over_the_limit():
    for n in range(25):
        User.objects.create_user(f"clerk{n}", PASSWORD)
    assert all(attempt(f"clerk{n}", PASSWORD).signed_in for n in range(25))
    assert RateHit.objects.get().count == 0


def test_written_addresses_do_not_give_fresh_tries(settings, monkeypatch):
    settings.PROXY_COUNT = 1
    counted = hashed(monkeypatch)
    for n in range(30):
        attempt(f"nobody{n}", "Falsch-2026-nein", HTTP_X_FORWARDED_FOR=f"10.5.5.{n}, 10.7.7.7")
    assert len(counted) == 10
    assert guess(1, HTTP_X_FORWARDED_FOR="10.7.7.8") == [422]
    assert len(counted) == 11
