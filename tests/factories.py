"""One factory per model that many tests need; each makes a real row through the code that writes it."""

from __future__ import annotations

import itertools
from typing import Any

from accounts.models import User
from grids import trees
from grids.models import Area, PartyOrganization, Post
from requests_board.models import DispatchRun

PASSWORD = "Chengguan-2026-ok"
_numbers = itertools.count(1)


def user(username: str = "", *, display_name: str = "", password: str | None = None, **fields: Any) -> Any:
    """Make an account; `password=PASSWORD` for one that signs in through the login page."""
    name = username or f"user{next(_numbers)}"
    return User.objects.create_user(name, password, display_name=display_name or name, **fields)


def area(parent: Area | None, kind: str, name: str = "", **fields: Any) -> Area:
    """Make a place under `parent`."""
    return trees.create_area(parent=parent, kind=kind, name=name or f"{kind}{next(_numbers)}", **fields)


def party(
    parent: PartyOrganization | None, level: str, at: Area, name: str = "", **fields: Any
) -> PartyOrganization:
    """Make a party organisation whose main area is `at`."""
    return trees.create_party_organization(
        parent=parent, level=level, area=at, name=name or f"{level}{next(_numbers)}", **fields
    )


def post(holder: Any, role: str, at: Area, **fields: Any) -> Post:
    """Give `holder` a role at a place, without ending sessions."""
    return Post.objects.create(user=holder, role=role, area=at, **fields)


def run(area: Area) -> DispatchRun:
    """Return the one finished dry run of the batch over `area`."""
    return DispatchRun.objects.get_or_create(key=f"factory:{area.pk}", defaults={"area": area, "dry": True})[0]
