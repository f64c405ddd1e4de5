"""The dispatch engine: propose the best candidate, hold its slot, ask the department, move on when it says no.

`proposed` takes no capacity and nobody was asked; `held` takes it and the department is asked; only the
department's word makes it `confirmed`. Locks go need → allocation → slot, in every action of this package.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit.jobs import enqueue
from clockwork.selectors import db_now, deadline
from common.errors import OutOfCapacity
from common.workflow import Step
from partners import actions as pool
from requests_board import workflow
from requests_board.actions.advance import advance, trace
from requests_board.asking import Asking
from requests_board.matching import Candidate, compare
from requests_board.models import Allocation, DispatchPolicy, ResourceRequest
from requests_board.permissions import ENGINE
from requests_board.selectors import Verdict, ask_the_pool, weights_of
from requests_board.workflow import AllocationStatus, NeedStatus, Severity

JOB = "requests_board.dispatch"
# A slot can be lost to a faster one; after so many losses in a row the job ends and a fresh one goes on.
ROUNDS = 10
# More resources of one type than a district has; every one of them gets its answer.
TOLD = 60


def schedule(need: ResourceRequest, *, at: Any = None) -> None:
    """Ask the worker to dispatch this need, once for each version of it."""
    enqueue(JOB, f"dispatch:{need.pk}:{need.version}", {"need": str(need.pk)}, at=at)


def lock_need(need_id: Any) -> ResourceRequest:
    """Lock the need before anything that belongs to it."""
    return ResourceRequest.objects.select_for_update(of=("self",)).select_related("area", "type").get(pk=need_id)


@transaction.atomic
def run(need_id: str) -> Allocation | None:
    """Dispatch one need: hold the proposed slot, or the best candidate's; hand it to the district when none is left.

    Before its ask time a proposal stays one, and the job that comes back then is written. Doing it twice changes
    nothing: a need that is held, promised or ended is left alone.
    """
    need = lock_need(need_id)
    if need.status not in (NeedStatus.OPEN, NeedStatus.MATCHING):
        return None
    if db_now() < need.dispatch_after:
        enqueue(JOB, f"dispatch:{need.pk}:{need.version}:later", {"need": str(need.pk)}, at=need.dispatch_after)
        return None
    for _ in range(ROUNDS):
        allocation = _proposed(need)
        if allocation is None or waits(allocation):
            return None
        held = hold_if_it_stands(allocation)
        if held:
            return held
        need = advance(need, workflow.RELEASE, actor=ENGINE, reason="这个时段用不了了")
    schedule(need)
    return None


def propose(
    need: ResourceRequest,
    candidate: Candidate,
    verdict: Verdict,
    *,
    step: Step = workflow.MATCH,
    actor: Any = ENGINE,
    ask_at: datetime | None = None,
) -> Allocation:
    """Write the proposal with its reasons, and the job that asks when its time has come, if that is later.

    The caller holds the need's lock.
    """
    allocation = Allocation(
        area=need.area, resource_request=need, resource_id=candidate.offer.pk, slot_id=candidate.slot.pk,
        partner_id=candidate.offer.partner_id, quantity=need.quantity, policy_version=verdict.policy.version,
        reasons=reasons(candidate, verdict), ask_at=ask_at,
    )  # fmt: skip
    allocation.save(force_insert=True)
    trace(allocation, "allocation.proposed", actor=actor, data={"policy": verdict.policy.version})
    advance(need, step, actor=actor)
    if ask_at is not None:
        enqueue(JOB, ask_key(allocation.pk, 1), {"need": str(need.pk)}, at=ask_at)
    return allocation


def ask_key(allocation_id: Any, version: int) -> str:
    """Return the key of the job that asks for this version of a proposal."""
    return f"dispatch:ask:{allocation_id}:{version}"


def waits(allocation: Allocation) -> bool:
    """Tell whether nobody is to be asked for this proposal yet, by the database's clock."""
    return allocation.ask_at is not None and allocation.ask_at > db_now()


def still_stands(allocation: Allocation) -> bool:
    """Tell whether a proposal that has waited would be made today; what a person named is asked for all the same."""
    if allocation.ask_at is None:
        return True
    verdict = ask_the_pool(allocation.resource_request, only=allocation.resource, slot_id=allocation.slot_id)
    return verdict.best is not None


