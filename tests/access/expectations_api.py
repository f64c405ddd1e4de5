"""What each operation of the machine interface answers to whom, written down by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.access.lines import (
    ADMINS,
    DISTRICT,
    HANDLERS,
    OFFICES,
    OVERSEERS,
    PARTNERS,
    READ,
    SIGNED_IN,
    VIEWERS,
    Page,
)

POOL = HANDLERS | DISTRICT | ADMINS
KEEPERS = OFFICES | DISTRICT | ADMINS


def _id(row: Any) -> dict[str, Any]:
    return {"id": row.pk}


def _read(passes: frozenset[str], row: str) -> Page:
    return Page(passes, READ, row=row, key=_id, brief=True)


def _list(passes: frozenset[str], *kinds: str) -> Page:
    return Page(passes, READ, lists=kinds, brief=True)


def _one(key: Callable[[Any], Any]) -> Page:
    return Page(SIGNED_IN, READ, key=lambda world: {"id": key(world)}, brief=True)


def _do(passes: frozenset[str], row: str, reaches: bool = True, **body: Any) -> Page:
    return Page(passes, {"POST": body}, row=row, key=_id, reaches=reaches, brief=True)


_EITHER = OFFICES | PARTNERS
PAGES: dict[str, Page] = {
    # Requests.
    "api:requests": Page(
        VIEWERS | PARTNERS, {**READ, "POST": {"text": "灯坏了"}}, lists=("request",), only={"POST": HANDLERS},
        reaches=True, brief=True,
    ),
    "api:requests_item": _read(VIEWERS | PARTNERS, "request"),
    "api:requests_trail": _read(VIEWERS, "request"),
    "api:requests_photos": _read(VIEWERS, "request"),
    "api:requests_photo": Page(
        VIEWERS, READ, row="photo", key=lambda row: {"id": row.request_id, "photo": row.pk}, brief=True
    ),
    "api:requests_accept": _do(HANDLERS, "request", reaches=False),
    "api:requests_not_accept": _do(HANDLERS, "request", reaches=False, reason="other"),
    "api:requests_solve_on_spot": _do(HANDLERS, "request", reaches=False, result="换好了"),
    "api:requests_assign": _do(HANDLERS, "request", partner="7d1f0a5e-3c1b-4e7a-9a53-0f5f3f6f2b11"),
    "api:requests_take": _do(HANDLERS, "request", reaches=False),
    "api:requests_recall": _do(HANDLERS, "request"),
    "api:requests_return": _do(HANDLERS | PARTNERS, "request", reaches=False, reason="不归我们"),
    "api:requests_acknowledge": _do(HANDLERS | PARTNERS, "request", reaches=False),
    "api:requests_resolve": _do(HANDLERS | PARTNERS, "request", result="换好了"),
    "api:requests_confirm": _do(HANDLERS, "request", rating="good"),
    "api:requests_reopen": _do(HANDLERS, "request"),
    "api:requests_answer_finally": _do(HANDLERS, "request", result="解释过了"),
    "api:requests_withdraw": _do(HANDLERS, "request", reaches=False),
    "api:requests_classify": _do(HANDLERS, "request", reaches=False, category="010101"),
    "api:requests_resource_requests": _do(OFFICES, "request"),
    # Needs.
    "api:resource_requests": Page(
        OVERSEERS, {**READ, "POST": {}}, lists=("need",), only={"POST": OFFICES}, reaches=True, brief=True
    ),
    "api:resource_requests_item": _read(OVERSEERS, "need"),
    "api:resource_requests_trail": _read(OVERSEERS, "need"),
    "api:resource_requests_undo": _do(OFFICES, "need"),
    "api:resource_requests_withdraw": _do(OFFICES, "need", reaches=False),
    "api:resource_requests_settle": _do(DISTRICT, "raised"),
    "api:resource_requests_give_up": _do(DISTRICT, "raised", reaches=False, reason="库里没有"),
    # Allocations.
    "api:allocations": _list(OVERSEERS | PARTNERS, "allocation"),
    "api:allocations_item": _read(OVERSEERS | PARTNERS, "allocation"),
    "api:allocations_trail": _read(OVERSEERS, "allocation"),
    "api:allocations_explanation": _read(OVERSEERS, "allocation"),
    "api:allocations_confirm": _do(PARTNERS, "allocation", reaches=False),
    "api:allocations_decline": _do(PARTNERS, "allocation", reaches=False, reason="busy"),
    "api:allocations_counter": _do(PARTNERS, "allocation"),
    "api:allocations_accept_counter": _do(OFFICES, "allocation"),
    "api:allocations_reject_counter": _do(OFFICES, "allocation"),
    "api:allocations_start": _do(_EITHER, "allocation"),
    "api:allocations_deliver": _do(_EITHER, "allocation"),
    "api:allocations_no_show": _do(OFFICES, "allocation"),
    "api:allocations_reschedule": _do(OFFICES, "allocation"),
    "api:allocations_close_no_show": _do(OFFICES, "allocation"),
    "api:allocations_evaluate": _do(OFFICES, "allocation", rating="good"),
    "api:allocations_cancel": _do(_EITHER, "allocation", reason="停电"),
    "api:allocations_preempt": _do(DISTRICT, "allocation", reason="防汛"),
    # Places, partners and their pool.
    "api:areas": _list(POOL | VIEWERS, "area"),
    "api:areas_item": _read(POOL | VIEWERS, "area"),
    "api:party_organizations": _list(KEEPERS, "party"),
    "api:party_organizations_item": _read(KEEPERS, "party"),
    "api:partners": _list(KEEPERS | PARTNERS, "partner"),
    "api:partners_item": _read(KEEPERS | PARTNERS, "partner"),
    "api:resources": _list(POOL | PARTNERS, "resource"),
    "api:resources_item": _read(POOL | PARTNERS, "resource"),
    "api:slots": _list(POOL | PARTNERS, "slot"),
    "api:slots_item": _read(POOL | PARTNERS, "slot"),
    "api:pairings": _list(KEEPERS | PARTNERS, "pairing"),
    "api:pairings_item": _read(KEEPERS | PARTNERS, "pairing"),
    # What a district sets for itself.
    "api:categories": _list(SIGNED_IN),
    "api:categories_item": _one(lambda w: "010101"),
    "api:resource_types": _list(SIGNED_IN),
    "api:resource_types_item": _one(lambda w: w.pool.type.pk),
    "api:decline_reasons": _list(SIGNED_IN),
    "api:decline_reasons_item": _one(lambda w: w.pool.busy.pk),
    "api:not_accepted_reasons": _list(SIGNED_IN),
    "api:not_accepted_reasons_item": _one(lambda w: w.pool.not_ours.pk),
    # Everybody's own.
    "api:notices": _list(SIGNED_IN),
    "api:notices_item": _read(SIGNED_IN, "notice"),
    "api:notices_read": _do(SIGNED_IN, "notice", reaches=False),
}
