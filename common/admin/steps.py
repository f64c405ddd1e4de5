"""Buttons of the admin: a step is shown with the rows it is for, confirmed with a reason, and taken by an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from common.errors import DomainError

MOST = 200
NONE_OF_YOURS = "所选的里面没有您能办的，请看看选中的行。"
LONGEST_REASON = 200
Take = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What a button does: its words, the question before it, and for which rows it is offered."""

    name: str
    label: str
    ask: str
    done: str
    take: Take
    reason: bool
    order: tuple[str, ...]
    offered: Callable[[Any], bool]


def confirmed(
    *,
    label: str,
    ask: str,
    done: str,
    reason: bool = True,
    order: tuple[str, ...] = (),
    offered: Callable[[Any], bool] = lambda row: True,
) -> Callable[[Take], Any]:
    """Make an action of the admin out of `take(self, request, row, reason)`, which is called for each chosen row.

    Whoever keeps the rows is asked first, on a page of its own; a reason is required unless `reason` is False.
    """

    def decorate(take: Take) -> Any:
        step = Step(take.__name__, label, ask, done, take, reason, order, offered)

        def act(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            return _run(model_admin, request, queryset, step)

        act.__name__, act.__doc__ = take.__name__, take.__doc__
        act.step = step  # type: ignore[attr-defined]
        return admin.action(description=label, permissions=["keep"])(act)

    return decorate


def _run(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any], step: Step) -> HttpResponse | None:
    rows = list(model_admin.kept_rows(request, queryset).order_by(*step.order)[: MOST + 1])
    if not rows:
        model_admin.message_user(request, NONE_OF_YOURS, messages.WARNING)
        return None
    if len(rows) > MOST:
        model_admin.message_user(request, f"一次最多办 {MOST} 条，请先用查找和筛选缩小范围。", messages.WARNING)
        return None
    reason = request.POST.get("reason", "").strip()
    if request.POST.get("confirmed") != "yes":
        return _ask(model_admin, request, rows, step)
    if (step.reason and not reason) or len(reason) > LONGEST_REASON:
        words = f"原因最多 {LONGEST_REASON} 个字。" if reason else "请写一句原因。"
        return _ask(model_admin, request, rows, step, words)
    _take(model_admin, request, rows, step, reason)
    if request.POST.get("back") == "row" and len(rows) == 1:
        return HttpResponseRedirect(model_admin.address_of(rows[0]))
    return None


def _ask(model_admin: Any, request: HttpRequest, rows: list[Any], step: Step, fault: str = "") -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": step.label,
        "opts": model_admin.opts,
        "step": step,
        "rows": rows,
        "fault": fault,
        "reason": request.POST.get("reason", "")[:LONGEST_REASON],
        "most": LONGEST_REASON,
        "back": request.POST.get("back", ""),
        "checkbox": ACTION_CHECKBOX_NAME,
        "list_address": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/confirm.html", context)


def _take(model_admin: Any, request: HttpRequest, rows: list[Any], step: Step, reason: str) -> None:
    """Take the step on every row by itself, and say which ones were refused and why."""
    count = 0
    for row in rows:
        try:
            with transaction.atomic():
                step.take(model_admin, request, row, reason)
            count += 1
        except DomainError as error:
            model_admin.message_user(request, f"{row}：{error.message}", messages.WARNING)
    if count:
        model_admin.message_user(request, f"{step.done} {count} 条。", messages.SUCCESS)
