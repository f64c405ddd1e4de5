"""Everything that can happen to a community's resource request."""

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import User
from clockwork.selectors import db_now
from common.errors import Conflict, Invalid, StepNotAllowed
from grids.models import Area
from grids.permissions import require
from partners import actions as pool
from partners.models import Resource, ResourceType
from requests_board import workflow
from requests_board.actions import dispatch, requests
from requests_board.actions.advance import advance, insert_numbered, once, trace, write
from requests_board.matching import Candidate
from requests_board.models import ResourceRequest, ServiceRequest
from requests_board.selectors import Verdict, ask_the_pool
from requests_board.workflow import AllocationStatus, RequestStatus, Severity


@transaction.atomic
def request_resource(
    *, area: Area, type: ResourceType, quantity: int, window_start: Any, window_end: Any, actor: User,
    place: str = "", urgency: str = Severity.ROUTINE, note: str = "", service_request: ServiceRequest | None = None,
    resource: Resource | None = None, version: int | None = None, pk: UUID | None = None,
) -> ResourceRequest:  # fmt: skip
    """Ask the pool for something, out of a resident's request or out of the community's own need.

    `resource` is the worker's own choice among the candidates; without one the engine takes the best.
    The department is asked when the time for undoing has passed, at once when urgent.
    """
    require(actor, "request_resource", area)
    _check(type, quantity, window_start, window_end)
    if service_request is not None:
        _take_over(service_request, actor, version)
    need = ResourceRequest(
        pk=pk or uuid4(), area=area, type=type, quantity=quantity, window_start=window_start, window_end=window_end,
        place=place.strip(), urgency=urgency, note=note.strip(), service_request=service_request,
        requested_by=actor, dispatch_after=dispatch.ask_time(urgency),
    )  # fmt: skip
    need = insert_numbered(need, prefix="Z")
    trace(need, "resource_request.opened", actor=actor)
    if resource is not None:
        _propose(need, resource)
    dispatch.schedule(need, at=None if urgency == Severity.URGENT else need.dispatch_after)
    return need


def request_once(form_key: UUID | None, *, actor: User, **details: Any) -> ResourceRequest:
    """Ask the pool by a form that may come twice: the same need pressed twice is one need."""

    def same(known: ResourceRequest) -> bool:
        asked = ("area", "type", "quantity", "window_start", "window_end")
        return all(getattr(known, name) == details[name] for name in asked)

    return once(ResourceRequest, form_key, same, lambda pk: request_resource(actor=actor, pk=pk, **details))


@transaction.atomic
def undo(need: ResourceRequest, *, actor: Any) -> ResourceRequest:
    """Take the need back before anyone was asked, and leave the resident's request as it was."""
    need = dispatch.lock_need(need.pk)
    if db_now() >= need.dispatch_after or need.allocations.filter(held_at__isnull=False).exists():
        raise StepNotAllowed("已经问过对方了，不能再撤回。不要了请点“不需要了”。")
    need = withdraw(need, actor=actor, reason="撤回")
    source = need.service_request
    if source is not None and source.status == RequestStatus.IN_PROGRESS:
        advance(source, workflow.RECALL, actor=actor, handler_partner=None, handler_user=None, assigned_at=None)
    return need


@transaction.atomic
def withdraw(need: ResourceRequest, *, actor: Any, reason: str = "") -> ResourceRequest:
    """End a need that is not needed any more; what was held goes back to the pool."""
    need = dispatch.lock_need(need.pk)
    need = advance(need, workflow.WITHDRAW_NEED, actor=actor, reason=reason)
    live = need.allocations.live().first()
    if live is None:
        return need
    if live.status == AllocationStatus.PROPOSED:
        advance(live, workflow.DROP, actor=actor, reason=reason)
    else:
        advance(live, workflow.WITHDRAW_ASK, actor=actor, reason=reason, answer_due_at=None)
        pool.give_back(live.slot_id, live.quantity)
    return need


@transaction.atomic
def settle(need: ResourceRequest, *, actor: Any, resource: Resource) -> ResourceRequest:
    """Let the district name a resource; its department is asked like any other and may still say no."""
    need = dispatch.lock_need(need.pk)
    workflow.SETTLE.check(need.status)
    _propose(need, resource, step=workflow.SETTLE, actor=actor)
    dispatch.schedule(need)
    return need


def give_up(need: ResourceRequest, *, actor: Any, reason: str) -> ResourceRequest:
    """Say openly that the district has nothing for it; counts as a gap of the pool."""
    reason = reason.strip()
    if not reason:
        raise Invalid("请写明为什么满足不了，社区要看的。", field="reason")
    return advance(need, workflow.GIVE_UP, actor=actor, reason=reason, unmet_reason=reason[:200])


def _propose(need: ResourceRequest, resource: Resource, **how: Any) -> None:
    """Propose what a person has named, and keep beside it what the whole pool would have had."""
    named = _named(ask_the_pool(need, only=resource))
    dispatch.propose(need, named, ask_the_pool(need), **how)
    need.refresh_from_db()


def _named(verdict: Verdict) -> Candidate:
    if verdict.best is None:
        words = verdict.refusals[0].sentence if verdict.refusals else "这个资源已经停用。"
        raise Invalid(f"这个资源这次用不了：{words}请换一个。", field="resource")
    return verdict.best


def _check(type: ResourceType, quantity: int, window_start: Any, window_end: Any) -> None:
    if not type.active:
        raise Invalid("这个类型已经停用，请换一个。", field="type")
    if quantity < 1:
        raise Invalid("数量至少是 1。", field="quantity")
    if window_end <= window_start:
        raise Invalid("“最晚”要在“最早”之后。", field="window_end")
    if window_end <= db_now():
        raise Invalid("这段时间已经过去了，请改成以后的时间。", field="window_end")


def _take_over(request: ServiceRequest, actor: User, version: int | None) -> None:
    """Let the worker answer for the request while the pool is asked; a page seen before the last change is refused."""
    locked = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if version is not None and locked.version != version:
        raise Conflict
    if locked.status == RequestStatus.IN_PROGRESS and locked.handler_partner_id is None:
        # Counted up, so that the same button pressed again meets a page that is out of date.
        write(locked, version=locked.version + 1)
        return
    requests.take(locked, actor=actor)
