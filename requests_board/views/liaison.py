"""The partners' page: answer what is asked of ours, keep what we promised; and the link that needs no account."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clockwork.selectors import db_now
from common import access
from common.errors import Conflict, Invalid, LinkExpired, NotFound, OutOfCapacity, StepNotAllowed
from common.typed import whole
from partners.models import ResourceSlot
from requests_board import liaison_selectors, links
from requests_board.actions import allocations, requests
from requests_board.models import Allocation, DeclineReason, ServiceRequest
from requests_board.selectors import free_slots
from requests_board.workflow import AllocationStatus

TIMES = 6
# So far back and ahead the months can be leafed through; the calendar itself ends at the year 9999.
YEARS = 20


@access.needs("answer_allocation")
@require_safe
def board(http: HttpRequest) -> HttpResponse:
    """Show what waits for an answer first, then what we promised and what was handed to us."""
    return _board(http)


def _board(http: HttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    asks = liaison_selectors.asks(http.user)
    waiting = [ask for ask in asks if ask.status == AllocationStatus.HELD]
    promised = liaison_selectors.promised(http.user)
    context = {
        "door": "liaison", "part": "board",
        "partners": liaison_selectors.partners_of(http.user),
        "waiting": waiting,
        "countered": [ask for ask in asks if ask.status == AllocationStatus.COUNTERED],
        "weeks": _by_week(promised),
        "handed": liaison_selectors.handed_to_us(http.user),
        "reasons": _reasons() if waiting else [],
        # Other times are read only for the ask that is opened, so that the page's cost does not grow with the list.
        "opened": http.GET.get("ask", ""),
        "times": _times(waiting, http.GET.get("ask", "")),
        **extra,
    }  # fmt: skip
    return render(http, "requests_board/liaison/board.html", context, status=status)


def _reasons() -> Any:
    return DeclineReason.objects.filter(active=True)


def _times(waiting: list[Allocation], opened: str) -> list[ResourceSlot]:
    chosen = next((ask for ask in waiting if str(ask.pk) == opened), None)
    return free_slots(chosen, TIMES) if chosen else []


def _by_week(rows: list[Allocation]) -> list[tuple[date, list[Allocation]]]:
    weeks: dict[date, list[Allocation]] = {}
    for row in rows:
        day = timezone.localtime(row.slot.starts_at).date()
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(row)
    return list(weeks.items())


@access.needs("answer_allocation")
@require_safe
def month(http: HttpRequest) -> HttpResponse:
    """Show a month of promises as a grid."""
    today = timezone.localtime(db_now()).date()
    try:
        first = date.fromisoformat(f"{http.GET.get('m', '')}-01")
    except ValueError:
        first = today.replace(day=1)
    if abs(first.year - today.year) > YEARS:
        raise NotFound
    context = {
        "door": "liaison", "part": "month", "first": first,
        "before": first - timedelta(days=1), "after": first + timedelta(days=32),
        "weeks": liaison_selectors.month(http.user, first, today),
    }  # fmt: skip
    return render(http, "requests_board/liaison/month.html", context)


@access.needs("answer_allocation")
@require_safe
def pool(http: HttpRequest) -> HttpResponse:
    """Show our part of the pool: what is free in the coming weeks, and what people wait for."""
    context = {
        "door": "liaison",
        "part": "pool",
        "stock": liaison_selectors.pool(http.user),
        "weeks": liaison_selectors.WEEKS,
    }
    return render(http, "requests_board/liaison/pool.html", context)


# Steps --------------------------------------------------------------------------------------------------------------


def _decline(row: Allocation, form: Any, actor: Any) -> Allocation:
    reason = DeclineReason.objects.filter(active=True, pk=form.get("reason", "")).first()
    if reason is None:
        raise Invalid("请点一个来不了的原因。", field="reason")
    return allocations.decline(row, actor=actor, reason=reason, note=form.get("note", ""))


def _counter(row: Allocation, form: Any, actor: Any) -> Allocation:
    found = ResourceSlot.objects.filter(pk=whole(form.get("slot", "")) or 0).first()
    if found is None:
        raise Invalid("请点一个能来的时间。", field="slot")
    return allocations.counter(row, actor=actor, slot=found)


ANSWERS: dict[str, Callable[[Allocation, Any, Any], Allocation]] = {
    "confirm": lambda row, form, actor: allocations.confirm(row, actor=actor),
    "decline": _decline,
    "counter": _counter,
}
ALLOCATION_STEPS = {
    **ANSWERS,
    "start": lambda row, form, actor: allocations.start(row, actor=actor),
    "delivered": lambda row, form, actor: allocations.mark_delivered(row, actor=actor),
    "cancel": lambda row, form, actor: allocations.cancel(row, actor=actor, reason=form.get("reason", "")),
}


@access.needs("answer_allocation")
@require_POST
def allocation_step(http: HttpRequest, pk: Any, step: str) -> HttpResponse:
    """Take one step with an allocation that was asked of ours."""
    row = liaison_selectors.one(http.user, pk)
    if row is None or step not in ALLOCATION_STEPS:
        raise NotFound
    try:
        ALLOCATION_STEPS[step](row, http.POST, http.user)
    except (Invalid, Conflict, StepNotAllowed, OutOfCapacity) as error:
        return _board(http, status=error.status, error=error)
    return redirect(f"{reverse('requests_board:liaison')}?did={step}")


REQUEST_STEPS: dict[str, Callable[[ServiceRequest, Any, Any], ServiceRequest]] = {
    "acknowledge": lambda row, form, actor: requests.acknowledge(row, actor=actor),
    "return": lambda row, form, actor: requests.return_order(row, actor=actor, reason=form.get("reason", "")),
    "resolve": lambda row, form, actor: requests.resolve(row, actor=actor, result=form.get("result", "")),
}


@access.needs("answer_allocation")
@require_POST
def request_step(http: HttpRequest, number: str, step: str) -> HttpResponse:
    """Take one step with a resident's request that was handed to ours."""
    row = liaison_selectors.handed(http.user, number)
    if row is None or step not in REQUEST_STEPS:
        raise NotFound
    try:
        REQUEST_STEPS[step](row, http.POST, http.user)
    except (Invalid, Conflict, StepNotAllowed) as error:
        return _board(http, status=error.status, error=error, failed=number, posted=http.POST)
    return redirect(f"{reverse('requests_board:liaison')}?did={step}")


