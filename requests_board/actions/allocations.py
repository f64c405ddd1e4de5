"""Everything that can happen to an allocation after the department was asked."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.db import transaction
from django.utils.timezone import localtime

from clockwork.selectors import db_now, deadline
from common.errors import Invalid, NotAllowed, StepNotAllowed
from partners import actions as pool
from partners.models import ResourceSlot
from requests_board import workflow
from requests_board.actions import dispatch, requests
from requests_board.actions.advance import advance
from requests_board.models import Allocation, DeclineReason, DispatchPolicy, ResourceRequest
from requests_board.permissions import ENGINE, LinkHolder
from requests_board.selectors import cancellable_from
from requests_board.workflow import AllocationStatus, Rating, RequestStatus

P = ParamSpec("P")


def liaison_by_link(allocation: Allocation) -> LinkHolder:
    """Return the actor for whoever holds the allocation's answer link."""
    return LinkHolder(str(allocation.pk), "联络员（链接）")


def _under_the_needs_lock(
    action: Callable[Concatenate[Allocation, ResourceRequest, P], Allocation],
) -> Callable[Concatenate[Allocation, P], Allocation]:
    """Run an action in one transaction with the need locked first, then the allocation as it stands now."""

    @wraps(action)
    def locked(allocation: Allocation, *args: P.args, **kwargs: P.kwargs) -> Allocation:
        with transaction.atomic():
            need = dispatch.lock_need(allocation.resource_request_id)
            fresh = Allocation.objects.select_related("slot", "resource", "partner").get(pk=allocation.pk)
            return action(fresh, need, *args, **kwargs)

    return locked


@_under_the_needs_lock
def confirm(allocation: Allocation, need: ResourceRequest, *, actor: Any) -> Allocation:
    """Give the department's word: from now on it is a promise."""
    allocation = advance(allocation, workflow.CONFIRM, actor=actor, answer_due_at=None)
    advance(need, workflow.PROMISE, actor=ENGINE)
    return allocation


@_under_the_needs_lock
def decline(
    allocation: Allocation, need: ResourceRequest, *, actor: Any, reason: DeclineReason, note: str = ""
) -> Allocation:
    """Say no with a reason; the slot is free again and the next candidate is asked."""
    allocation = advance(
        allocation, workflow.DECLINE, actor=actor, reason=reason.label, decline_reason=reason,
        decline_note=note.strip()[:120], answer_due_at=None,
    )  # fmt: skip
    pool.give_back(allocation.slot_id, allocation.quantity)
    dispatch.next_candidate(need, reason=reason.label)
    return allocation


@_under_the_needs_lock
def counter(allocation: Allocation, need: ResourceRequest, *, actor: Any, slot: ResourceSlot) -> Allocation:
    """Propose another time of the same resource: the new slot is held, the old one freed; the community decides."""
    if slot.resource_id != allocation.resource_id or slot.pk == allocation.slot_id:
        raise Invalid("请选同一个资源的另一个时段。", field="slot")
    if slot.starts_at <= db_now():
        raise Invalid("这个时段已经开始了，请选以后的时段。", field="slot")
    old = allocation.slot_id
    allocation = advance(
        allocation, workflow.COUNTER, actor=actor, slot=slot, previous_slot_id=old,
        answer_due_at=deadline("allocation.answer", db_now()),
    )  # fmt: skip
    pool.swap(old, slot.pk, allocation.quantity)
    return allocation


@_under_the_needs_lock
def accept_counter(allocation: Allocation, need: ResourceRequest, *, actor: Any) -> Allocation:
    """Take the other time; the department has named it itself, so this is a promise."""
    allocation = advance(allocation, workflow.ACCEPT_COUNTER, actor=actor, answer_due_at=None)
    advance(need, workflow.PROMISE, actor=ENGINE)
    return allocation


@_under_the_needs_lock
def reject_counter(allocation: Allocation, need: ResourceRequest, *, actor: Any, reason: str = "") -> Allocation:
    """Let the other time go; the next candidate is asked."""
    allocation = advance(allocation, workflow.REJECT_COUNTER, actor=actor, reason=reason, answer_due_at=None)
    pool.give_back(allocation.slot_id, allocation.quantity)
    dispatch.next_candidate(need, reason="改的时间社区不方便")
    return allocation


@_under_the_needs_lock
def expire(allocation: Allocation, need: ResourceRequest) -> Allocation:
    """Let go what nobody answered in time, by the database's clock; the next candidate is asked."""
    if allocation.answer_due_at is None or allocation.answer_due_at > db_now():
        raise StepNotAllowed("还没有到答复期限。")
    allocation = advance(allocation, workflow.EXPIRE, actor=ENGINE, reason="到期没有答复", answer_due_at=None)
    pool.give_back(allocation.slot_id, allocation.quantity)
    dispatch.next_candidate(need, reason="到期没有答复")
    return allocation


def start(allocation: Allocation, *, actor: Any) -> Allocation:
    """Note that the service has begun; nobody has to. Refused before its time: what has begun can be no no-show."""
    if allocation.slot.starts_at > db_now():
        raise StepNotAllowed("还没到约定的时间，到时候再点“开始了”。")
    return advance(allocation, workflow.START, actor=actor)


