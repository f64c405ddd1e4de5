"""The document is complete, the same as the checked-in copy, and tells of every door and step there is."""

import json
import os
import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from api import schema
from api.declare import RESOURCES
from common import access
from requests_board.workflow import ALLOCATION_STEPS, NEED_STEPS, REQUEST_STEPS

COPY = Path(settings.BASE_DIR) / "docs" / "openapi.json"
WRITES = {"post", "put", "patch", "delete"}
# Taken by one of our own on the way: none of them is a verb of its own.
ON_THE_WAY = {"allocation.dropped", "allocation.ask_withdrawn"}


@pytest.fixture(scope="module", autouse=True)
def document():
    if os.environ.get("UPDATE_DOCUMENT"):
        COPY.write_bytes(schema.document())
    return json.loads(schema.document())


def operations(document):
    return [
        (path, method, told) for path, methods in document["paths"].items() for method, told in methods.items()
    ]


def test_the_checked_in_copy_is_what_the_code_makes():
    assert COPY.read_bytes() == schema.document(), "write it anew with UPDATE_DOCUMENT=1"


def test_it_is_valid_and_without_a_warning():
    told = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=told)
    assert "openapi: 3.0.3" in told.getvalue()


def test_it_is_served_to_everybody_and_names_no_outside_host(client, db):
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.content == COPY.read_bytes()
    assert re.findall(rb"https?://", answer.content) == []


def test_every_address_of_the_interface_is_told(document):
    doors = {
        "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", door.route)
        for door in access.doors()
        if door.namespaces == ("api",) and hasattr(getattr(door.view, "cls", None), "operations")
    }
    assert doors == set(document["paths"])


def test_every_operation_is_complete(document):
    codes = [told["operationId"] for _, _, told in operations(document)]
    assert len(codes) == len(set(codes)) > 60
    for path, method, told in operations(document):
        where = f"{method} {path}"
        assert told["security"] == [{"session": []}, {"bearer": []}], where
        assert re.search(r"[\u4e00-\u9fff]", told["summary"]), where
        assert told["description"].strip(), where
        expected = {"400", "401", "403", "404", "405", "406", "422", "429"}
        expected |= {"409", "415"} if method in WRITES else set()
        assert expected <= set(told["responses"]), where
        headers = {entry["name"] for entry in told.get("parameters", []) if entry["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method in WRITES), where
        assert ("If-Match" in headers) == ("412" in told["responses"]), where
        body = told.get("requestBody", {}).get("content", {}).get("application/json")
        assert body is None or body["examples"], where


def test_every_entry_of_an_answer_has_a_chinese_name(document):
    nameless = [
        f"{name}.{entry}"
        for name, told in document["components"]["schemas"].items()
        if name.endswith(("Row", "Full"))
        for entry, words in told["properties"].items()
        if not re.search(r"[\u4e00-\u9fff]", words.get("title", "") + words.get("description", ""))
    ]
    assert nameless == []


def test_every_step_that_a_person_may_take_is_a_verb():
    offered = {step.verb for resource in RESOURCES.values() for verb in resource.verbs for step in verb.steps}
    human = {
        step.verb
        for step in (*REQUEST_STEPS, *NEED_STEPS, *ALLOCATION_STEPS)
        if any(part.startswith(("place:", "partner:")) for part in step.permission.split("|"))
    }
    assert human - offered == ON_THE_WAY
    assert offered <= human
