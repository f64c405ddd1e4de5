"""What each page answers to whom, written down by hand: the code's own tables are not asked.

A URL that is not in PAGES fails the suite. Positions are those of `world.POSITIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.selectors import calendar_token
from requests_board import links
from tests import factories
from tests.access import expectations_api as api
from tests.access.lines import (
    DASHBOARD,
    DISTRICT,
    EVERYBODY,
    HANDLERS,
    IMPORTERS,
    KEEPERS,
    KEEPERS_OF_ACCOUNTS,
    OFFICES,
    OVERSEERS,
    PARTNERS,
    READ,
    SIGNED_IN,
    TREE,
    VIEWERS,
    Page,
)
from tests.access.world import World


def _number(row: Any) -> dict[str, Any]:
    return {"number": row.number}


def _pk(row: Any) -> dict[str, Any]:
    return {"pk": row.pk}


def _export(passes: frozenset[str], code: str, **query: str) -> Page:
    return Page(passes, {**READ, "POST": {"format": "csv"}}, key=lambda w: {"code": code}, query=lambda w: query)


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
    "dashboards:facts": Page(VIEWERS),
    "dashboards:facts?area": Page(VIEWERS, row="area", query=lambda row: {"area": row.pk}),
    "dashboards:needs": Page(DISTRICT, lists=("raised",)),
    "dashboards:runs": Page(DISTRICT, {**READ, "POST": {"key": "11111111-1111-4111-8111-111111111111"}}),
    "dashboards:run": Page(DISTRICT, key=lambda w: {"pk": factories.run(w.town.district).pk}),
    "dashboards:settle": Page(DISTRICT, {"POST": {"give_up": "1", "reason": "库里没有"}}, row="raised", key=_number),
    # The tree of places and party organisations.
    "grids:tree": Page(TREE),
    "grids:tree?open": Page(TREE, row="area", query=lambda row: {"open": row.pk}),
    "grids:tree?of": Page(TREE, row="area", query=lambda row: {"of": row.pk}),
    "grids:step": Page(KEEPERS, {**READ, "POST": {"name": "改了名"}}, row="area", key=_step("edit", _pk)),
    "grids:party_tree": Page(TREE, lists=("party",)),
    "grids:party_tree?open": Page(TREE, row="party", query=lambda row: {"open": row.pk}),
    "grids:party_step": Page(
        KEEPERS, {**READ, "POST": {"name": "改了名", "kind": "area"}}, row="party", key=_step("edit", _pk)
    ),
    # Lists as files: whoever sees the list takes it.
    "export?desk": _export(VIEWERS, "desk"),
    "export?needs": _export(OVERSEERS, "needs"),
    "export?rows": _export(DASHBOARD, "rows", m="open"),
    "export?facts": _export(VIEWERS, "facts"),
    "export?district_needs": _export(DISTRICT, "district_needs"),
    "export?pool": _export(PARTNERS, "pool"),
    "export?month": _export(PARTNERS, "month"),
    "export?areas": _export(KEEPERS, "sheet.areas"),
    "export?posts": _export(frozenset({"security_admin", "first_admin"}), "sheet.posts"),
    "export?partners": _export(OVERSEERS | {"system_admin", "first_admin"}, "sheet.partners"),
    "export?requests": _export(VIEWERS, "sheet.requests"),
    # Everybody's own.
    "notifications:inbox": Page(SIGNED_IN, lists=("notice",)),
    "notifications:read_all": Page(SIGNED_IN, {"POST": {"up_to": "9"}}),
    "notifications:mail_address": Page(SIGNED_IN, {"POST": {"address": ""}}),
    "notifications:open": Page(SIGNED_IN, {"POST": {}}, row="notice", key=_pk),
    "accounts:login": Page(EVERYBODY, {**READ, "POST": {"username": "signer", "password": factories.PASSWORD}}),
    "accounts:logout": Page(EVERYBODY, {"POST": {}}, stranger_gets="login"),
    "accounts:password": Page(SIGNED_IN, {**READ, "POST": {}}),
    "accounts:home": Page(SIGNED_IN),
    # Tables in.
    "api:docs": Page(EVERYBODY),
    "audit:imports": Page(IMPORTERS),
    "audit:import_registry": Page(
        KEEPERS,
        {**READ, "POST": {"pasted": "小区,楼号\n槐荫小区,301号楼"}},
        key=lambda w: {"code": "buildings"},
    ),
    "audit:import_template": Page(KEEPERS, key=lambda w: {"code": "buildings"}),
    "audit:import_run": Page(IMPORTERS, row="import", key=_pk),
    "audit:import_bad": Page(IMPORTERS, row="import", key=_pk),
    "audit:import_step": Page(IMPORTERS, {"POST": {}}, row="import", key=_step("drop", _pk)),
    "accounts:me": Page(SIGNED_IN),
    "accounts:calendar": Page(SIGNED_IN, {"POST": {}}),
    "accounts:tokens": Page(SIGNED_IN, lists=("token",)),
    "accounts:new_token": Page(
        KEEPERS_OF_ACCOUNTS,
        {**READ, "POST": {"name": "x", "username": "signer", "permissions": "view_request", "days": "1"}},
    ),
    "accounts:rotate_token": Page(SIGNED_IN, {"POST": {}}, row="token", key=_pk),
    "accounts:revoke_token": Page(SIGNED_IN, {"POST": {}}, row="token", key=_pk),
    # For machines that watch over the product.
    "audit:healthz": Page(EVERYBODY),
    "audit:healthz_jobs": Page(EVERYBODY),
    # For scripts.
    "api:document": Page(EVERYBODY),
    **api.PAGES,
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
    "api:calendar": (lambda w: {"token": calendar_token(w.users["department_liaison"])}, "token", READ),
}
# Need a file on disk, or have tests of their own.
ELSEWHERE = frozenset({"requests_board:photo", "requests_board:desk_photo", "api:docs_call"})


def _link(world: World) -> dict[str, Any]:
    row = world.rows["request"]["building"]
    return {"number": row.number, "mac": links.tracking_mac(row)}
