"""Everything that can happen to a resident's request."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from accounts.models import User
from clockwork.selectors import db_now, deadline, due_at
from common import pictures
from common.errors import Conflict, Invalid, StepNotAllowed
from grids.models import Area
from partners.models import Partner
from requests_board import workflow
from requests_board.actions.advance import advance, insert_numbered, once, trace, write
from requests_board.models import (
    DispatchPolicy,
    NotAcceptedReason,
    RequestCategory,
    RequestEcho,
    RequestPhoto,
    ServiceRequest,
)
from requests_board.permissions import LinkHolder, require_step
from requests_board.selectors import guess_category
from requests_board.workflow import Channel, Rating, RequestStatus, Severity

MAX_TEXT = 500
# Between taking a request on and getting it done, what is due is the result.
_UNDER_WAY = (RequestStatus.ACCEPTED, RequestStatus.ASSIGNED, RequestStatus.IN_PROGRESS)


def resident(request: ServiceRequest) -> LinkHolder:
    """Return the actor for whoever holds the request's tracking link."""
    return LinkHolder(str(request.pk), "居民")


def submit_request(
    *, area: Area, text: str, channel: str = Channel.WEB, photos: Any = (), phone: str = "", contact_name: str = "",
    category: RequestCategory | None = None, place_detail: str = "", severity: str = Severity.ROUTINE,
    actor: User | None = None, on_behalf_of: str = "", pk: UUID | None = None, source: str = "", external_id: str = "",
) -> ServiceRequest:  # fmt: skip
    """Take in one sentence about a place; the rest may be empty.

    A category that nobody chose is guessed from the sentence, and the trail says that it is a guess. Pictures are
    rebuilt before anything is written; a bad one is refused by name of the field.
    """
    text = _worded(text, "text", "请写一句话，说说是什么事。")
    rebuilt = [pictures.rebuild(photo) for photo in photos]
    guessed = None if category else guess_category(text)
    category, now = category or guessed, db_now()
    with transaction.atomic():
        request = insert_numbered(
            ServiceRequest(
                pk=pk or uuid4(), area=area, text=text, channel=channel, phone=phone, contact_name=contact_name,
                category=category, place_detail=place_detail.strip(), severity=severity, recorded_by=actor,
                on_behalf_of=on_behalf_of, due_at=deadline("request.accept", now),
                resolve_due_at=_resolve_due(category, severity, now), source=source, external_id=external_id,
            )
        )  # fmt: skip
        for content, width, height in rebuilt:
            photo = RequestPhoto(request=request, width=width, height=height)
            photo.file.save(f"{photo.pk}.jpg", ContentFile(content))
        guess = {"guessed": guessed.pk} if guessed else None
        trace(request, workflow.SUBMIT.verb, actor=actor or resident(request), data=guess)
    return request


def submit_once(form_key: UUID | None, *, area: Area, text: str, **details: Any) -> ServiceRequest:
    """Take in a form that may come twice, by a double tap or by going back: the same words make one request."""
    words = " ".join(text.split())

    def same(known: ServiceRequest) -> bool:
        # What the resident added later stands in a line of its own.
        return known.area_id == area.pk and known.text.partition("\n")[0] == words

    return once(
        ServiceRequest, form_key, same, lambda pk: submit_request(area=area, text=text, pk=pk, **details)
    )


def echo(request: ServiceRequest, *, sender_key: str, phone: str = "") -> RequestEcho:
    """Note that a neighbour met the same; refuse closed requests and a second time by the same sender."""
    if request.status not in workflow.REQUEST_TO_DO:
        raise StepNotAllowed("这件事已经有结果了。还有问题请重新反映。")
    try:
        with transaction.atomic():
            found = RequestEcho.objects.create(request=request, sender_key=sender_key, phone=phone)
            trace(request, "request.echoed", actor=LinkHolder(str(request.pk), "邻居"))
    except IntegrityError as error:
        raise Conflict("您已经点过“我也遇到了”，我们都记着。") from error
    return found


