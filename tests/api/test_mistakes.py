"""Each kind of mistake a program can make has its own answer, with a sentence that says what to mend."""

from __future__ import annotations

import json
import re
from typing import Any


def test_each_kind_of_mistake_has_its_own_answer(client: Any, pool: Any) -> None:
    client.force_login(pool.town.community_worker)
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