def hold_if_it_stands(allocation: Allocation) -> Allocation | None:
    """Hold the proposal; let it go, and return None, where it cannot be kept: nobody was asked for it yet."""
    if still_stands(allocation):
        return hold(allocation)
    advance(allocation, workflow.DROP, actor=ENGINE, reason="这个时段用不了了")
    return None


def hold(allocation: Allocation) -> Allocation | None:
    """Take the slot's capacity and ask the department; None when the slot went to someone faster."""
    need = allocation.resource_request
    code = "allocation.answer_urgent" if need.urgency == Severity.URGENT else "allocation.answer"
    try:
        with transaction.atomic():
            pool.take(allocation.slot_id, allocation.quantity)
            return advance(
                allocation, workflow.HOLD, actor=ENGINE, asks=allocation.asks + 1,
                answer_due_at=deadline(code, db_now()),
            )  # fmt: skip
    except OutOfCapacity:
        advance(allocation, workflow.NO_CAPACITY, actor=ENGINE, reason="时段刚刚被约满")
        return None


def next_candidate(need: ResourceRequest, *, reason: str, refused: bool = True) -> None:
    """Set the need free again and ask the next one; after the policy's number of refusals tell the district."""
    refusals = need.refusals + int(refused)
    need = advance(need, workflow.RELEASE, actor=ENGINE, reason=reason, refusals=refusals)
    limit = DispatchPolicy.current().refusals_limit
    if refusals >= limit:
        advance(need, workflow.RAISE, actor=ENGINE, reason=f"已问过 {refusals} 家，都没有应下来")
    else:
        schedule(need)


def break_promise(need: ResourceRequest, *, reason: str, again: bool = True) -> ResourceRequest:
    """Take back what was promised; the need waits on with the time it has already waited."""
    need = advance(need, workflow.BREAK, actor=ENGINE, reason=reason)
    if again:
        schedule(need)
    return need


def reasons(candidate: Candidate, verdict: Verdict) -> dict[str, Any]:
    """Return why this one and why not the others, with the figures, for keeping beside the decision."""
    weights = weights_of(verdict.policy)
    others = [other for other in verdict.candidates if other.offer.pk != candidate.offer.pk]
    # What a person has named may be one that the engine would not ask a second time.
    refused = [refusal for refusal in verdict.refusals if refusal.offer.pk != candidate.offer.pk]
    return {
        "score": candidate.score,
        "factors": candidate.factors,
        "weights": weights,
        "sentence": candidate.sentence,
        "others": [_told(candidate, other, weights) for other in others[:TOLD]],
        "refused": [
            {"name": r.offer.name, "partner": r.offer.partner_name, "rule": r.rule, "sentence": r.sentence}
            for r in refused[:TOLD]
        ],
    }  # fmt: skip


def _told(candidate: Candidate, other: Candidate, weights: dict[str, float]) -> dict[str, Any]:
    return {
        "name": other.offer.name,
        "partner": other.offer.partner_name,
        "score": other.score,
        "sentence": _versus(candidate, other, weights),
    }


def _versus(candidate: Candidate, other: Candidate, weights: dict[str, float]) -> str:
    if other.score > candidate.score:
        return f"综合 {other.score:.2f} 分，更高；这一次由经办人选了{candidate.offer.name}。"
    return compare(candidate, other, weights)


def _proposed(need: ResourceRequest) -> Allocation | None:
    """Return the proposal that stands, or make one; None when somebody was asked already or nobody is left."""
    live = need.allocations.live().select_related("resource_request__type", "resource").first()
    if live is not None:
        return live if live.status == AllocationStatus.PROPOSED else None
    verdict = ask_the_pool(need)
    if verdict.best is None:
        advance(need, workflow.RAISE, actor=ENGINE, reason="资源库里没有合适的时段")
        return None
    best = verdict.best
    ask_at = Asking.of(verdict.policy).at(need.urgency, best.slot.starts_at, best.offer.notice_days)
    return propose(need, best, verdict, ask_at=ask_at)


def ask_time(urgency: str) -> Any:
    """Return from when on the department may be asked: at once when urgent, else after the seconds for undoing."""
    if urgency == Severity.URGENT:
        return db_now()
    return db_now() + timedelta(seconds=DispatchPolicy.current().undo_seconds)
