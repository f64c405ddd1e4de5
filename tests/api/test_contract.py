"""Every operation keeps what the document says of it, whoever asks and whatever is sent.

Each generated request goes out as every role, over real rows in every state; what it did is undone. EXAMPLES sets how
many are made for each operation (`make contract`: 100), besides those at the limits of the document.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.db.models import Q
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.overrides import Override

from api.declare import RESOURCES
from clockwork.selectors import db_now
from requests_board.models import DispatchPolicy, NotAcceptedReason
from tests import crowd
from tests.access.world import World, make_world, undone
from tests.api.test_document import COPY

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:Generating overly large repr")]

EXAMPLES = int(os.environ.get("EXAMPLES", "2"))
ROLES = ("community_worker", "street_worker", "district_official", "department_liaison", "system_admin")
CSRF = "a" * 32
CONFIG = SchemathesisConfig.from_dict({
    "generation": {
        "max-examples": EXAMPLES, "deterministic": True, "no-shrink": True, "with-security-parameters": False,
    },
    "phases": {"coverage": {"enabled": EXAMPLES >= 50}, "stateful": {"enabled": False}},
    # A well-formed request may still be refused by a rule; `well_formed_is_never_malformed` draws the line.
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "304", "403", "404", "409", "412", "422"]}},
})  # fmt: skip
schema = schemathesis.openapi.from_path(COPY, config=CONFIG)
schema.app = get_wsgi_application()


@schemathesis.check
def well_formed_is_never_malformed(ctx: Any, response: Any, case: Any) -> None:
    """Fail where a request that the document allows is called malformed."""
    # A NUL sign is a text for the document, and for no database.
    allowed = case.meta and case.meta.generation.mode.is_positive and "\0" not in f"{case.body}{case.query}"
    if allowed and response.status_code == 422:
        assert response.json()["code"] != "malformed", response.json()


@dataclass
class Ground:
    """Real rows to ask about, and what each operation has answered so far."""

    world: World
    named: dict[str, Any]
    answers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    ids: dict[tuple[str, str], Any] = field(default_factory=dict)

    def row_for(self, role: str, path: str) -> Any:
        """Return the id of a row that the role sees, in a state from which the verb is possible where there is one."""
        key = (role, path)
        if key not in self.ids:
            name, *more = path.removeprefix("/api/v1/").strip("/").split("/")
            resource = RESOURCES[name]
            verb = next((verb for verb in resource.verbs if verb.name == more[-1]), None)
            rows = resource.rows(type(self.world.users[role]).objects.get(pk=self.world.users[role].pk))
            fitting = rows.filter(Q(status__in=verb.sources)) if verb and verb.sources else rows
            self.ids[key] = (fitting.first() or rows.first() or resource.model()).pk
            self.ids[key] = str(self.ids[key]) if isinstance(self.ids[key], UUID) else self.ids[key]
        return self.ids[key]


@contextmanager
def kept_open() -> Iterator[None]:
    """Let no request close the connection that holds what must be undone, as Django's own test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """A world with a row in every state; at the end, no operation may have been closed to all."""
    with django_db_blocker.unblock(), kept_open(), undone():
        world = make_world()
        crowd.add(world, 0, 2)
        DispatchPolicy.objects.create(emergency_order="演练1号")
        NotAcceptedReason.objects.create(code="busy", label="忙", referral="请打社区电话。")
        world.sign_everybody_in()
        made = Ground(world, _named(world))
        yield made
    closed = [code for code, statuses in made.answers.items() if statuses <= {401, 403}]
    assert closed == [], "only ever answered 401 or 403"


def _named(world: World) -> dict[str, Any]:
    """Return what stands in a body for a row, or for a moment that makes sense."""
    town, pool, now = world.town, world.pool, db_now()
    return {
        "area": town.community.pk, "type": pool.type.pk, "category": "010101", "reason": "busy",
        "partner": str(pool.departments[0].pk), "resource": str(pool.resources[0].pk), "slot": pool.slots(0)[1].pk,
        "window_start": now.isoformat(), "window_end": (now + timedelta(days=10)).isoformat(), "quantity": 1,
        "phone": "19900001234",
    }  # fmt: skip


@schema.parametrize()
def test_every_answer_is_documented(case: Any, ground: Ground) -> None:
    make_it_real(case, ground)
    for role in ROLES:
        if case.path_parameters and "id" in case.path_parameters and positive(case, "path"):
            case.path_parameters["id"] = ground.row_for(role, case.operation.path)
        sent = {
            "cookies": {"sessionid": ground.world.sessions[role], "csrftoken": CSRF},
            "headers": {"X-CSRFToken": CSRF, "Referer": "http://localhost/"},
        }
        with undone():
            response = case.call(**sent)
            # The session was given on purpose: without this it is taken for one that was made up.
            response._override = Override.from_send_kwargs(sent)
            case.validate_response(response, headers=sent["headers"])
        ground.answers[case.operation.definition.raw["operationId"]].add(response.status_code)


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
