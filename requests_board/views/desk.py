"""The desk (工作台): the list of what is due, and beside it the one request or need that is open."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from common import access
from common.errors import NotFound
from common.masks import mask_phone
from common.views import wants_fragment
from grids.permissions import can
from requests_board import advice, desk_selectors
from requests_board.desk_forms import NeedForm
from requests_board.models import DispatchPolicy, NotAcceptedReason, ServiceRequest
from requests_board.selectors import cancellable_from, free_slots
from requests_board.workflow import REQUEST_OPEN, AllocationStatus, NeedStatus, RequestStatus

R = RequestStatus
# Which buttons a request offers in which state; the permission is asked again by the action.
OFFERS: dict[str, tuple[str, ...]] = {
    R.SUBMITTED: ("assign", "take", "spot", "refuse", "need"),
    R.ACCEPTED: ("assign", "take", "need"),
    R.REOPENED: ("assign", "take", "need"),
    R.ASSIGNED: ("return",),
    R.IN_PROGRESS: ("resolve", "need"),
    R.RESOLVED: ("visit",),
}

# What the page says after a step with a need; what the step came to is seen in the detail beside it.
NEED_DONE = {
    "undo": "撤回来了", "withdraw": "撤回了，不再找了", "accept": "同意改期了，已经告诉对方",
    "reject": "没有同意，接着问下一家",
    "delivered": "记下了，来过了", "no_show": "记下了，约好了没有来", "reschedule": "改约了，正在问对方",
    "next": "接着问下一家", "evaluate": "评价记下了", "cancel": "取消了，已经告诉对方",
}  # fmt: skip


@access.needs("view_request", "view_resource_request")
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Show the list, and the opened request or need; a script that asks for a part gets the detail alone."""
    if wants_fragment(request) and request.GET.get("open"):
        context = {**_way_back(request), **opened(request, request.GET["open"])}
        return render(request, "requests_board/desk/detail.html", context)
    return page(request)


def page(
    request: HttpRequest, *, status: int = 200, detail: dict[str, Any] | None = None, **extra: Any
) -> HttpResponse:
    """Answer with the whole desk; `detail` replaces what would be read for the opened row."""
    number = request.GET.get("open", "")
    context = {"door": "desk", **_way_back(request), "open_number": number, **_list(request), **extra}
    if detail is not None:
        context |= detail
    elif number:
        context |= opened(request, number)
    if request.GET.get("did"):
        context |= _strip(request, request.GET["did"], context["counts"])
    elif said := NEED_DONE.get(request.GET.get("done", "")):
        context["strip"] = {"said": said, "left": context["counts"]["today"], "seconds": 0}
    return render(request, "requests_board/desk/desk.html", context, status=status)


def list_url(request: HttpRequest, **extra: str) -> str:
    """Return the address of the list that the person came from."""
    keep = {name: request.GET[name] for name in ("f", "q", "after") if request.GET.get(name)}
    query = urlencode({**keep, **extra})
    return reverse("requests_board:desk") + (f"?{query}" if query else "")


def _way_back(request: HttpRequest) -> dict[str, str]:
    """Return the list's address for links, and its query for forms, so that every step leads back to the same list."""
    back = list_url(request)
    _, question, query = back.partition("?")
    return {"back": back, "keep": question + query}


# The list -----------------------------------------------------------------------------------------------------------


def _list(request: HttpRequest) -> dict[str, Any]:
    user, q, tab = request.user, request.GET.get("q", "").strip(), request.GET.get("f", "today")
    counted = desk_selectors.counts(user)
    sees_needs = access.holds(user, "view_resource_request")
    context: dict[str, Any] = {
        "counts": counted,
        "tabs": [{"code": t.code, "label": t.label, "count": counted[t.code]} for t in desk_selectors.TABS.values()],
        "needs_tab": sees_needs,
        "needs_waiting": counted[desk_selectors.NEEDS],
        "can_ask": access.holds(user, "request_resource"),
        "can_take_in": access.holds(user, "handle_request"),
        "q": q,
    }
    if q:
        return {**context, "rows": desk_selectors.search(user, q), "tab": "", "found": True}
    if tab == desk_selectors.NEEDS and sees_needs:
        return {
            **context,
            **_page_of(desk_selectors.need_rows(user, after=_after(request)), "window_start"),
            "tab": tab,
        }
    tab = tab if tab in desk_selectors.TABS else "today"
    return {**context, **_page_of(desk_selectors.rows(user, tab, after=_after(request)), "sort_key"), "tab": tab}


def _page_of(rows: list[Any], key: str) -> dict[str, Any]:
    shown = rows[: desk_selectors.PAGE]
    more = len(rows) > desk_selectors.PAGE
    return {"rows": shown, "next_after": f"{getattr(shown[-1], key).isoformat()}_{shown[-1].pk}" if more else ""}


def _after(request: HttpRequest) -> tuple[datetime, str] | None:
    moment, _, pk = request.GET.get("after", "").partition("_")
    try:
        at, key = parse_datetime(moment), str(UUID(pk))
    except ValueError:
        return None
    return (at, key) if at and at.tzinfo else None


# What just happened -------------------------------------------------------------------------------------------------


