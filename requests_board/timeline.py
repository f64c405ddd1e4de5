"""A request's life as its resident reads it: plain words made from the events, newest first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.models import Event
from requests_board import words
from requests_board.models import Allocation, ServiceRequest
from requests_board.workflow import AllocationStatus, Rating, RequestStatus


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, or that comes next."""

    title: str
    when: str = ""
    note: str = ""
    tone: str = ""


Note = Callable[[ServiceRequest, Event], str]


def _nothing(request: ServiceRequest, event: Event) -> str:
    return ""


def _reason(request: ServiceRequest, event: Event) -> str:
    return event.reason


def _result(request: ServiceRequest, event: Event) -> str:
    return request.result


def _who(request: ServiceRequest, event: Event) -> str:
    if request.handler_partner:
        return f"{request.handler_partner.name}来办"
    return "社区工作人员来办" if request.handler_user_id else ""


def _thanks(request: ServiceRequest, event: Event) -> str:
    return f"您的评价：{request.get_rating_display()}" if request.rating != Rating.NONE else ""


# What neighbours, returns between offices and other inner steps say is not here: it is not the resident's business.
_WORDS: dict[str, tuple[str, Note]] = {
    "request.submitted": ("收到了", _nothing),
    "request.accepted": ("社区接手了", _nothing),
    "request.acknowledged": ("正在办", _who),
    "request.returned": ("换一家来办", _nothing),
    "request.resolved": ("办好了", _result),
    "request.solved_on_spot": ("当时就办好了", _result),
    "request.reopened": ("您说还没好，重新办", _reason),
    "request.confirmed": ("您说办好了，谢谢", _thanks),
    "request.auto_closed": ("办完了", _nothing),
    "request.finally_answered": ("给您的答复", _result),
    "request.not_accepted": ("这件事不归社区办", _result),
    "request.withdrawn": ("您撤回了", _nothing),
    "request.supplemented": ("您补充了内容", _nothing),
}
_ASSIGNED = "request.assigned"
_ON_THE_WAY, _BREATH = ("request.accepted", _ASSIGNED), timedelta(seconds=2)
_PROMISED = (
    AllocationStatus.CONFIRMED,
    AllocationStatus.IN_SERVICE,
    AllocationStatus.DELIVERED,
    AllocationStatus.CLOSED,
)
_ENDS = (RequestStatus.CLOSED, RequestStatus.NOT_ACCEPTED, RequestStatus.WITHDRAWN)


def moments(request: ServiceRequest, now: datetime) -> list[Moment]:
    """Return what comes next and what happened, newest first; the newest event stands out."""
    dated = [*_of_events(request), *_of_promises(request)]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    past = [
        Moment(title, words.when(at, now), note, "now" if first else "")
        for first, (at, title, note) in zip([True] + [False] * len(dated), dated, strict=False)
    ]
    coming = next_step(request, now)
    return [coming, *past] if coming else past


def next_step(request: ServiceRequest, now: datetime) -> Moment | None:
    """Return what comes next and until when, None at the end."""
    if request.status in _ENDS:
        return None
    if request.status == RequestStatus.RESOLVED:
        return Moment("等您看一看", tone="next", note="请在上面点一下，好没好都告诉我们。")
    if request.due_at is None:
        return None
    if request.due_at <= now:
        return Moment("比说好的时间晚了", tone="next", note="我们在催。您也可以打社区电话问。")
    waiting = request.status in (RequestStatus.SUBMITTED, RequestStatus.REOPENED)
    # Nobody can call whoever left no number.
    if request.phone_last4_index:
        title = "有人联系您" if waiting else "办好，给您回话"
    else:
        title = "有人接手" if waiting else "办好，结果写在这里"
    return Moment(title, f"{words.when(request.due_at, now)} 以前", tone="next")


def _of_events(request: ServiceRequest) -> Iterable[tuple[datetime, str, str]]:
    rows = Event.objects.filter(target_type=request._meta.label_lower, target_id=str(request.pk)).order_by("id")
    events = _without_inner_steps(list(rows))
    handed = [event.pk for event in events if event.verb == _ASSIGNED]
    for event in events:
        if event.verb == _ASSIGNED:
            yield event.at, _handed_to(request, last=event.pk == handed[-1]), ""
        elif event.verb in _WORDS:
            title, note = _WORDS[event.verb]
            yield event.at, title, note(request, event)


def _without_inner_steps(events: list[Event]) -> list[Event]:
    """Drop what was only the first half of a step taken in one breath: accepting on the way to handing over."""
    following = [*events[1:], None]
    return [
        event
        for event, after in zip(events, following, strict=True)
        if not (after and event.verb in _ON_THE_WAY and after.at - event.at < _BREATH)
    ]


def _handed_to(request: ServiceRequest, *, last: bool) -> str:
    if last and request.handler_partner:
        return f"已派给{request.handler_partner.name}"
    return "社区工作人员来办" if last and request.handler_user_id else "派了人来办"


def _of_promises(request: ServiceRequest) -> Iterable[tuple[datetime, str, str]]:
    """Tell of the departments that have promised to come; before they promise, nothing is said of them."""
    rows = Allocation.objects.filter(resource_request__service_request=request, status__in=_PROMISED)
    for row in rows.select_related("partner", "slot"):
        if row.answered_at:
            yield row.answered_at, f"约好了{row.partner.name}", f"{words.when(row.slot.starts_at, row.answered_at)} 来"
        if row.delivered_at:
            yield row.delivered_at, f"{row.partner.name}来过了", ""
