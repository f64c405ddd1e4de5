"""How the staff pages speak of time left, places and states."""

from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone

from audit.registry import words_for
from grids.selectors import place_name
from requests_board.workflow import AllocationStatus, NeedStatus, RequestStatus

register = template.Library()
HOUR, DAY = 3600, 86400
R, N, A = RequestStatus, NeedStatus, AllocationStatus

_TONES: dict[str, str] = {
    R.SUBMITTED: "due", R.ACCEPTED: "due", R.ASSIGNED: "do", R.IN_PROGRESS: "do", R.RESOLVED: "ok",
    R.REOPENED: "late", R.CLOSED: "mute", R.NOT_ACCEPTED: "mute", R.WITHDRAWN: "mute",
    N.OPEN: "due", N.MATCHING: "do", N.PROMISED: "ok", N.FULFILLED: "due", N.AT_DISTRICT_DESK: "late",
    N.UNMET: "mute",
    A.PROPOSED: "mute", A.HELD: "do", A.COUNTERED: "due", A.CONFIRMED: "ok", A.IN_SERVICE: "ok",
    A.DELIVERED: "due", A.NO_SHOW: "late", A.DECLINED: "mute", A.CANCELLED: "mute", A.EXPIRED: "mute",
}  # fmt: skip


def span(seconds: float) -> str:
    """Write a span of time in its largest unit: 40 分钟, 6 小时, 3 天."""
    if seconds < HOUR:
        return f"{max(int(seconds // 60), 1)} 分钟"
    if seconds < 2 * DAY:
        return f"{int(seconds // HOUR)} 小时"
    return f"{int(seconds // DAY)} 天"


@register.inclusion_tag("components/chip.html")
def due_chip(left: timedelta | None, word: str = "剩") -> dict[str, str]:
    """Say how much time is left, in words as well as in colour; nothing is due where nobody waits."""
    if left is None:
        return {"text": "不限时", "tone": "mute"}
    seconds = left.total_seconds()
    if seconds < 0:
        return {"text": f"超 {span(-seconds)}", "tone": "late"}
    tone = "late" if seconds < 4 * HOUR else "due" if seconds < DAY else "do" if seconds < 3 * DAY else "mute"
    return {"text": f"{word} {span(seconds)}", "tone": tone}


@register.inclusion_tag("components/chip.html")
def state_chip(row: Any) -> dict[str, str]:
    """Say where a row stands, in words and colour."""
    return {"text": row.get_status_display(), "tone": _TONES.get(row.status, "mute")}


@register.filter
def where(row: Any) -> str:
    """Name the place as the community's people say it: estate, building, and where in it."""
    name = place_name(row.area)
    detail = getattr(row, "place_detail", "") or getattr(row, "place", "")
    # People often write the building once more; it is said once.
    again = next((n for n in range(len(detail), 1, -1) if name.endswith(detail[:n])), 0)
    return f"{name} {detail[again:].lstrip()}".strip()


_ENDS = {
    A.EXPIRED: "没有答复", A.NO_SHOW: "约好了没有来", A.CANCELLED: "取消了", A.HELD: "正在问", A.PROPOSED: "打算问",
}  # fmt: skip


@register.filter
def came_of(allocation: Any) -> str:
    """Say what came of asking a partner; a decline without a reason of theirs was not their word."""
    if allocation.status == A.DECLINED:
        if allocation.decline_reason_id:
            return "来不了"
        return "改期没谈成" if allocation.previous_slot_id else "时段被约满"
    return _ENDS.get(allocation.status, allocation.get_status_display())


_SOURCES = {"qr": "扫码", "web": "网页", "phone": "电话", "visit": "来访", "desk": "登记"}


@register.filter
def source(row: Any) -> str:
    """Name in two signs by which way a request came in."""
    return _SOURCES.get(row.channel, row.get_channel_display())


@register.filter
def handler(row: Any) -> str:
    """Name who has the request now."""
    if row.handler_partner_id:
        return str(row.handler_partner)
    return str(row.handler_user) if row.handler_user_id else ""


@register.filter
def day_time(moment: Any) -> str:
    """Write 12月3日 周四 09:00 in the district's time."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{local.month}月{local.day}日 周{'一二三四五六日'[local.weekday()]} {local:%H:%M}"


@register.filter
def last_day(end: Any) -> str:
    """Write the last day of a span that ends at a midnight: 12月9日."""
    local = timezone.localtime(end - timedelta(seconds=1))
    return f"{local.month}月{local.day}日"


@register.filter
def slot_time(slot: Any) -> str:
    """Write a slot as 12月3日 周四 09:00–11:00; over midnight both days are named."""
    first, last = timezone.localtime(slot.starts_at), timezone.localtime(slot.ends_at)
    same = first.date() == last.date()
    return (
        f"{day_time(slot.starts_at)}–{last:%H:%M}"
        if same
        else f"{day_time(slot.starts_at)} 到 {day_time(slot.ends_at)}"
    )


@register.filter
def happened(event: Any) -> str:
    """Say in plain words what an event was."""
    return words_for(event.verb)
