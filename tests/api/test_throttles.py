"""How often a caller may use the API: by the district's limits, for each token and person, reads and writes apart."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import actions, brake
from accounts.models import RateHit, RateLimit
from common.crypto import keyed_digest
from hedong.basics import load_limits

LIST = "/api/v1/requests/"
pytestmark = pytest.mark.django_db


def limit(code, amount, seconds=3600):
    RateLimit.objects.update_or_create(code=code, defaults={"name": code, "amount": amount, "seconds": seconds})


@pytest.fixture
def token(town):
    def issue(user=town.community_worker):
        return actions.issue_token(user=user, name="x", permissions=["view_request"], days=1, actor=None)

    return issue


def ask(client, secret, method="get", **extra):
    return getattr(client, method)(LIST, headers={"Authorization": f"Bearer {secret}"}, **extra)


def test_past_the_limit_the_wait_is_told(client, token):
    limit("api_read", 3)
    _, secret = token()
    assert [ask(client, secret).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = ask(client, secret)
    assert refused.json()["code"] == "too_many"
    assert 1 <= int(refused["Retry-After"]) <= 3600
    assert refused["Retry-After"] in refused.json()["message"]


def test_without_a_limit_everything_passes(client, token):
    """The control: what holds a caller back is the row."""
    _, secret = token()
    assert {ask(client, secret).status_code for _ in range(20)} == {200}


def test_each_span_counts_for_itself(client, token):
    limit("api_read", 100)
    limit("api_read_hour", 2)
    _, secret = token()
    assert [ask(client, secret).status_code for _ in range(3)] == [200, 200, 429]


def test_the_next_span_is_free_again(client, token):
    limit("api_read", 1)
    _, secret = token()
    assert [ask(client, secret).status_code for _ in range(2)] == [200, 429]
    RateHit.objects.update(window=0)
    assert ask(client, secret).status_code == 200


def test_reads_and_writes_are_counted_apart(client, token):
    limit("api_read", 1)
    limit("api_write", 1)
    _, secret = token()
    assert [ask(client, secret).status_code for _ in range(2)] == [200, 429]
    assert [ask(client, secret, "put").status_code for _ in range(2)] == [405, 429]


def test_each_token_and_each_person_has_a_count_of_its_own(client, token, town):
    limit("api_read", 1)
    (first, one), (_, two) = token(), token()
    assert [ask(client, secret).status_code for secret in (one, two, one, two)] == [200, 200, 429, 429]
    _, fresh = actions.rotate_token(first, actor=None)
    assert ask(client, fresh).status_code == 429, "exchanging a token does not give it new calls"
    for person in (town.community_worker, town.far_worker):
        client.force_login(person)
        assert [client.get(LIST).status_code for _ in range(2)] == [200, 429]


def test_wrong_tokens_are_counted_for_the_address(client, town):
    limit("token_wrong", 2)
    wrong = [ask(client, f"hd_{n}", REMOTE_ADDR="10.1.1.1") for n in range(3)]
    assert [answer.status_code for answer in wrong] == [401, 401, 429]
    assert wrong[-1]["Retry-After"]
    assert ask(client, "hd_x", REMOTE_ADDR="10.1.1.2").status_code == 401


def test_a_right_token_works_beside_wrong_ones(client, token):
    limit("token_wrong", 1)
    _, secret = token()
    for n in range(3):
        ask(client, f"hd_{n}")
    assert ask(client, secret).status_code == 200


def test_a_count_is_one_statement_and_waits_for_no_disk(token):
    load_limits()
    with CaptureQueriesContext(connection) as caught:
        assert brake.take(("api_read", "api_read_hour"), keyed_digest("caller", "x")) == 0
    assert len(caught) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'accounts_ratehit'")
        assert cursor.fetchone()[0] in {"u", b"u"}


def test_no_address_and_no_token_is_kept_and_old_counts_go(client, token):
    load_limits()
    _, secret = token()
    ask(client, secret)
    ask(client, "hd_wrong")
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(h::text, ' ') FROM accounts_ratehit h")
        (kept,) = cursor.fetchone()
    assert secret not in kept
    assert "127.0.0.1" not in kept
    assert actions.forget_old_brakes() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_ratehit SET ends_at = now() - interval '1 second'")
    assert actions.forget_old_brakes() == 3