@_under_the_needs_lock
def mark_delivered(allocation: Allocation, need: ResourceRequest, *, actor: Any) -> Allocation:
    """Note that the service was rendered; refused before its time has come."""
    if allocation.slot.starts_at > db_now():
        raise StepNotAllowed("还没到约定的时间，到时候再点“已送达”。")
    allocation = advance(allocation, workflow.DELIVER, actor=actor)
    advance(need, workflow.FULFIL, actor=ENGINE)
    return allocation


@_under_the_needs_lock
def report_no_show(allocation: Allocation, need: ResourceRequest, *, actor: Any, reason: str = "") -> Allocation:
    """Note that nobody came; refused before the slot has ended."""
    if allocation.slot.ends_at > db_now():
        raise StepNotAllowed("约定的时间还没有结束，结束以后再记“没来”。")
    allocation = advance(allocation, workflow.REPORT_NO_SHOW, actor=actor, reason=reason)
    dispatch.break_promise(need, reason="约好了没有来", again=False)
    return allocation


@_under_the_needs_lock
def reschedule(allocation: Allocation, need: ResourceRequest, *, actor: Any, slot: ResourceSlot) -> Allocation:
    """Ask the same department again for another time after a no-show."""
    if slot.resource_id != allocation.resource_id or slot.starts_at <= db_now():
        raise Invalid("请选同一个资源以后的时段。", field="slot")
    old = allocation.slot_id
    allocation = advance(allocation, workflow.RESCHEDULE, actor=actor, slot=slot, previous_slot_id=old)
    pool.give_back(old, allocation.quantity)
    need = advance(need, workflow.MATCH, actor=ENGINE)
    dispatch.schedule(need)
    return allocation


@_under_the_needs_lock
def close_no_show(allocation: Allocation, need: ResourceRequest, *, actor: Any) -> Allocation:
    """Leave the no-show as it is and ask the next candidate."""
    allocation = advance(allocation, workflow.CLOSE_NO_SHOW, actor=actor)
    dispatch.schedule(need)
    return allocation


@_under_the_needs_lock
def evaluate(
    allocation: Allocation, need: ResourceRequest, *, actor: Any, rating: str, comment: str = ""
) -> Allocation:
    """Say how it was; closes the need, and reports the work done on the resident's request it came from."""
    if rating not in Rating.values or rating == Rating.NONE:
        raise Invalid("请选一个评价。", field="rating")
    comment = comment.strip()[:200]
    allocation = advance(allocation, workflow.EVALUATE_STEP, actor=actor, rating=rating, comment=comment)
    _close(need, allocation, actor)
    return allocation


@_under_the_needs_lock
def auto_evaluate(allocation: Allocation, need: ResourceRequest) -> Allocation:
    """Close after the silence that the policy allows; silence is no rating."""
    allocation = advance(allocation, workflow.AUTO_EVALUATE, actor=ENGINE)
    _close(need, allocation, ENGINE)
    return allocation


@_under_the_needs_lock
def cancel(
    allocation: Allocation, need: ResourceRequest, *, actor: Any, reason: str, not_needed: bool = False
) -> Allocation:
    """Call off a promise in good time; the need is dispatched again unless it is `not_needed` any more."""
    reason = reason.strip()
    if not reason:
        raise Invalid("请写明为什么取消，对方要看的。", field="reason")
    if cancellable_from() > allocation.slot.starts_at:
        raise StepNotAllowed("离约定的时间太近，不能在网上取消，请直接打电话商量。")
    allocation = advance(allocation, workflow.CANCEL, actor=actor, reason=reason)
    pool.give_back(allocation.slot_id, allocation.quantity)
    need = dispatch.break_promise(need, reason=reason, again=not not_needed)
    if not_needed:
        advance(need, workflow.WITHDRAW_NEED, actor=actor, reason=reason)
    return allocation


@_under_the_needs_lock
def preempt(allocation: Allocation, need: ResourceRequest, *, actor: Any, reason: str) -> Allocation:
    """Take a promised slot for an emergency; refused unless an emergency order is in force."""
    order = DispatchPolicy.current().emergency_order
    if not order:
        raise NotAllowed("现在是平时，不能征用已经约好的资源。")
    allocation = advance(allocation, workflow.PREEMPT, actor=actor, reason=f"{order}：{reason.strip()}")
    pool.give_back(allocation.slot_id, allocation.quantity)
    dispatch.break_promise(need, reason=f"应急征用（{order}）")
    return allocation


def _close(need: ResourceRequest, allocation: Allocation, actor: Any) -> None:
    advance(need, workflow.CLOSE_NEED, actor=ENGINE)
    source = need.service_request
    if source is None or source.status != RequestStatus.IN_PROGRESS:
        return
    if source.resource_requests.live().exists():
        return
    day = localtime(allocation.slot.starts_at)
    result = f"{allocation.partner.name}的{allocation.resource.name}已在 {day:%-m月%-d日} 送到。{allocation.comment}"
    requests.resolve(source, actor=actor, result=result)


WAITING = (AllocationStatus.HELD, AllocationStatus.COUNTERED)