# The link -----------------------------------------------------------------------------------------------------------


@access.by_link
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(http: HttpRequest, token: str) -> HttpResponse:
    """Answer one asking without an account: looking changes nothing, pressing does; an old link says what happened."""
    row = _of_token(token)
    if row.status != AllocationStatus.HELD:
        status = LinkExpired.status if row.status == AllocationStatus.EXPIRED else 200
        return _answered(http, row, token, status=status)
    if row.late:
        return _answered(http, row, token, status=LinkExpired.status)
    if http.method != "POST":
        return _ask(http, row, token)
    step = http.POST.get("answer", "")
    if step not in ANSWERS:
        return _ask(http, row, token, error=Invalid("请点一个答复。"))
    try:
        ANSWERS[step](row, http.POST, allocations.liaison_by_link(row))
    except (Invalid, OutOfCapacity) as error:
        return _ask(http, row, token, error=error)
    except (Conflict, StepNotAllowed) as error:
        return _answered(http, _of_token(token), token, status=error.status)
    return redirect("requests_board:answer", token=token)


def _of_token(token: str) -> Any:
    read = links.read_answer_token(token)
    row = liaison_selectors.by_token(read[0]) if read else None
    if read is None or row is None:
        raise NotFound
    if row.asks != read[1]:
        raise LinkExpired("这个链接已经换新，请用最近收到的那一个，或者登录后在本单位页面里答复。")
    return row


def _ask(http: HttpRequest, row: Allocation, token: str, error: Any = None) -> HttpResponse:
    context = {"a": row, "token": token, "error": error, "reasons": _reasons(), "times": free_slots(row, TIMES)}
    return render(http, "requests_board/liaison/answer.html", context, status=error.status if error else 200)


def _answered(http: HttpRequest, row: Allocation, token: str, *, status: int) -> HttpResponse:
    return render(http, "requests_board/liaison/answered.html", {"a": row, "token": token}, status=status)
