"""An integrator who has a token and knows nothing but the document does the main job over HTTP on the real stack."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from accounts import actions
from accounts.models import ApiToken
from clockwork.selectors import db_now
from requests_board.models import ServiceRequest
from tests.people import make_town
from tests.pool import make_pool
from tests.stack import LiveStack, wait_until

AT_ONCE = 24
# Long enough for one of many calls at once to wait for the others on a busy machine.
PATIENCE = 60
WORDS = "想请人讲讲法律"


class Answer:
    """What came back: status, bytes, headers."""

    def __init__(self, found: Any) -> None:
        self.status, self.headers = found.status, found.headers
        self.content = found.read()

    def json(self) -> Any:
        """Return the content."""
        return json.loads(self.content)


class Integrator:
    """A program that reads the document and calls operations by their names."""

    def __init__(self, base: str, secret: str) -> None:
        self.base, self.secret = base, secret
        self.document = self._send("GET", "/api/v1/openapi.json", None, {}).json()
        self.operations = {
            told["operationId"]: (method.upper(), path, told)
            for path, methods in self.document["paths"].items()
            for method, told in methods.items()
        }

    def call(self, code: str, body: Any = None, query: Any = None, headers: Any = None, **names: Any) -> Answer:
        """Call one operation; refuse what its description does not know, in the call and in the answer."""
        method, path, told = self.operations[code]
        known = {entry["name"] for entry in told.get("parameters", [])}
        assert {*(query or {}), *(headers or {}), *names} <= known, code
        self._check_body(told, body or {})
        path = re.sub(r"{(\w+)}", lambda found: str(names[found[1]]), path)
        sent = {"Authorization": f"Bearer {self.secret}", **(headers or {})}
        answer = self._send(method, f"{path}?{urlencode(query)}" if query else path, body, sent)
        assert str(answer.status) in told["responses"], (code, answer.status, answer.content)
        return answer

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = Request(self.base + path, data, {"Content-Type": "application/json", **headers}, method=method)
        try:
            with urlopen(request, timeout=PATIENCE) as found:
                return Answer(found)
        except HTTPError as refused:
            with refused:
                return Answer(refused)

    def _check_body(self, told: Any, body: dict[str, Any]) -> None:
        if "requestBody" not in told:
            assert body == {}
            return
        name = told["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = self.document["components"]["schemas"][name]
        assert set(schema.get("required", ())) <= set(body) <= set(schema["properties"])


@pytest.fixture
def pool(live_stack: LiveStack) -> Any:
    return make_pool(make_town())


def token(user: Any, *permissions: str, **more: Any) -> tuple[ApiToken, str]:
    return actions.issue_token(user=user, name="热线", permissions=list(permissions), days=1, actor=None, **more)


WORK = ("view_request", "handle_request", "view_resource_request", "request_resource", "view_allocation")


@pytest.fixture
def hotline(live_stack: LiveStack, pool: Any) -> Integrator:
    live_stack.wait_for_page("/healthz")
    return Integrator(live_stack.base_url, token(pool.town.community_worker, *WORK)[1])


def matter(program: Integrator, **more: Any) -> dict[str, Any]:
    (place,) = program.call("areas_list", query={"kind": "building", "name": "1号楼"}).json()["results"]
    return {"text": WORDS, "area": place["id"], "channel": "phone", "phone": "0539-8000001", **more}


def test_the_main_job_from_the_document_alone(live_stack: LiveStack, pool: Any, hotline: Integrator) -> None:
    key, body = {"Idempotency-Key": str(uuid.uuid4())}, matter(hotline)
    made = hotline.call("requests_create", body, headers=key)
    request = made.json()
    assert (made.status, made.headers["Location"]) == (201, f"/api/v1/requests/{request['id']}/")
    assert "phone" not in request
    again = hotline.call("requests_create", body, headers=key)
    assert (again.status, again.content, again.headers["Idempotent-Replayed"]) == (201, made.content, "true")
    other = hotline.call("requests_create", {**body, "text": "别的事"}, headers=key)
    assert (other.status, other.json()["code"]) == (422, "key_reused")
    assert [row["id"] for row in hotline.call("requests_list").json()["results"]] == [request["id"]]

    types = hotline.call("resource_types_list", query={"active": "true"}).json()["results"]
    law = next(row["id"] for row in types if row["name"] == "法律讲座")
    now = db_now()
    span = {"window_start": now.isoformat(), "window_end": (now + timedelta(days=10)).isoformat()}
    need = hotline.call(
        "requests_resource_requests", {"type": law, "quantity": 1, "urgency": "urgent", **span}, id=request["id"]
    ).json()
    assert hotline.call("requests_get", id=request["id"]).json()["status"] == "in_progress"

    def held() -> list[Any]:
        query = {"resource_request": need["id"], "status": "held"}
        return list(hotline.call("allocations_list", query=query).json()["results"])

    wait_until(lambda: bool(held()), 60, lambda: live_stack.log("worker").read_text()[-3000:])
    (asked,) = held()
    told = hotline.call("allocations_explanation", id=asked["id"]).json()
    assert told["sentence"]
    assert len(told["others"]) == 2

    department = Integrator(live_stack.base_url, token(pool.liaisons[0], "answer_allocation", "view_allocation")[1])
    seen = {"If-Match": f'"{asked["version"]}"'}
    assert department.call("allocations_confirm", id=asked["id"], headers=seen).json()["status"] == "confirmed"
    late = department.call("allocations_confirm", id=asked["id"])
    assert (late.status, late.json()["code"]) == (409, "step_not_allowed")
    assert hotline.call("resource_requests_get", id=need["id"]).json()["status"] == "promised"
    trail = hotline.call("allocations_trail", id=asked["id"]).json()["results"]
    assert [row["verb"] for row in trail] == ["allocation.proposed", "allocation.held", "allocation.confirmed"]


def at_once(call: Any) -> list[Answer]:
    answers: list[Answer] = []
    gate = threading.Barrier(AT_ONCE)

    def send() -> None:
        gate.wait()
        answers.append(call())

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == AT_ONCE
    return answers


def test_many_equal_calls_at_once_make_one_request(hotline: Integrator) -> None:
    key, body = {"Idempotency-Key": str(uuid.uuid4())}, matter(hotline)

    def insist() -> Answer:
        while (answer := hotline.call("requests_create", body, headers=key)).status == 409:
            assert answer.json()["code"] == "in_flight"
            time.sleep(int(answer.headers["Retry-After"]))
        return answer

    answers = at_once(insist)
    assert ({answer.status for answer in answers}, len({answer.content for answer in answers})) == ({201}, 1)
    assert ServiceRequest.objects.count() == 1
    # The control: without the key each of them is one.
    assert {answer.status for answer in at_once(lambda: hotline.call("requests_create", body))} == {201}
    assert ServiceRequest.objects.count() == 1 + AT_ONCE


def test_many_systems_calls_with_one_number_make_one_request(hotline: Integrator) -> None:
    body = matter(hotline, source="12345", external_id="GD1")
    answers = at_once(lambda: hotline.call("requests_create", body))
    assert sorted(answer.status for answer in answers) == [200] * (AT_ONCE - 1) + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert ServiceRequest.objects.count() == 1
    (found,) = hotline.call("requests_list", query={"source": "12345", "external_id": "GD1"}).json()["results"]
    assert found["id"] == answers[0].json()["id"]


def test_a_token_that_has_ended_or_may_not_is_refused(live_stack: LiveStack, pool: Any, hotline: Integrator) -> None:
    base, worker = live_stack.base_url, pool.town.community_worker

    def asked(secret: str, code: str = "requests_list", **more: Any) -> tuple[int, str]:
        answer = Integrator(base, secret).call(code, **more)
        return answer.status, "" if answer.status < 400 else answer.json()["code"]

    body = matter(hotline)
    ended, secret = token(worker, *WORK)
    assert asked(secret) == (200, "")
    ApiToken.objects.filter(pk=ended.pk).update(expires_at=db_now())
    assert asked(secret) == (401, "bad_token")
    revoked, secret = token(worker, *WORK)
    actions.revoke_token(revoked, actor=None)
    assert asked(secret) == (401, "bad_token")
    _, reader = token(worker, "view_request")
    assert asked(reader) == (200, "")
    assert asked(reader, "requests_create", body=body) == (403, "not_allowed")
    place = actions.access.find_place(id=pool.town.building_two.pk)
    _, narrow = token(worker, *WORK, place=place)
    assert asked(narrow, "requests_create", body=body) == (422, "invalid")
    assert asked(narrow, "requests_create", body={**body, "area": pool.town.building_two.pk}) == (201, "")
    row = Integrator(base, hotline.secret).call("requests_create", body).json()
    assert asked(narrow, "requests_get", id=row["id"]) == (404, "not_found")
    worker.posts.update(valid_from="2020-01-01", valid_to="2020-02-02")
    assert asked(reader) == (403, "not_allowed")