@transaction.atomic
def classify(
    request: ServiceRequest, *, category: RequestCategory, actor: Any, version: int | None = None
) -> ServiceRequest:
    """Say of what kind an open request is; the limit for getting it done counts anew from when it came in."""
    locked = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if version is not None and locked.version != version:
        raise Conflict
    if locked.status not in workflow.REQUEST_OPEN:
        raise StepNotAllowed("这件事已经有结果了，不用再改类别。")
    require_step(actor, workflow.HANDLE, locked)
    before = locked.category
    if before == category:
        return locked
    due = _resolve_due(category, locked.severity, locked.created_at)
    follows = locked.status in _UNDER_WAY and locked.due_at == locked.resolve_due_at
    write(
        locked, category=category, resolve_due_at=due, due_at=due if follows else locked.due_at,
        version=locked.version + 1,
    )  # fmt: skip
    trace(
        locked, "request.classified", actor=actor, before=locked.status,
        reason=f"从“{before}”改为“{category}”" if before else f"定为“{category}”",
        data={"category_before": before.pk if before else "", "category_after": category.pk},
    )  # fmt: skip
    return locked


def accept(request: ServiceRequest, *, actor: Any, version: int | None = None) -> ServiceRequest:
    """Take the request on; from now on the limit for getting it done counts."""
    return advance(request, workflow.ACCEPT, actor=actor, version=version, due_at=request.resolve_due_at)


@transaction.atomic
def assign(
    request: ServiceRequest, *, partner: Partner, actor: Any, note: str = "", version: int | None = None
) -> ServiceRequest:
    """Hand the request to a partner; a fresh request is accepted in the same breath."""
    request = _accepted(request, actor=actor, version=version)
    return advance(request, workflow.ASSIGN, actor=actor, reason=note, handler_partner=partner, handler_user=None)


@transaction.atomic
def take(request: ServiceRequest, *, actor: User, version: int | None = None) -> ServiceRequest:
    """Let the worker handle the request in person (我来办)."""
    request = _accepted(request, actor=actor, version=version)
    request = advance(request, workflow.ASSIGN, actor=actor, handler_user=actor, handler_partner=None)
    return advance(request, workflow.ACKNOWLEDGE, actor=actor)


def recall(request: ServiceRequest, *, actor: Any) -> ServiceRequest:
    """Undo handing over or taking, within the seconds that the policy allows and before anyone acted on it."""
    policy, now = DispatchPolicy.current(), db_now()
    if request.handler_partner_id and request.status == RequestStatus.IN_PROGRESS:
        raise StepNotAllowed("对方已经签收了。要改派请联系对方退回。")
    if not request.assigned_at or now > request.assigned_at + timedelta(seconds=policy.undo_seconds):
        raise StepNotAllowed(f"过了 {policy.undo_seconds} 秒，已经通知对方了。要改派请联系对方退回。")
    return advance(
        request, workflow.RECALL, actor=actor, version=request.version, handler_partner=None, handler_user=None,
        assigned_at=None,
    )  # fmt: skip


def return_order(request: ServiceRequest, *, actor: Any, reason: str) -> ServiceRequest:
    """Give the request back because it belongs elsewhere; a reason is required."""
    reason = _worded(reason, "reason", "请写明退回的理由，方便社区改派。")
    return advance(
        request, workflow.RETURN, actor=actor, reason=reason, handler_partner=None, handler_user=None,
        returns=request.returns + 1,
    )  # fmt: skip


def acknowledge(request: ServiceRequest, *, actor: Any) -> ServiceRequest:
    """Sign for the request and begin."""
    return advance(request, workflow.ACKNOWLEDGE, actor=actor)


