"""Letters in another code than UTF-8 are refused at the web door, before a page could fail on them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from common.letters import in_utf8

# Codes that Python knows: no letters at all, letters that the database cannot keep, and a parameter that is none.
OTHERS = ("zlib", "rot13", "utf-7", "raw_unicode_escape", "idna", "gbk", "utf-8; charset=zlib")
USUAL = ("utf-8", "UTF8", '"utf-8"', "nothing-like-it")
CUT = "text/html; charset*=nothing''x"


def door(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Read a request as the framework does, before it asks any middleware."""
    start_response("200 OK", [])
    return [WSGIRequest(environ).GET["q"].encode()]


def _answer(application: Any, content_type: str) -> tuple[str, bytes]:
    said: list[str] = []
    environ = RequestFactory().get("/healthz?q=x").environ
    environ["CONTENT_TYPE"] = content_type
    body = b"".join(application(environ, lambda status, headers, *more: said.append(status)))
    return said[0], body


@pytest.mark.parametrize("code", OTHERS)
def test_another_code_is_refused(code: str) -> None:
    for kind in (f"text/html; charset={code}", f"multipart/form-data; boundary=B; charset={code}"):
        status, body = _answer(in_utf8(door), kind)
        assert status == "400 Bad Request"
        assert json.loads(body)["message"] == "发来的内容要用 UTF-8 编码。"


def test_a_header_that_cannot_be_read_is_refused() -> None:
    assert _answer(in_utf8(door), CUT)[0] == "400 Bad Request"


@pytest.mark.parametrize("code", USUAL)
def test_the_usual_one_passes_however_it_is_written(code: str) -> None:
    assert _answer(in_utf8(door), f"text/html; charset={code}")[0].startswith("200")


@pytest.mark.parametrize("kind", ["text/html; charset=zlib", CUT])
def test_without_the_guard_the_door_fails(kind: str) -> None:
    with pytest.raises((LookupError, ValueError)):
        _answer(door, kind)
