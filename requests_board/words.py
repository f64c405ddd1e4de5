"""Times and states as residents say them."""

from datetime import datetime, timedelta

from django.utils import timezone

from requests_board.models import ServiceRequest
from requests_board.workflow import RequestStatus

_WEEK = "一二三四五六日"
_NEAR = {0: "今天", 1: "明天", 2: "后天", -1: "昨天"}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

# State → (colour of the chip, words).
_STATES: dict[str, tuple[str, str]] = {
    RequestStatus.SUBMITTED: ("do", "收到了"),
    RequestStatus.ACCEPTED: ("do", "正在安排"),
    RequestStatus.ASSIGNED: ("do", "已派人"),
    RequestStatus.IN_PROGRESS: ("do", "正在办"),
    RequestStatus.RESOLVED: ("ok", "办好了，等您看"),
    RequestStatus.REOPENED: ("due", "重新办"),
    RequestStatus.CLOSED: ("ok", "办完了"),
    RequestStatus.NOT_ACCEPTED: ("mute", "不归这里办"),
    RequestStatus.WITHDRAWN: ("mute", "已撤回"),
}


def state(request: ServiceRequest) -> dict[str, str]:
    """Return the state of a request as a chip: tone and text."""
    tone, text = _STATES.get(request.status, ("mute", request.get_status_display()))
    return {"tone": tone, "text": text}


def day(moment: datetime, now: datetime) -> str:
    """Name a day the way people do: 今天, 明天, 11月25日（周三）."""
    local, today = timezone.localtime(moment), timezone.localtime(now)
    near = _NEAR.get((local.date() - today.date()).days)
    if near:
        return near
    year = f"{local.year}年" if local.year != today.year else ""
    return f"{year}{local.month}月{local.day}日（周{_WEEK[local.weekday()]}）"


def when(moment: datetime, now: datetime) -> str:
    """Name a moment: 今天 17:30."""
    return f"{day(moment, now)} {timezone.localtime(moment):%H:%M}"


def date_of(moment: datetime) -> str:
    """Name a date without the weekday: 11月25日."""
    local = timezone.localtime(moment)
    return f"{local.month}月{local.day}日"


def span(length: timedelta) -> str:
    """Name a length of time in the two largest fitting units at most."""
    if length < _HOUR:
        return f"{max(1, int(length.total_seconds() // 60))} 分钟"
    if length < _DAY:
        return f"{int(length.total_seconds() // 3600)} 小时"
    return f"{length.total_seconds() / _DAY.total_seconds():.1f} 天".replace(".0 ", " ")
