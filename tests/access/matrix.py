"""Ask every cell of the matrix and say which ones answer wrongly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.access.expectations import Page
from tests.access.world import ROLES, STRANGER, World, kept_open, missing, undone

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LOGIN = "/login/"


@dataclass(frozen=True, slots=True)
class Cell:
    """One question with its expected and its real answer."""

    page: str
    role: str
    method: str
    position: str
    expected: str
    answer: str
    status: int

    def __str__(self) -> str:
        where = f"{self.role} {self.method} {self.page} @{self.position}"
        return f"{where}: {self.answer} ({self.status}) instead of {self.expected}"

    @property
    def wrong(self) -> bool:
        """Tell whether the answer is not the expected one."""
        return self.expected != self.answer

    @property
    def passed(self) -> bool:
        """Tell whether somebody really got through, not only to a refusal of the form."""
        return self.answer == "in" and (self.status < 400 or self.status == 503)


def ask(world: World, role: str, method: str, address: str, form: Any) -> HttpResponse:
    """Send one request in a browser of its own and undo what it did; the interface for machines reads JSON."""
    with undone():
        if address.startswith("/api/"):
            body = json.dumps(form or {})
            response = world.client(role).generic(method, address, body, content_type="application/json")
            if response.streaming:  # a photo
                with kept_open():
                    response.close()
            return response
        return world.client(role).generic(
            method,
            address,
            urlencode(form or {}),
            content_type="application/x-www-form-urlencoded",
        )


def meaning(response: HttpResponse) -> str:
    """Name what an answer means for access."""
    status = response.status_code
    if status == 401 or (status == 302 and response["Location"].startswith(f"{LOGIN}?next=")):
        return "login"
    if status == 302 and response["Location"] == LOGIN and not response.cookies.get("sessionid"):
        return "login"
    by_status = {403: "door", 404: "missing", 405: "method", 409: "in", 422: "in", 503: "in"}
    if status < 400:
        return "in"
    return by_status.get(status, f"status {status}")


def expected(page: Page, role: str, method: str, position: str) -> str:
    """Say by the hand-written table what the answer ought to be."""
    if role not in page.passes & page.only.get(method, page.passes):
        return "login" if role == STRANGER else "door"
    if method not in page.methods:
        return "method"
    if role == STRANGER and page.stranger_gets:
        return page.stranger_gets
    blind = page.sees is not None and role not in page.sees
    return "in" if not page.row or (position in {"own", "child"} and not blind) else "missing"


def address_of(world: World, name: str, page: Page, row: Any) -> str:
    """Return the address of `row` (of the page itself when it has none)."""
    subject = row if page.row else world
    address = reverse(name.partition("?")[0], kwargs=page.key(subject))
    query = urlencode(page.query(subject))
    return f"{address}?{query}" if query else address


def questions(world: World, page: Page, role: str) -> Iterator[tuple[str, Any, str]]:
    """Return position, row and method of every cell of one role.

    What a closed door or an unknown method answers does not depend on the row, so those are asked at one position.
    """
    targets = world.targets(role, page.row) if page.row else {"-": None}
    some = page.methods if page.brief and role not in ("community_worker", "outsider") else METHODS
    for number, (position, row) in enumerate(targets.items()):
        for method in METHODS:
            if (number == 0 and method in some) or (role in page.passes and method in page.methods):
                yield position, row, method


def cells(world: World, name: str, page: Page, roles: tuple[str, ...] = ROLES) -> Iterator[Cell]:
    """Ask all cells of one page."""
    for role in roles:
        for position, row, method in questions(world, page, role):
            form = page.methods.get(method)
            form = form(world) if callable(form) else form
            response = ask(world, role, method, address_of(world, name, page, row), form)
            wanted = expected(page, role, method, position)
            yield Cell(name, role, method, position, wanted, meaning(response), response.status_code)


def unequal_misses(world: World, name: str, page: Page) -> list[str]:
    """Say where a row outside the scope answers differently from a row that does not exist."""
    found = []
    method = "GET" if "GET" in page.methods else "POST"
    for role in sorted(page.passes - {STRANGER}):
        _measured(world, role, method, name, page, missing(page.row))  # so that nothing is read for the first time
        nothing = _measured(world, role, method, name, page, missing(page.row))
        for position, row in world.targets(role, page.row).items():
            if position in {"own", "child"}:
                continue
            foreign = _measured(world, role, method, name, page, row)
            if foreign != nothing:
                found.append(
                    f"{role} {position}: {foreign[:2]} instead of {nothing[:2]}"
                    + _first_difference(foreign[2], nothing[2])
                )
    return found


def _measured(world: World, role: str, method: str, name: str, page: Page, row: Any) -> tuple[int, int, str]:
    form = page.methods.get(method)
    address = address_of(world, name, page, row)
    with CaptureQueriesContext(connection) as queries:
        response = ask(world, role, method, address, form)
    return response.status_code, len(queries), _nameless(response.content.decode(), row)


def _first_difference(one: str, other: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return "" if one == other else f": {one[at - 40 : at + 40]!r} instead of {other[at - 40 : at + 40]!r}"


def _nameless(text: str, row: Any) -> str:
    """Take the row's own name out of a page, which may repeat the address that was asked for."""
    text = unquote(text)
    for name in (getattr(row, "number", None), row.pk):
        # Whole words only: a short key also stands inside other numbers and escapes.
        text = re.sub(rf"(?<!\w){re.escape(str(name))}(?!\w)", "", text) if name else text
    return text


def leaks(world: World, name: str, page: Page, body_of: dict[str, str]) -> list[str]:
    """Say which pages name rows outside the scope of the role that looks."""
    found = []
    for role, body in body_of.items():
        for kind in page.lists:
            targets = world.targets(role, kind)
            for position, row in targets.items():
                shown = any(mark in body for mark in marks(kind, row))
                if shown and position not in {"own", "child"}:
                    found.append(f"{name} shows {role} the {kind} at {position}")
    return found


def marks(kind: str, row: Any) -> tuple[str, ...]:
    """Return the words by which a page would name `row`."""
    if kind == "notice":
        return (f">{row.title}<", f"/inbox/{row.pk}/")
    if kind in {"area", "party", "slot", "pairing"}:
        return (f'data-node="{row.pk}"', f'{{"id" : {row.pk},')
    if kind in {"partner", "resource"}:
        return (f'"id" : "{row.pk}"',)
    if kind == "token":
        return (row.hint, str(row.pk))
    if kind == "allocation":
        return (str(row.pk), row.resource_request.number)
    return (str(row.pk), row.number)
