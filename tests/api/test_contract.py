"""Every operation keeps what the document says of it, whoever asks, however they come in, and whatever is sent.

Each generated request goes out as every role, over real rows, in turn by a session and by a token, and once with the
made-up credentials that came with it; what it did is undone. Before that each operation is asked the document's own
example by every role both ways, and has to succeed for somebody. EXAMPLES sets how many are made for each operation
(`make contract`: 100), besides those at the limits of the document.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.overrides import Override
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.access.world import kept_open, undone
from tests.api.ground import ROLES, WAYS, Ground, make_ground
from tests.api.test_document import COPY

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:Generating overly large repr")]

EXAMPLES = int(os.environ.get("EXAMPLES", "1"))
CONFIG = SchemathesisConfig.from_dict({
    "generation": {
        "max-examples": EXAMPLES, "deterministic": True, "no-shrink": True, "with-security-parameters": True,
    },
    "phases": {
        # The document's own examples are asked by `usual`, with rows that are there.
        "examples": {"enabled": False},
        "coverage": {"enabled": EXAMPLES >= 50},
        "stateful": {"enabled": False},
    },
    # A well-formed request may still be refused by a rule; `well_formed_is_never_malformed` draws the line.
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "304", "403", "404", "409", "412", "422"]}},
})  # fmt: skip
schema = schemathesis.openapi.from_path(COPY, config=CONFIG)


def whole(environ: Any, start: Any) -> list[bytes]:
    """Answer as the product does, in one piece: a photo's file is closed when it has been read."""
    answer = application(environ, start)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


application = get_wsgi_application()
schema.app = whole


@schemathesis.check
def well_formed_is_never_malformed(ctx: Any, response: Any, case: Any) -> None:
    """Fail where a request that the document allows is called malformed."""
    # A NUL sign is a text for the document, and for no database.
    allowed = case.meta and case.meta.generation.mode.is_positive and "\0" not in f"{case.body}{case.query}"
    if allowed and response.status_code == 422:
        assert response.json()["code"] != "malformed", response.json()


@pytest.fixture(scope="module")
def ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """A world with a row for every verb; at the end, each operation must have succeeded for somebody, both ways."""
    with django_db_blocker.unblock(), kept_open(), undone():
        made = make_ground()
        yield made
    assert never_done(made.answers) == []


def never_done(answers: dict[tuple[str, str], set[int]]) -> list[tuple[str, str]]:
    """Return the operations, and the ways in, by which nobody has got anything done."""
    return [key for key, statuses in answers.items() if not any(200 <= status < 300 for status in statuses)]


@schema.parametrize()
def test_every_answer_is_documented(case: Any, ground: Ground) -> None:
    make_it_real(case, ground)
    code = code_of(case.operation)
    if (code, WAYS[0]) not in ground.answers:
        ask_the_usual(case.operation, ground)
        with undone():
            # With the credentials that were made up, or none.
            case.validate_response(case.call(), excluded_checks=[positive_data_acceptance])
    for key in (case.cookies, case.headers):
        for name in ("sessionid", "Authorization"):
            (key or {}).pop(name, None)
    turn = sum(len(statuses) for statuses in ground.answers.values())
    for number, role in enumerate(ROLES, turn):
        if case.path_parameters and "id" in case.path_parameters and positive(case, "path"):
            case.path_parameters["id"] = ground.row_for(role, case.operation.path)
        ask(case, ground, role, WAYS[number % 2])


def ask(case: Any, ground: Ground, role: str, way: str) -> None:
    """Send a request as one role, hold the answer against the document, and undo what it did."""
    sent = ground.way_in(role, way)
    with undone():
        response = case.call(**sent)
        # The credentials were given on purpose: without this they are taken for some that were made up.
        response._override = Override.from_send_kwargs(sent)
        case.validate_response(response, headers=sent["headers"])
    ground.answers[code_of(case.operation), way].add(response.status_code)


def ask_the_usual(operation: Any, ground: Ground) -> None:
    """Ask the document's example of one operation, as every role, both ways."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    example = next((found["value"] for found in content.get("examples", {}).values()), None)
    body = {"body": {**example, **{k: v for k, v in ground.named.items() if k in example}}} if example else {}
    for role in ROLES:
        names = {"id": ground.row_for(role, operation.path)} if "{id}" in operation.path else {}
        if "{photo}" in operation.path:
            names["photo"] = str(ground.photo.pk)
        case = operation.Case(path_parameters=names, media_type="application/json" if body else None, **body)
        for way in WAYS:
            ask(case, ground, role, way)


def make_it_real(case: Any, ground: Ground) -> None:
    """Name rows that are there in a body that is well-formed, and begin at the first page."""
    if case.query and positive(case, "query"):
        case.query.pop("cursor", None)
    if isinstance(case.body, dict) and positive(case, "body"):
        for name in ground.named.keys() & case.body.keys():
            case.body[name] = ground.named[name]


def positive(case: Any, part: str) -> bool:
    """Tell whether this part of the request is as documented."""
    found = [told for place, told in case.meta.components.items() if part in str(place.value)] if case.meta else []
    return all(told.mode.is_positive for told in found)


def code_of(operation: Any) -> str:
    """Return the name of an operation."""
    return str(operation.definition.raw["operationId"])


def test_control_without_a_row_in_the_right_state_nobody_gets_it_done(ground: Ground, monkeypatch: Any) -> None:
    """What no role and no way in gets done is noticed, and it is the row that makes the difference."""
    operation = schema["/api/v1/allocations/{id}/accept-counter/"]["POST"]
    held = ground.fit["allocations", "confirm"]
    blind = Ground(ground.world, ground.named, {("allocations", "accept-counter"): held}, ground.photo, ground.secrets)
    ask_the_usual(operation, blind)
    assert never_done(blind.answers) == [("allocations_accept_counter", way) for way in WAYS]
    blind.fit, blind.ids = ground.fit, {}
    ask_the_usual(operation, blind)
    assert never_done(blind.answers) == []