def resolve(request: ServiceRequest, *, actor: Any, result: str, version: int | None = None) -> ServiceRequest:
    """Say what was done; the resident is asked whether that is so."""
    result = _worded(result, "result", "请写一句办理结果，居民要看的。")
    return advance(request, workflow.RESOLVE, actor=actor, version=version, result=result, due_at=_silence_ends())


def solve_on_spot(request: ServiceRequest, *, actor: User, result: str, version: int | None = None) -> ServiceRequest:
    """Close a small matter at once (即办即结)."""
    result = _worded(result, "result", "请写一句办理结果，居民要看的。")
    return advance(
        request, workflow.SOLVE_ON_SPOT, actor=actor, version=version, result=result, handler_user=actor,
        due_at=_silence_ends(),
    )  # fmt: skip


def not_accept(
    request: ServiceRequest, *, actor: Any, reason: NotAcceptedReason, version: int | None = None
) -> ServiceRequest:
    """Say no for a reason of the closed list, and where to go instead."""
    return advance(
        request, workflow.NOT_ACCEPT, actor=actor, version=version, reason=reason.label,
        not_accepted_reason=reason, result=reason.referral, due_at=None,
    )  # fmt: skip


def confirm_ok(request: ServiceRequest, *, actor: Any, rating: str = Rating.GOOD) -> ServiceRequest:
    """Let the resident say that it is done, and how well."""
    if rating not in Rating.values or rating == Rating.NONE:
        raise Invalid("请选一个评价。", field="rating")
    return advance(request, workflow.CONFIRM_OK, actor=actor, rating=rating, due_at=None)


def auto_close(request: ServiceRequest, *, actor: Any) -> ServiceRequest:
    """Close after the silence that the policy allows; silence is not satisfaction."""
    return advance(request, workflow.AUTO_CLOSE, actor=actor, rating=Rating.NONE, due_at=None)


def dissatisfied(request: ServiceRequest, *, actor: Any, reason: str = "") -> ServiceRequest:
    """Open the request again because it is not done; it is due anew."""
    return advance(
        request, workflow.DISSATISFIED, actor=actor, reason=reason.strip()[:200], reopens=request.reopens + 1,
        handler_partner=None, handler_user=None, due_at=deadline("request.accept", db_now()),
    )  # fmt: skip


def final_answer(request: ServiceRequest, *, actor: Any, result: str) -> ServiceRequest:
    """Close a reopened request with a written explanation; refused before the second reopening."""
    if request.reopens < 2:
        raise StepNotAllowed("居民第一次说没办好，请再办一次；第二次以后才可以书面解释后归档。")
    result = _worded(result, "result", "请写清楚解释，居民要看的。")
    return advance(request, workflow.FINAL_ANSWER, actor=actor, result=result, due_at=None)


def withdraw(request: ServiceRequest, *, actor: Any, reason: str = "") -> ServiceRequest:
    """Let the resident take the request back."""
    return advance(request, workflow.WITHDRAW, actor=actor, reason=reason.strip()[:200], due_at=None)


def _accepted(request: ServiceRequest, *, actor: Any, version: int | None) -> ServiceRequest:
    """Accept a fresh request on the way; one that is accepted or reopened goes on as it is."""
    if request.status == RequestStatus.SUBMITTED:
        return accept(request, actor=actor, version=version)
    if version is not None and request.version != version:
        raise Conflict
    return request


def _resolve_due(category: RequestCategory | None, severity: str, start: datetime) -> datetime:
    if severity == Severity.URGENT:
        return deadline("request.resolve_urgent", start)
    if category is None:
        return deadline("request.resolve", start)
    return due_at(start, category.limit_amount, category.limit_unit)


def _silence_ends() -> Any:
    return deadline("request.auto_close", db_now())


def _worded(text: str, field: str, message: str) -> str:
    text = " ".join((text or "").split())
    if not text:
        raise Invalid(message, field=field)
    if len(text) > MAX_TEXT:
        raise Invalid(f"太长了，最多写 {MAX_TEXT} 个字，现在有 {len(text)} 个。", field=field)
    return text
