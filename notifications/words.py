"""How notices speak of allocations: what, when, whose. No personal data."""

from datetime import datetime
from typing import Any

from django.utils import timezone


def moment(at: datetime | None) -> str:
    """Return 12月3日 09:00 in the district's time, or an empty text."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def matter(allocation: Any) -> str:
    """Return what is asked for: 健康义诊 2 队次."""
    return f"{allocation.resource.name} {allocation.quantity} {allocation.resource.unit_label}"


def parts(allocation: Any) -> dict[str, str]:
    """Return the words that the sentences of notices are made of."""
    return {
        "matter": matter(allocation),
        "partner": str(allocation.partner),
        "area": str(allocation.area),
        "when": moment(allocation.slot.starts_at),
        "reason": str(allocation.decline_reason or allocation.decline_note or "这次不方便"),
    }


def asking(allocation: Any) -> str:
    """Return where and when somebody is wanted, and until when to answer."""
    due = moment(allocation.answer_due_at)
    return f"{allocation.area}，{moment(allocation.slot.starts_at)}。请在 {due} 前答复，一点就行。"
