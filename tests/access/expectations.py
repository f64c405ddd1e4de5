"""What each page answers to whom, written down by hand: the code's own tables are not asked.

A URL that is not in PAGES fails the suite. Positions are those of `world.POSITIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from requests_board import links
from tests import factories
from tests.access.world import ROLES, World

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


@dataclass(frozen=True)
class Page:
    """What one URL answers.

    `passes`: the roles that come through the door. `methods`: what it accepts, with the form that succeeds.
    `row`: the kind of row in the address; it is found at the positions own and child and is missing elsewhere.
    `lists`: the kinds of rows whose numbers or keys the page shows. `sees`: the roles that see any row at all, where
    more come through the door. `stranger_gets`: what a stranger gets where the page's own end is the login page.
    """

    passes: frozenset[str]
    methods: Mapping[str, Any] = field(default_factory=lambda: READ)
    row: str = ""
    key: Callable[[Any], dict[str, Any]] = lambda row: {}
    query: Callable[[Any], dict[str, Any]] = lambda row: {}
    lists: tuple[str, ...] = ()
    sees: frozenset[str] | None = None
    stranger_gets: str = ""


def _number(row: Any) -> dict[str, Any]:
    return {"number": row.number}


def _pk(row: Any) -> dict[str, Any]:
    return {"pk": row.pk}


def _step(step: str, key: Callable[[Any], dict[str, Any]] = _number) -> Callable[[Any], dict[str, Any]]:
    return lambda row: {**key(row), "step": step}


PAGES: dict[str, Page] = {
    # The residents' pages.
    "requests_board:home": Page(EVERYBODY),
    "requests_board:building": Page(EVERYBODY, key=lambda w: {"code": w.town.building.short_code}),
    "requests_board:community": Page(EVERYBODY, key=lambda w: {"code": w.town.community.code}),
    "requests_board:buildings": Page(EVERYBODY, key=lambda w: {"code": w.town.community.code}),
    "requests_board:report": Page(
        EVERYBODY, {**READ, "POST": lambda w: {"place": w.town.building.pk, "text": "灯坏了"}}
    ),
    "requests_board:echo": Page(
        EVERYBODY,
        {"POST": lambda w: {"place": w.town.building.pk, "matter": str(w.rows["request"]["building"].pk)}},
    ),
    "requests_board:feedback": Page(EVERYBODY, {**READ, "POST": {"text": "字再大一点"}}),
    "requests_board:size": Page(EVERYBODY),
    "requests_board:remember": Page(EVERYBODY, {"POST": lambda w: {"place": w.town.community.pk, "keep": "1"}}),
    "requests_board:lookup": Page(
        EVERYBODY, {**READ, "POST": lambda w: {"number": w.rows["request"]["building"].number, "last4": "1234"}}
    ),
    # The desk.
    "requests_board:desk": Page(VIEWERS, lists=("request",)),
    "requests_board:desk?open": Page(VIEWERS, row="request", query=lambda row: {"open": row.number}),
    "requests_board:desk?need": Page(VIEWERS, row="need", sees=OVERSEERS, query=lambda row: {"open": row.number}),
    "requests_board:take_in": Page(HANDLERS, {"GET": {}, "POST": {}}),
    "requests_board:own_need": Page(OFFICES, {"GET": {}, "POST": {}}),
    "requests_board:reveal": Page(OFFICES, {"POST": {"purpose": "回访"}}, row="request", key=_number),
    "requests_board:request_step": Page(HANDLERS, {"POST": {}}, row="request", key=_step("take")),
    "requests_board:need_step": Page(OFFICES, {"POST": {"reason": "不需要了"}}, row="need", key=_step("withdraw")),
    # The partners' pages.
    "requests_board:liaison": Page(PARTNERS, lists=("allocation",)),
    "requests_board:liaison_month": Page(PARTNERS),
    "requests_board:liaison_pool": Page(PARTNERS),
    "requests_board:liaison_allocation": Page(PARTNERS, {"POST": {}}, row="allocation", key=_step("confirm", _pk)),
    "requests_board:liaison_request": Page(PARTNERS, {"POST": {}}, row="request", key=_step("acknowledge")),
    # The district's picture and desk.
    "dashboards:district": Page(DASHBOARD),
    "dashboards:rows": Page(DASHBOARD, query=lambda w: {"m": "open"}, lists=("request",)),
    "dashboards:metrics": Page(DASHBOARD),
    "dashboards:needs": Page(DISTRICT, lists=("raised",)),
    "dashboards:runs": Page(DISTRICT, {**READ, "POST": {"key": "11111111-1111-4111-8111-111111111111"}}),
    "dashboards:run": Page(DISTRICT, key=lambda w: {"pk": factories.run(w.town.district).pk}),
    "dashboards:settle": Page(DISTRICT, {"POST": {"give_up": "1", "reason": "库里没有"}}, row="raised", key=_number),
    # Everybody's own.
    "notifications:inbox": Page(SIGNED_IN, lists=("notice",)),
    "notifications:read_all": Page(SIGNED_IN, {"POST": {"up_to": "9"}}),
    "notifications:mail_address": Page(SIGNED_IN, {"POST": {"address": ""}}),
    "notifications:open": Page(SIGNED_IN, {"POST": {}}, row="notice", key=_pk),
    "accounts:login": Page(EVERYBODY, {**READ, "POST": {"username": "signer", "password": factories.PASSWORD}}),
    "accounts:logout": Page(EVERYBODY, {"POST": {}}, stranger_gets="login"),
    "accounts:password": Page(SIGNED_IN, {**READ, "POST": {}}),
    "accounts:home": Page(SIGNED_IN),
    # For machines that watch over the product.
    "audit:healthz": Page(EVERYBODY),
    "audit:healthz_jobs": Page(EVERYBODY),
    # For scripts.
    "api:requests": Page(VIEWERS | PARTNERS, lists=("request",)),
    "api:request": Page(VIEWERS | PARTNERS, row="request", key=_pk),
    "api:resource_requests": Page(OVERSEERS, lists=("need",)),
    "api:resource_request": Page(OVERSEERS, row="need", key=_pk),
    "api:allocations": Page(OVERSEERS | PARTNERS, lists=("allocation",)),
    "api:allocation": Page(OVERSEERS | PARTNERS, row="allocation", key=_pk),
}

# Pages opened by a signed address: whoever holds it is let in, a changed one answers like none at all.
LINKS: dict[str, tuple[Callable[[World], dict[str, Any]], str, dict[str, Any]]] = {
    "requests_board:track": (lambda w: _link(w), "mac", READ),
    "requests_board:answer_request": (lambda w: _link(w), "mac", {"POST": {"say": "withdraw"}}),
    "requests_board:supply": (lambda w: _link(w), "mac", {"POST": {"more": "三楼的也坏了"}}),
    "requests_board:answer": (
        lambda w: {"token": links.answer_token(w.rows["allocation"]["ours"])},
        "token",
        {**READ, "POST": {"answer": "confirm"}},
    ),
}
# Needs a file on disk; its own test covers it.
ELSEWHERE = frozenset({"requests_board:photo", "requests_board:desk_photo"})


def _link(world: World) -> dict[str, Any]:
    row = world.rows["request"]["building"]
    return {"number": row.number, "mac": links.tracking_mac(row)}
