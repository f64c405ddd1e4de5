"""No role sees or does more than its line says: URL configuration × roles × methods × positions, with real rows."""

from __future__ import annotations

import pytest
from django.db import models

from common import access
from requests_board.models import requests as request_models
from tests.access import lines, matrix, pool_rows
from tests.access.expectations import ELSEWHERE, LINKS, PAGES
from tests.access.world import STRANGER, World, make_world, undone

pytestmark = pytest.mark.django_db

ROW_PAGES = [name for name, page in PAGES.items() if page.row]
LIST_PAGES = [name for name, page in PAGES.items() if page.lists]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """The rows and people, made once for all cells; each cell undoes what it did."""
    with django_db_blocker.unblock(), undone():
        made = make_world()
        pool_rows.add(made)
        yield made


def uncovered(doors=None) -> set[str]:
    """Return the URLs that the tables do not know; those of the admin stand in `test_admin_matrix.py`."""
    known = {name.partition("?")[0] for name in PAGES} | set(LINKS) | ELSEWHERE
    found = {door.full_name for door in doors or access.doors() if "admin" not in door.namespaces}
    return found - known


def test_every_url_has_its_line():
    assert uncovered() == set()


def test_a_new_url_without_a_line_is_noticed():
    door = access.Door("x/", "x", ("partners",), lambda http: None)
    assert uncovered([*access.doors(), door]) >= {"partners:x"}


def test_no_line_speaks_of_a_url_that_is_gone():
    names = {door.full_name for door in access.doors()}
    assert {name.partition("?")[0] for name in [*PAGES, *LINKS, *ELSEWHERE]} - names == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_cell_answers_as_its_line_says(world: World, name: str):
    asked = list(matrix.cells(world, name, PAGES[name]))
    assert "\n".join(str(cell) for cell in asked if cell.wrong) == ""
    for method in PAGES[name].methods:
        through = [cell for cell in asked if cell.passed or (PAGES[name].reaches and cell.answer == "in")]
        assert [cell for cell in through if cell.method == method], f"nobody passes {method}"


@pytest.mark.parametrize("name", ROW_PAGES)
def test_a_row_outside_the_scope_answers_like_one_that_is_not_there(world: World, name: str):
    assert matrix.unequal_misses(world, name, PAGES[name]) == []


@pytest.mark.parametrize("name", LIST_PAGES)
def test_a_list_names_no_row_outside_the_scope_and_some_inside(world: World, name: str):
    page = PAGES[name]
    address = matrix.address_of(world, name, page, None)
    bodies = {
        role: matrix.ask(world, role, "GET", address, None).content.decode()
        for role in sorted(page.passes - {STRANGER})
    }
    assert matrix.leaks(world, name, page, bodies) == []
    for kind in page.lists:
        for role, body in bodies.items():
            own = world.targets(role, kind)["own"]
            assert any(mark in body for mark in matrix.marks(kind, own)), (name, role, kind)


@pytest.mark.parametrize("name", LINKS)
def test_a_signed_address_opens_and_a_changed_one_is_like_none(world: World, name: str):
    kwargs_of, signed, methods = LINKS[name]
    kwargs = kwargs_of(world)
    # Signatures are base32 and keys hexadecimal: this sign changes either.
    broken = {**kwargs, signed: ("1" if kwargs[signed][0] == "0" else "0") + kwargs[signed][1:]}
    for role in (STRANGER, "outsider", "far_worker"):
        for method in matrix.METHODS:
            form = methods.get(method)
            right = matrix.ask(world, role, method, matrix.reverse(name, kwargs=kwargs), form)
            wrong = matrix.ask(world, role, method, matrix.reverse(name, kwargs=broken), form)
            assert matrix.meaning(right) == ("in" if method in methods else "method"), (role, method)
            assert matrix.meaning(wrong) == ("missing" if method in methods else "method"), (role, method)


# Controls: the matrix must see a hole when there is one. ---------------------------------------------------------


def test_a_removed_scope_filter_turns_a_row_page_and_a_list_red(world: World, monkeypatch):
    monkeypatch.setattr(request_models.ServiceRequestQuerySet, "visible_to", lambda self, user: self.all())
    wrong = [cell for cell in matrix.cells(world, "api:requests_item", PAGES["api:requests_item"]) if cell.wrong]
    assert {cell.position for cell in wrong} >= {"sibling", "parent", "other"}
    address = matrix.address_of(world, "api:requests", PAGES["api:requests"], None)
    bodies = {"grid_worker": matrix.ask(world, "grid_worker", "GET", address, None).content.decode()}
    assert matrix.leaks(world, "api:requests", PAGES["api:requests"], bodies) != []


def test_a_removed_reach_turns_the_desk_red(world: World, monkeypatch):
    monkeypatch.setattr("requests_board.desk_selectors.within_reach", lambda *args: models.Q())
    wrong = [
        cell
        for cell in matrix.cells(
            world, "requests_board:request_step", PAGES["requests_board:request_step"], ("community_worker",)
        )
        if cell.wrong
    ]
    assert {cell.position for cell in wrong} >= {"sibling", "other"}


def test_a_removed_rule_turns_a_door_red(world: World, monkeypatch):
    monkeypatch.setattr(access.Rule, "allows", lambda self, user: True)
    page = PAGES["requests_board:take_in"]
    assert [c for c in matrix.cells(world, "requests_board:take_in", page, ("outsider",)) if c.wrong]
    assert lines.HANDLERS
