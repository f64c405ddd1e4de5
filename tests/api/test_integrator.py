"""An integrator who knows nothing but the document finds the operations, writes, retries, dispatches and reads."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import pytest

from clockwork.selectors import db_now
from requests_board.actions import dispatch
from requests_board.models import ResourceRequest
from tests.pool import ask_time_has_come

KEYS = find_spec("audit.idempotency") is not None


class Integrator:
    """A program that reads the document and calls operations by their names."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.operations: dict[str, tuple[str, str, Any]] = {}
        self.document = client.get("/api/v1/openapi.json").json()
        for path, methods in self.document["paths"].items():
            for method, told in methods.items():
                self.operations[told["operationId"]] = (method, path, told)

    def call(self, code: str, body: Any = None, query: Any = None, headers: Any = None, **names: Any) -> Any:
        """Call one operation; refuse an answer that its description does not know."""
        method, path, told = self.operations[code]
        known = {entry["name"] for entry in told.get("parameters", [])}
        assert {*(query or {}), *(headers or {}), *names} <= known, code
        address = re.sub(r"{(\w+)}", lambda found: str(names[found[1]]), path)
        if method == "get":
            answer = self.client.get(address, query or {}, headers=headers or {})
        else:
            self._check_body(told, body or {})
            answer = self.client.post(
                address, json.dumps(body or {}), content_type="application/json", headers=headers or {}
            )
        assert str(answer.status_code) in told["responses"], (code, answer.status_code, answer.content)
        return answer

    def _check_body(self, told: Any, body: dict[str, Any]) -> None:
        if "requestBody" not in told:
            assert body == {}
            return
        name = told["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = self.document["components"]["schemas"][name]
        assert set(schema.get("required", ())) <= set(body) <= set(schema["properties"])


@pytest.fixture
def integrator(client: Any, pool: Any) -> Integrator:
    client.force_login(pool.town.community_worker)
    return Integrator(client)


def _create(integrator: Integrator, **headers: str) -> Any:
    (place,) = integrator.call("areas_list", query={"kind": "building", "name": "1号楼"}).json()["results"]
    body = {"text": "想请人讲讲法律", "area": place["id"], "channel": "phone", "phone": "0539-8000001"}
    return integrator.call("requests_create", body, headers=headers)


def _ask(integrator: Integrator, request: Any) -> Any:
    types = integrator.call("resource_types_list", query={"active": "true"}).json()["results"]
    law = next(row for row in types if row["name"] == "法律讲座")
    now = db_now()
    body = {
        "type": law["id"], "quantity": 1, "window_start": now.isoformat(),
        "window_end": (now + timedelta(days=10)).isoformat(),
    }  # fmt: skip
    return integrator.call("requests_resource_requests", body, id=request["id"])


def test_the_main_job_from_the_document_alone(integrator: Integrator, pool: Any, client: Any) -> None:
    made = _create(integrator)
    request = made.json()
    assert (made.status_code, made["Location"]) == (201, f"/api/v1/requests/{request['id']}/")
    assert "phone" not in request
    need = _ask(integrator, request).json()
    assert need["service_request"] == request["id"]
    assert integrator.call("requests_get", id=request["id"]).json()["status"] == "in_progress"

    ask_time_has_come(need := ResourceRequest.objects.get(pk=need["id"]))
    dispatch.run(str(need.pk))
    (held,) = integrator.call("allocations_list", query={"resource_request": need.pk}).json()["results"]
    assert held["status"] == "held"
    told = integrator.call("allocations_explanation", id=held["id"]).json()
    assert told["sentence"]
    assert len(told["others"]) == 2

    client.force_login(pool.liaisons[0])
    answered = integrator.call("allocations_confirm", id=held["id"], headers={"If-Match": f'"{held["version"]}"'})
    assert answered.json()["status"] == "confirmed"
    again = integrator.call("allocations_confirm", id=held["id"])
    assert (again.status_code, again.json()["code"]) == (409, "step_not_allowed")

    client.force_login(pool.town.community_worker)
    assert integrator.call("resource_requests_get", id=need.pk).json()["status"] == "promised"
    trail = integrator.call("allocations_trail", id=held["id"]).json()["results"]
    assert [row["verb"] for row in trail] == ["allocation.proposed", "allocation.held", "allocation.confirmed"]


@pytest.mark.skipif(not KEYS, reason="no store of keys yet")
def test_a_retry_with_the_same_key_makes_nothing_new(integrator: Integrator) -> None:
    first, second = (_create(integrator, **{"Idempotency-Key": "the-first-call"}) for _ in range(2))
    assert (second.status_code, second.content) == (201, first.content)
    assert len(integrator.call("requests_list").json()["results"]) == 1


def test_each_kind_of_mistake_has_its_own_answer(integrator: Integrator, client: Any, pool: Any) -> None:
    area = pool.town.building.pk

    def sent(body: str | bytes, kind: str = "application/json", **headers: str) -> tuple[int, str, str]:
        answer = client.post("/api/v1/requests/", body, content_type=kind, headers=headers)
        told = answer.json()
        assert re.search(r"[\u4e00-\u9fff]", told["message"])
        return answer.status_code, told["code"], told["field"]

    def filled(**changes: Any) -> str:
        return json.dumps({"text": "灯坏了", "area": area, **changes})

    assert sent("{") == (400, "bad_request", "")
    assert sent(b"\xff\xfe") == (400, "bad_request", "")
    assert sent("[" * 100_000) == (400, "bad_request", "")
    assert sent('{"text": ' + "[" * 40 + "]" * 40 + "}") == (400, "bad_request", "")
    assert sent('{"text": "a", "text": "b"}') == (400, "bad_request", "")
    assert sent('{"area": NaN}') == (400, "bad_request", "")
    assert sent('{"area": ' + "9" * 5000 + "}") == (400, "bad_request", "")
    assert sent(" " * 3_000_000) == (400, "bad_request", "")
    assert sent("text=x", "application/x-www-form-urlencoded") == (415, "unsupported_media_type", "")
    assert sent(filled(), Accept="text/html") == (406, "not_acceptable", "")
    assert sent("null") == (422, "malformed", "")
    assert sent("[]") == (422, "malformed", "")
    assert sent("{}") == (422, "malformed", "text")
    assert sent(filled(text=None)) == (422, "malformed", "text")
    assert sent(filled(text=5)) == (422, "malformed", "text")
    assert sent(filled(text="\0")) == (422, "malformed", "text")
    assert sent(filled(text="\ud800")) == (422, "malformed", "text")
    assert sent(filled(text="长" * 501)) == (422, "malformed", "text")
    assert sent(filled(text="  ")) == (422, "invalid", "text")
    assert sent(filled(area="5")) == (422, "malformed", "area")
    assert sent(filled(area=True)) == (422, "malformed", "area")
    assert sent(filled(area=10**18)) == (422, "malformed", "area")
    assert sent(filled(area=2**31 - 1)) == (422, "invalid", "area")
    assert sent(filled(area=pool.town.far_building.pk)) == (422, "invalid", "area")
    assert sent(filled(phone="12")) == (422, "invalid", "phone")
    assert sent(filled(colour="red")) == (422, "malformed", "colour")
    assert sent(filled(**{"\ud800": 1}))[:2] == (422, "malformed")
    assert client.put("/api/v1/requests/").json()["code"] == "method_not_allowed"
    assert client.put("/api/v1/requests/")["Allow"] == "GET, HEAD, POST"
