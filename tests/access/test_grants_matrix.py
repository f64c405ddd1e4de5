"""Who enters the pages of groups, grants and exceptions: every page × roles × GET and POST, with real rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from clockwork.selectors import db_now
from grids.actions import grants, groups
from grids.models import AreaGroupPermission, AreaUserPermission, RowGrant
from tests.access import matrix
from tests.access.world import ROLES, World, make_world, undone

pytestmark = pytest.mark.django_db

KEEPERS = ("security_admin", "first_admin")
MODELS = (Group, AreaGroupPermission, AreaUserPermission, RowGrant)
# Page → what GET and POST answer to whoever keeps posts: rows are given and ended, only groups are changed.
PAGES: dict[str, tuple[bool, bool]] = {
    "changelist": (True, True), "add": (True, True), "change": (True, False), "history": (True, True),
    "delete": (False, False),
}  # fmt: skip
Cell = tuple[str, str, str, bool, int]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One row of each kind."""
    with django_db_blocker.unblock(), undone():
        world = make_world()
        group = groups.create_group("巡查组")
        for holder in (group, world.town.outsider):
            grants.grant(holder, "view_pool", world.town.estate)
        until = db_now() + timedelta(days=3)
        row = world.rows["request"]["far_building"]
        grants.make_exception(group, "view_request", row, until=until, reason="顶班")
        for user in world.users.values():
            user.refresh_from_db()
        world.sign_everybody_in()
        yield world


def addresses() -> Iterator[tuple[str, str, bool]]:
    """Walk address, method and whether it opens to whoever keeps posts."""
    for model in MODELS:
        row = model._default_manager.first()
        for page, opens in PAGES.items():
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
            key = [row.pk] if page in ("change", "history", "delete") else []
            changes = model is Group and page == "change"
            for method, opened in zip(("GET", "POST"), opens, strict=True):
                yield reverse(name, args=key), method, opened or changes
    yield reverse("admin:grids_sight"), "GET", True
    yield reverse("admin:grids_sight") + "?person=outsider", "GET", True


def wrong(world: World, roles: tuple[str, ...] = ROLES) -> list[Cell]:
    """Ask every cell, and keep those that answer otherwise than expected."""
    found = []
    for address, method, opened in addresses():
        for role in roles:
            status = matrix.ask(world, role, method, address, {}).status_code
            expected = opened and role in KEEPERS
            if (status == 200 or (status == 302 and role in KEEPERS)) != expected:
                found.append((role, method, address, expected, status))
    return found


def test_only_whoever_keeps_posts_enters_the_pages_of_grants(world: World):
    assert wrong(world) == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_a_page_without_its_guard_turns_red(world: World, monkeypatch: Any, model: Any):
    guard = lambda self, request, obj=None: True  # noqa: E731
    monkeypatch.setattr(type(admin.site._registry[model]), "has_view_permission", guard)
    assert any(cell[0] == "system_admin" and not cell[3] for cell in wrong(world, ("system_admin",)))