def _strip(request: HttpRequest, number: str, counts: dict[str, int]) -> dict[str, Any]:
    """Say what was done, how much is left, and offer to undo it while that is possible."""
    left = counts["today"]
    if number.startswith("Z"):
        need = desk_selectors.need(request.user, number)
        if need is None:
            return {}
        seconds = int(need.undo_left.total_seconds()) if need.status in (NeedStatus.OPEN, NeedStatus.MATCHING) else 0
        chosen = need.standing[-1] if need.standing else None
        said = f"要向{chosen.partner}借：{chosen.resource}" if chosen else f"已提出需求：{need.type} {need.quantity} 份"
        return {"strip": {"said": said, "left": left, "undo": ("need", number), "seconds": max(seconds, 0)}}
    row = desk_selectors.one(request.user, number)
    if row is None:
        return {}
    seconds = 0
    if row.status in (R.ASSIGNED, R.IN_PROGRESS) and row.since_assigned is not None:
        seconds = DispatchPolicy.current().undo_seconds - int(row.since_assigned.total_seconds())
    return {"strip": {"said": _said(row), "left": left, "undo": ("request", number), "seconds": max(seconds, 0)}}


def _said(row: ServiceRequest) -> str:
    if row.status == R.ASSIGNED:
        return f"已派给{row.handler_partner or row.handler_user}"
    if row.status == R.IN_PROGRESS and row.handler_user_id:
        return "记下了，您来办"
    said = {
        R.SUBMITTED: f"收下了，编号 {row.number}", R.ACCEPTED: "撤回来了", R.RESOLVED: "办结了，等居民回话",
        R.NOT_ACCEPTED: "已告诉居民去哪里办", R.CLOSED: "已归档", R.REOPENED: "重新打开了",
    }  # fmt: skip
    return said.get(RequestStatus(row.status), row.get_status_display())


# The detail ---------------------------------------------------------------------------------------------------------


def opened(request: HttpRequest, number: str) -> dict[str, Any]:
    """Return what the detail shows of the request or need with this number; what cannot be seen is not there."""
    number = number.strip().upper()[:16]
    if number.startswith("Z"):
        need = desk_selectors.need(request.user, number)
        if need is None:
            raise NotFound
        return need_detail(request, need)
    row = desk_selectors.one(request.user, number)
    if row is None:
        raise NotFound
    return request_detail(request, row)


def request_detail(request: HttpRequest, row: ServiceRequest, **extra: Any) -> dict[str, Any]:
    """Return one request with its history, and for whom it is meant while it has no handler."""
    offers = _offers(request.user, row)
    reveals = can(request.user, "reveal_contact", row)
    context: dict[str, Any] = {
        "r": row,
        "offers": offers,
        "reveals": reveals,
        "phone": mask_phone(row.phone) if reveals else "****" if row.phone_index else "",
        "history": desk_selectors.same_building(request.user, row),
        "events": desk_selectors.timeline(row),
        "mine": row.handler_user_id == request.user.pk,
    }
    if row.status in REQUEST_OPEN and can(request.user, "handle_request", row):
        context["kinds"] = desk_selectors.kinds()
    if "assign" in offers:
        context["handlers"] = advice.handlers(row)
    if "refuse" in offers:
        context["refusals"] = NotAcceptedReason.objects.filter(active=True)
    if "need" in offers and can(request.user, "request_resource", row):
        context |= _need_part(row)
    return {**context, **extra}


def _offers(user: Any, row: ServiceRequest) -> tuple[str, ...]:
    """Return the buttons for this person; what a partner works on can only be noted as done on its behalf."""
    if not can(user, "handle_request", row):
        return ()
    if row.status == R.IN_PROGRESS and row.handler_partner_id:
        return ("resolve",)
    return OFFERS.get(row.status, ())


def _need_part(row: ServiceRequest) -> dict[str, Any]:
    offer = advice.offer_for(row)
    start, end = (offer.start, offer.end) if offer else advice.usual_window()
    first = {
        "type": offer.type if offer else None,
        "first_day": advice.first_day(start),
        "last_day": advice.last_day(end),
    }
    return {
        "offer": offer,
        "need_form": NeedForm(initial={**first, "quantity": 1, "place": row.place_detail or str(row.area)}),
    }


def need_detail(request: HttpRequest, need: Any, **extra: Any) -> dict[str, Any]:
    """Return one need with everybody who was asked, why, and what the community can say now."""
    standing = need.standing[-1] if need.standing else None
    speaks = can(request.user, "evaluate_allocation", need)
    promised = standing if standing and standing.status == AllocationStatus.CONFIRMED and not standing.begun else None
    slots = free_slots(standing) if standing and speaks and standing.status == AllocationStatus.NO_SHOW else []
    return {
        "n": need,
        "a": standing,
        "speaks": speaks,
        "slots": slots,
        "cancellable": speaks and promised and cancellable_from() <= promised.slot.starts_at,
        "can_withdraw": can(request.user, "request_resource", need)
        and need.status in (NeedStatus.OPEN, NeedStatus.MATCHING, NeedStatus.AT_DISTRICT_DESK),
        "events": desk_selectors.timeline(need, *need.history),
        **extra,
    }
