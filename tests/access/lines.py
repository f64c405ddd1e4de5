"""Who the roles are together, and what a line of the tables says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.access.world import ROLES

READ: dict[str, Any] = {"GET": {}, "HEAD": {}}

EVERYBODY = frozenset(ROLES)
SIGNED_IN = EVERYBODY - {"stranger"}
PARTNERS = frozenset({"department_liaison", "partner_staff", "other_liaison"})
HANDLERS = frozenset({"street_worker", "community_worker", "far_worker", "grid_worker"})
OFFICES = frozenset({"street_worker", "community_worker", "far_worker"})
VIEWERS = HANDLERS | {"district_official", "building_leader"}
OVERSEERS = OFFICES | {"district_official"}
DASHBOARD = frozenset({"district_official", "street_worker"})
DISTRICT = frozenset({"district_official"})
ADMINS = frozenset({"system_admin", "first_admin"})
KEEPERS = OFFICES | ADMINS
KEEPERS_OF_ACCOUNTS = frozenset({"security_admin", "first_admin"})
# Whoever keeps any registry into which tables are imported; the registry of buildings is kept by KEEPERS.
IMPORTERS = HANDLERS | ADMINS | DISTRICT | {"security_admin"}
TREE = HANDLERS | ADMINS | {"district_official", "security_admin", "auditor"}


@dataclass(frozen=True)
class Page:
    """What one URL answers.

    `passes`: the roles that come through the door. `methods`: what it accepts, with the form that succeeds.
    `row`: the kind of row in the address; it is found at the positions own and child and is missing elsewhere.
    `lists`: the kinds of rows whose numbers or keys the page shows. `sees`: the roles that see any row at all, where
    more come through the door. `stranger_gets`: what a stranger gets where the page's own end is the login page.
    `reaches`: the rows here are not in the state for it, so getting as far as the state machine is passing. `only`:
    methods that fewer roles may use than come through the door. `brief`: methods that it does not have are asked for by
    two roles only, because one class answers for all pages of its kind.
    """

    passes: frozenset[str]
    methods: Mapping[str, Any] = field(default_factory=lambda: READ)
    row: str = ""
    key: Callable[[Any], dict[str, Any]] = lambda row: {}
    query: Callable[[Any], dict[str, Any]] = lambda row: {}
    lists: tuple[str, ...] = ()
    sees: frozenset[str] | None = None
    stranger_gets: str = ""
    reaches: bool = False
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    brief: bool = False
