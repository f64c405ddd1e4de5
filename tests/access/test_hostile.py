"""Whatever stands in an address or a form, no page fails: it is refused in words or not found.

The parameters are read out of the views' source, so that a new one is asked about as well.
"""

from __future__ import annotations

import inspect
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from audit.imports import views as imports
from common import access, middleware
from common.logs import WithoutAddresses
from requests_board import links
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.views import desk_steps, liaison
from tests.access import matrix, pool_rows
from tests.access.expectations import LINKS, PAGES
from tests.access.world import STRANGER, World, make_world, undone

pytestmark = pytest.mark.django_db

READS = re.compile(r"""(?:GET|POST|form|given|query_params)(?:\.get\(|\[)"(\w+)\"""")
DASHED = "0000-0000-0000-000000000000"
WORDS = (
    "\0", "²", "-1", "9" * 18, "9" * 5000, "9999-12",
    f"2026-13-45T00:00:00+00:00_00000000-{DASHED}", "2026-01-01T00:00:00+00:00_" + "x" * 36,
)  # fmt: skip
STEPS = {
    "requests_board:request_step": (desk_steps.REQUEST_STEPS, "number"),
    "requests_board:need_step": (desk_steps.NEED_STEPS, "number"),
    "requests_board:liaison_allocation": (liaison.ALLOCATION_STEPS, "pk"),
    "requests_board:liaison_request": (liaison.REQUEST_STEPS, "number"),
    "audit:import_step": (imports.STEPS, "pk"),
}
# Makes a workbook each time and reads nothing of what is asked; one word tells.
WORKBOOKS = {"audit:import_template"}
# What helpers of the steps read.
BY_HELPERS = ("version", "slot")


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """The rows and people, made once; each question undoes what it did."""
    with django_db_blocker.unblock(), undone():
        made = make_world()
        pool_rows.add(made)
        yield made


def parameters(name: str) -> set[str]:
    """Return the names that the module of a page reads from addresses and forms."""
    view = next(door.view for door in access.doors() if door.full_name == name)
    module = sys.modules[inspect.unwrap(getattr(view, "cls", view)).__module__]
    return set(READS.findall(inspect.getsource(module)))


def questions(world: World, name: str, role: str) -> Iterator[tuple[str, set[str]]]:
    """Return the address of a page with what it reads, once for each step that it offers."""
    page = PAGES[name]
    row = world.targets(role, page.row)["own"] if page.row else None
    if name not in STEPS:
        yield matrix.address_of(world, name, page, row), parameters(name.partition("?")[0])
        return
    steps, key = STEPS[name]
    for step, action in steps.items():
        address = reverse(name, kwargs={key: getattr(row, key), "step": step})
        yield address, {*READS.findall(inspect.getsource(action)), *BY_HELPERS}


def failures(world: World, name: str, words: tuple[str, ...] = WORDS) -> list[str]:
    """Ask a page with each parameter in turn made hostile, and say where it fails."""
    page = PAGES[name]
    role = sorted((page.sees or page.passes) - {STRANGER})[0]
    # The addresses of the API meet worse than these words where they are held to their document.
    words = words[:1] if name in WORKBOOKS else words[:2] if name.startswith("api:") else words
    found = []
    for address, read in questions(world, name, role):
        for method in {"GET", "POST"} & set(page.methods):
            form = page.methods[method]
            form = form(world) if callable(form) else form
            for parameter in read | set(form):
                # What stands in an address meets every word, what stands in a form every second one: a form has many.
                for word in words if method == "GET" else words[::2]:
                    sent = {**form, parameter: word}
                    status = _status(world, role, method, address, sent)
                    if status >= 500:
                        found.append(f"{role} {method} {address} {parameter}={word[:40]!r}: {status}")
    return found


def _status(world: World, role: str, method: str, address: str, sent: dict[str, Any]) -> int:
    with undone():
        client = world.client(role)
        return (client.get if method == "GET" else client.post)(address, sent).status_code


HEALTH = {name for name in PAGES if name.startswith("audit:health")}


@pytest.mark.parametrize("name", sorted(PAGES.keys() - HEALTH))
def test_no_word_makes_a_page_fail(world: World, name: str) -> None:
    assert failures(world, name) == []


def test_without_the_guard_a_nul_sign_makes_pages_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "refuse_nul", lambda request: None)
    assert failures(world, "requests_board:desk", ("\0",)) != []


@pytest.mark.parametrize("secret", ["²", "é", "😀", "a" * 26, "1-1-1"])
@pytest.mark.parametrize("name", LINKS)
def test_a_wrong_secret_is_like_none_in_any_letters(world: World, name: str, secret: str) -> None:
    kwargs_of, signed, methods = LINKS[name]
    kwargs = kwargs_of(world)
    broken = {**kwargs, signed: f"{kwargs[signed].rpartition('-')[0]}-{secret}" if signed == "token" else secret}
    method = "GET" if "GET" in methods else "POST"
    address = reverse(name, kwargs=kwargs).replace(kwargs[signed], broken[signed])
    assert _status(world, STRANGER, method, address, methods[method]) == 404


def test_an_answer_link_is_kept_by_no_cache(world: World) -> None:
    allocation = world.rows["allocation"]["ours"]
    answer = world.client(STRANGER).get(links.answer_url(allocation))
    assert answer.headers["Cache-Control"] == "private, no-store"


# Logs -----------------------------------------------------------------------------------------------------------------


def _lines(world: World, caplog: pytest.LogCaptureFixture, *filters: logging.Filter) -> str:
    row = world.rows["request"]["building"]
    caplog.clear()
    with undone():
        client = world.client(STRANGER)
        client.post(f"{links.tracking_url(row)}answer/", {"say": "nothing"})
        client.get(links.tracking_url(row)[:-2] + "/")
        client.get(f"/t{links.tracking_url(row)}more/")
    written = [record for record in caplog.records if record.name == "django.request"]
    return "\n".join(record.getMessage() for record in written if all(f.filter(record) for f in filters))


def test_no_log_holds_the_key_of_a_request(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = links.tracking_mac(world.rows["request"]["building"])[:-2]
    lines = _lines(world, caplog, WithoutAddresses())
    assert "/t/<token:number>/<token:mac>/answer/" in lines
    assert secret not in lines
    # The handler that writes the lines has the filter; without it the secret would stand there.
    handlers = [handler for handler in logging.root.handlers if handler.get_name() == "stderr"]
    assert any(isinstance(found, WithoutAddresses) for handler in handlers for found in handler.filters)
    monkeypatch.setattr(WithoutAddresses, "filter", lambda self, record: True)
    assert secret in _lines(world, caplog)


def test_the_world_has_rows_to_ask_about(world: World) -> None:
    assert all(model.objects.exists() for model in (ServiceRequest, ResourceRequest, Allocation))
    assert parameters("requests_board:desk") >= {"f", "q", "after", "open", "did"}
