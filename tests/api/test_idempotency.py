"""A call sent twice, or by twenty-four at the same moment, takes effect once and is answered with the same bytes."""

import http.client
import json
import threading
import uuid
from datetime import timedelta

import pytest
from django.http import JsonResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts import actions
from audit.actions import forget_old_keys, record
from audit.idempotency import HEADER, REPLAYED, InFlight, KeyReused, once
from audit.models import Event, IdempotencyKey
from common.errors import Conflict, Invalid
from tests.people import make_town
from tests.requests_board.test_claims import serve  # noqa: F401 - a fixture

KEY = "3f0c2f9e-0001"
AT_ONCE = 24


# One process ---------------------------------------------------------------------------------------------------------


def call(user, body='{"say":"一"}', key=KEY, method="POST", path="/api/v1/x/"):
    headers = {} if key is None else {HEADER: key}
    request = RequestFactory().generic(method, path, body, "application/json", headers=headers)
    request.user = user
    return request


def effect(status=201, body=None):
    def perform():
        event = record(actor=None, verb="once.tested", target=None)
        return JsonResponse({"id": event.pk} if body is None else body, status=status, headers={"Location": "/x/1/"})

    return perform


def effects():
    return Event.objects.filter(verb="once.tested").count()


@pytest.fixture
def user(town):
    return town.community_worker


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_same_call_is_answered_with_the_same_bytes(user, method):
    first, second = (once(call(user, method=method), effect()) for _ in range(2))
    assert first.content == second.content
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"]) == (201, "/x/1/")
    assert REPLAYED not in first
    assert second[REPLAYED] == "true"
    assert effects() == 1


def test_without_a_key_each_call_takes_effect(user):
    """The control: what holds the second call back is the key."""
    for _ in range(2):
        once(call(user, key=None), effect())
    assert effects() == 2


def test_reading_needs_no_key(user):
    for _ in range(2):
        once(call(user, method="GET", body=""), effect(200))
    assert IdempotencyKey.objects.count() == 0


@pytest.mark.parametrize("other", [{"body": '{"say":"二"}'}, {"path": "/api/v1/y/"}, {"method": "PUT"}])
def test_the_key_belongs_to_one_call(user, other):
    once(call(user), effect())
    with pytest.raises(KeyReused) as refused:
        once(call(user, **other), effect())
    assert (refused.value.status, refused.value.code) == (422, "key_reused")
    assert effects() == 1


def test_keys_of_others_are_others(user, town):
    once(call(user), effect())
    once(call(town.far_worker), effect())
    assert effects() == 2


def test_a_token_has_keys_of_its_own_and_hands_them_on(user):
    def token_user(secret):
        return actions.come_in(secret, address="10.1.1.1")

    def issue():
        return actions.issue_token(user=user, name="x", permissions=["view_request"], days=1, actor=None)

    (token, secret), (_, other) = issue(), issue()
    once(call(user), effect())
    first = once(call(token_user(secret)), effect())
    once(call(token_user(other)), effect())
    assert effects() == 3
    _, fresh = actions.rotate_token(token, actor=None)
    assert once(call(token_user(fresh)), effect()).content == first.content
    assert effects() == 3


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space", "中文中文中文中文", "a/b/c/d/e", "line\nbreak"])
def test_what_is_no_key_is_refused(user, key):
    with pytest.raises(Invalid) as refused:
        once(call(user, key=key), effect())
    assert refused.value.field == HEADER
    assert effects() == 0


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_final_refusal_is_kept_and_undoes_what_was_begun(user, status):
    first = once(call(user), effect(status, {"code": "invalid"}))
    assert effects() == 0
    second = once(call(user), effect())
    assert (second.status_code, second.content) == (status, first.content)
    assert effects() == 0


def test_a_refusal_that_is_raised_is_kept_alike(user):
    def refuses():
        effect()()
        raise Invalid("天数要填整数。", field="days")

    first, second = once(call(user), refuses), once(call(user), effect())
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert json.loads(first.content)["field"] == "days"
    assert effects() == 0


@pytest.mark.parametrize("status", [401, 403, 409, 412, 429, 500, 503])
def test_what_may_be_different_a_moment_later_is_not_kept(user, status):
    assert once(call(user), effect(status)).status_code == status
    assert (effects(), IdempotencyKey.objects.count()) == (0, 0)
    assert once(call(user), effect()).status_code == 201
    assert effects() == 1


@pytest.mark.parametrize("error", [Conflict(), RuntimeError()])
def test_what_breaks_on_the_way_leaves_the_key_free(user, error):
    def breaks():
        effect()()
        raise error

    with pytest.raises(type(error)):
        once(call(user), breaks)
    assert effects() == 0
    assert once(call(user), effect()).status_code == 201


def test_after_its_time_a_key_is_free_again(user):
    once(call(user), effect())
    IdempotencyKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    once(call(user, body="{}"), effect())
    assert effects() == 2
    assert forget_old_keys() == 0
    IdempotencyKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert forget_old_keys() == 1


def test_what_is_kept_is_sealed_and_is_kept_a_day(user):
    from django.db import connection

    once(call(user), effect(body={"say": "只有本人知道"}))
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM audit_idempotencykey k")
        (kept,) = cursor.fetchone()
    assert "本人" not in kept
    assert "\\u672c" not in kept
    left = IdempotencyKey.objects.get().expires_at - timezone.now()
    assert timedelta(hours=23) < left <= timedelta(hours=24)


# The real web process ------------------------------------------------------------------------------------------------


@pytest.fixture
def web(serve, transactional_db):  # noqa: F811
    town = make_town()
    _, secret = actions.issue_token(
        user=town.community_worker, name="接口", permissions=["view_request"], days=1, actor=None
    )
    port = serve("tests.api.once_wsgi:application")

    def post(path, key, body='{"say":"一"}', **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        sent = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", **headers}
        try:
            connection.request("POST", path, body.encode(), {**sent, HEADER: key} if key else sent)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    return post


def at_once(post, path, key):
    answers, gate = [], threading.Barrier(AT_ONCE)

    def send():
        gate.wait()
        answers.append(post(path, key))

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == AT_ONCE
    return answers


@pytest.mark.stack
@pytest.mark.django_db(transaction=True)
def test_on_the_real_web_one_of_many_takes_effect(web):
    key = str(uuid.uuid4())
    answers = at_once(web, "/api/v1/guarded/", key)
    assert effects() == 1
    assert {status for status, _, _ in answers} <= {201, 409}
    for status, body, headers in answers:
        if status == 409:
            assert json.loads(body)["code"] == InFlight.code
            assert headers["Retry-After"] == "1"
    done = {body for status, body, _ in answers if status == 201}
    assert len(done) == 1
    status, body, headers = web("/api/v1/guarded/", key)
    assert (status, {body}, headers[REPLAYED]) == (201, done, "true")
    # The control: the same call without the guard.
    at_once(web, "/api/v1/bare/", key)
    assert effects() == 1 + AT_ONCE
    # Another body under the same key.
    status, body, _ = web("/api/v1/guarded/", key, '{"say":"二"}')
    assert (status, json.loads(body)["code"]) == (422, "key_reused")
    # A process that dies in the middle leaves neither effect nor key.
    dying = str(uuid.uuid4())
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        web("/api/v1/guarded/", dying, **{"X-Die": "1"})
    assert effects() == 1 + AT_ONCE
    for _ in range(20):
        try:
            answer = web("/api/v1/guarded/", dying)
        except (http.client.HTTPException, ConnectionError):
            continue
        if answer[0] == 201:
            break
    assert answer[0] == 201
    assert effects() == 2 + AT_ONCE
