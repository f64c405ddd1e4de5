"""The desk's buttons: each parses its form, calls one action and goes back to the list."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.actions import record_read
from common import access
from common.errors import Conflict, Invalid, NotAllowed, NotFound, OutOfCapacity, StepNotAllowed
from common.typed import whole
from grids.permissions import can
from partners.models import ResourceSlot
from requests_board import advice, desk_selectors
from requests_board.actions import allocations, needs, requests
from requests_board.desk_forms import IntakeForm, NeedForm, OwnNeedForm
from requests_board.links import form_key, read_form_key
from requests_board.models import Allocation, NotAcceptedReason, ResourceRequest, ServiceRequest
from requests_board.views import desk
from requests_board.views.tracking import picture

Form = Any


def _row(model: type[models.Model], key: Any, field: str, words: str) -> Any:
    try:
        found = model._default_manager.filter(pk=key).first() if key else None
    except (ValueError, TypeError, ValidationError):
        found = None
    if found is None:
        raise Invalid(words, field=field)
    return found


def _version(form: Form) -> int | None:
    return whole(form.get("version", ""))


# Requests -----------------------------------------------------------------------------------------------------------


def _assign(row: ServiceRequest, form: Form, user: Any) -> Any:
    # Only whom the page offers: the request's words are not for a firm of another place or one that has left.
    offered = (handler.partner for handler in advice.handlers(row))
    partner = next((firm for firm in offered if str(firm.pk) == form.get("partner")), None)
    if partner is None:
        raise Invalid("请选派给哪一家。", field="partner")
    return requests.assign(row, partner=partner, actor=user, note=form.get("note", "")[:200], version=_version(form))


def _refuse(row: ServiceRequest, form: Form, user: Any) -> Any:
    reason = _row(NotAcceptedReason, form.get("reason"), "reason", "请选一个不予受理的原因。")
    return requests.not_accept(row, actor=user, reason=reason, version=_version(form))


def _need(row: ServiceRequest, form: Form, user: Any) -> Any:
    filled = NeedForm(form)
    if not filled.is_valid():
        field, words = next(iter(filled.errors.items()))
        raise Invalid(str(words[0]), field=field)
    details = filled.details()
    return needs.request_resource(area=row.area, actor=user, service_request=row, version=_version(form), **details)


def _classify(row: ServiceRequest, form: Form, user: Any) -> Any:
    category = desk_selectors.kinds().filter(pk=form.get("category", "")).first()
    if category is None:
        raise Invalid("请选一个类别。", field="category")
    return requests.classify(row, category=category, actor=user, version=_version(form))


REQUEST_STEPS: dict[str, Callable[[ServiceRequest, Form, Any], Any]] = {
    "assign": _assign,
    "take": lambda row, form, user: requests.take(row, actor=user, version=_version(form)),
    "spot": lambda row, form, user: requests.solve_on_spot(
        row, actor=user, result=form.get("result", ""), version=_version(form)
    ),
    "refuse": _refuse,
    "resolve": lambda row, form, user: requests.resolve(
        row, actor=user, result=form.get("result", ""), version=_version(form)
    ),
    "return": lambda row, form, user: requests.return_order(row, actor=user, reason=form.get("reason", "")),
    "good": lambda row, form, user: requests.confirm_ok(row, actor=user, rating=form.get("rating", "")),
    "reopen": lambda row, form, user: requests.dissatisfied(row, actor=user, reason=form.get("reason", "")),
    "undo": lambda row, form, user: requests.recall(row, actor=user),
    "need": _need,
    "classify": _classify,
}


@access.needs("handle_request")
@require_POST
def request_step(http: HttpRequest, number: str, step: str) -> HttpResponse:
    """Take one step with a request that lies where the person works."""
    row = desk_selectors.one(http.user, number)
    if row is None or step not in REQUEST_STEPS:
        raise NotFound
    try:
        done = REQUEST_STEPS[step](row, http.POST, http.user)
    except Invalid as error:
        detail = desk.request_detail(http, row, error=error, posted=http.POST, failed=step)
        if step == "need" and "need_form" in detail:
            # What was typed stays, so that only the mistake has to be mended.
            detail["need_form"] = NeedForm(http.POST, initial=detail["need_form"].initial)
        return desk.page(http, status=error.status, detail=detail, open_number=number)
    except (Conflict, StepNotAllowed, OutOfCapacity) as error:
        return _overtaken(http, number, error)
    # Whoever said what kind it is goes on with the same request.
    shown = {"open": done.number} if step == "classify" else {"did": done.number}
    return redirect(desk.list_url(http, **shown))


@access.needs("reveal_contact")
@require_POST
def reveal(http: HttpRequest, number: str) -> HttpResponse:
    """Show the whole phone number once, after noting who looks and what for."""
    row = desk_selectors.one(http.user, number)
    if row is None:
        raise NotFound
    if not can(http.user, "reveal_contact", row):
        raise NotAllowed
    purpose = http.POST.get("purpose", "").strip()[:60]
    if not purpose:
        error = Invalid("请选一下看电话是为了什么。", field="purpose")
        return desk.page(
            http, status=error.status, detail=desk.request_detail(http, row, error=error), open_number=number
        )
    record_read(actor=http.user, subject_type=row._meta.label_lower, subject_id=row.pk, field="phone", purpose=purpose)
    detail = desk.request_detail(http, row, shown={"phone": row.phone, "name": row.contact_name})
    return desk.page(http, detail=detail, open_number=number)


@access.needs("view_request")
@require_safe
def photo(http: HttpRequest, number: str, pk: Any) -> HttpResponseBase:
    """Show a resident's photo to those who see the request; files have no address of their own."""
    row = desk_selectors.one(http.user, number)
    found = row.photos.filter(pk=pk).first() if row is not None else None
    if found is None:
        raise NotFound
    return picture(found)


def _overtaken(http: HttpRequest, number: str, error: Any) -> HttpResponse:
    """Say that somebody was faster, who and with what, and where to look."""
    row = desk_selectors.need(http.user, number) if number.startswith("Z") else desk_selectors.one(http.user, number)
    events = desk_selectors.timeline(row) if row is not None else []
    context = {
        "door": "desk", "row": row, "last": events[-1] if events else None, "error": error,
        "title": Truncator(getattr(row, "text", None) or str(getattr(row, "type", ""))).chars(40),
        "again": desk.list_url(http, open=number), "back": desk.list_url(http),
        # A rule that says no in words of its own is not somebody else's quicker hand.
        "slower": isinstance(error, Conflict) or error.message == error.default_message,
    }  # fmt: skip
    return render(http, "requests_board/desk/overtaken.html", context, status=error.status)


# Needs and allocations ----------------------------------------------------------------------------------------------


def _slot(form: Form) -> ResourceSlot:
    return _row(ResourceSlot, form.get("slot"), "slot", "请选一个时段。")


def _of(need: Any) -> Allocation:
    if not need.standing:
        raise StepNotAllowed
    return need.standing[-1]


NEED_STEPS: dict[str, Callable[[ResourceRequest, Form, Any], Any]] = {
    "undo": lambda need, form, user: needs.undo(need, actor=user),
    "withdraw": lambda need, form, user: needs.withdraw(need, actor=user, reason=form.get("reason", "")),
    "accept": lambda need, form, user: allocations.accept_counter(_of(need), actor=user),
    "reject": lambda need, form, user: allocations.reject_counter(_of(need), actor=user, reason=form.get("reason", "")),
    "delivered": lambda need, form, user: allocations.mark_delivered(_of(need), actor=user),
    "no_show": lambda need, form, user: allocations.report_no_show(
        _of(need), actor=user, reason=form.get("reason", "")
    ),
    "reschedule": lambda need, form, user: allocations.reschedule(_of(need), actor=user, slot=_slot(form)),
    "next": lambda need, form, user: allocations.close_no_show(_of(need), actor=user),
    "evaluate": lambda need, form, user: allocations.evaluate(
        _of(need), actor=user, rating=form.get("rating", ""), comment=form.get("comment", "")
    ),
    "cancel": lambda need, form, user: allocations.cancel(
        _of(need), actor=user, reason=form.get("reason", ""), not_needed=form.get("not_needed") == "1"
    ),
}


@access.needs("request_resource", "evaluate_allocation")
@require_POST
def need_step(http: HttpRequest, number: str, step: str) -> HttpResponse:
    """Take one step with a need of the person's community, or with the allocation that stands for it."""
    need = desk_selectors.need(http.user, number)
    if need is None or step not in NEED_STEPS:
        raise NotFound
    try:
        NEED_STEPS[step](need, http.POST, http.user)
    except Invalid as error:
        detail = desk.need_detail(http, need, error=error, posted=http.POST)
        return desk.page(http, status=error.status, detail=detail, open_number=number)
    except (Conflict, StepNotAllowed, OutOfCapacity) as error:
        return _overtaken(http, number, error)
    return redirect(desk.list_url(http, open=number, done=step))


@access.needs("handle_request")
@require_http_methods(["GET", "POST"])
def take_in(http: HttpRequest) -> HttpResponse:
    """Write down a call or a visit for somebody who does not report it themselves."""
    form = IntakeForm(http.POST or None, user=http.user)
    if http.method == "POST" and form.is_valid():
        user: Any = http.user
        row = requests.submit_once(read_form_key(http.POST.get("once", "")), actor=user, **form.details())
        return redirect(desk.list_url(http, did=row.number, open=row.number))
    status = 422 if form.is_bound else 200
    context = {"form": form, "door": "desk", "once": form_key(http.POST.get("once", ""))}
    return render(http, "requests_board/desk/take_in.html", context, status=status)


@access.needs("request_resource")
@require_http_methods(["GET", "POST"])
def own_need(http: HttpRequest) -> HttpResponse:
    """Ask the pool for something that the community itself needs; shows who could come before it is sent."""
    start, end = advice.usual_window()
    first = {"first_day": advice.first_day(start), "last_day": advice.last_day(end)}
    form = OwnNeedForm(http.POST or None, user=http.user, initial=first)
    form.initial["area"] = next(iter(form.known), "")
    context: dict[str, Any] = {"form": form, "door": "desk", "once": form_key(http.POST.get("once", ""))}
    if http.method == "POST" and form.is_valid():
        details = form.details() | {"area": form.cleaned_data["area"]}
        if http.POST.get("look") != "1":
            return _ask(http, form, details, context)
        asked = {"type": details["type"], "quantity": details["quantity"], "area": details["area"]}
        context["offer"] = advice.ask(**asked, start=details["window_start"], end=details["window_end"])
    failed = form.is_bound and not form.is_valid()
    return render(http, "requests_board/desk/own_need.html", context, status=422 if failed else 200)


def _ask(http: HttpRequest, form: OwnNeedForm, details: dict[str, Any], context: dict[str, Any]) -> HttpResponse:
    user: Any = http.user
    try:
        need = needs.request_once(read_form_key(http.POST.get("once", "")), actor=user, **details)
    except Invalid as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return render(http, "requests_board/desk/own_need.html", context, status=error.status)
    return redirect(desk.list_url(http, f=desk_selectors.NEEDS, did=need.number, open=need.number))
