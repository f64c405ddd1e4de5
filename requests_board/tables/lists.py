"""The desk's lists and those of the partners' page as files, column for column as they stand on screen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from clockwork.selectors import db_now
from common.crypto import looks_like_phone
from common.errors import Invalid
from common.masks import mask_phone
from common.tables.cells import moment_text
from common.tables.export import Cells, Listing, needs, same
from common.tables.sheet import Column
from grids.selectors import place_name
from requests_board import desk_selectors, liaison_selectors
from requests_board.models import Allocation, ResourceRequest, ServiceRequest

_FETCHED = 500

NUMBER = Column("number", "编号", width=14)
WHERE = Column("where", "地点", width=30)
STATE = Column("state", "到哪一步", width=14)
CREATED = Column("created", "提出时间", width=18)
REQUEST_COLUMNS = (
    NUMBER, Column("text", "原话", width=48), WHERE, Column("detail", "具体位置", width=16),
    Column("category", "类别", width=14), Column("severity", "缓急", width=8), Column("channel", "来源", width=12),
    STATE, Column("handler", "承办", width=20), Column("due", "期限", width=18), CREATED,
)  # fmt: skip
NEED_COLUMNS = (
    NUMBER, Column("type", "要什么", width=18), Column("quantity", "数量", "number", width=8), WHERE,
    Column("since", "最早", width=18), Column("until", "最晚", width=18), Column("severity", "缓急", width=8), STATE,
    Column("partner", "谁来", width=20), Column("slot", "什么时候来", width=18), CREATED,
)  # fmt: skip


def where(row: Any) -> str:
    """Return a row's place with its community, from what was fetched with it."""
    area = row.area
    above = area.parent
    while above is not None and above.kind not in ("community", "village"):
        above = above.parent if "parent" in above._state.fields_cache else None
    return f"{above.name} {place_name(area)}" if above is not None else place_name(area)


def request_cells(row: ServiceRequest) -> Cells:
    """Return a request as the lists show it."""
    return {
        "number": row.number, "text": row.text, "where": where(row), "detail": row.place_detail,
        "category": str(row.category or ""), "severity": row.get_severity_display(),
        "channel": row.get_channel_display(), "state": row.get_status_display(),
        "handler": str(row.handler_partner or row.handler_user or ""), "due": moment_text(row.due_at),
        "created": moment_text(row.created_at),
    }  # fmt: skip


def need_cells(row: ResourceRequest) -> Cells:
    """Return a need as the lists show it, with the allocation that stands for it."""
    standing: list[Allocation] = getattr(row, "standing", [])
    chosen = standing[-1] if standing else None
    return {
        "number": row.number, "type": str(row.type), "quantity": row.quantity, "where": where(row),
        "since": moment_text(row.window_start), "until": moment_text(row.window_end),
        "severity": row.get_urgency_display(), "state": row.get_status_display(),
        "partner": str(chosen.partner) if chosen else "",
        "slot": moment_text(chosen.slot.starts_at) if chosen and chosen.slot else "",
        "created": moment_text(row.created_at),
    }  # fmt: skip


# The desk ---------------------------------------------------------------------------------------------------


def _tab(request: HttpRequest) -> str:
    tab = request.GET.get("f", "today")
    return tab if tab in desk_selectors.TABS else "today"


def _requests(request: HttpRequest) -> Iterable[Cells]:
    words = request.GET.get("q", "").strip()
    found = (
        desk_selectors.whole_search(request.user, words)
        if words
        else desk_selectors.whole_tab(request.user, _tab(request))
    )
    return map(request_cells, found.iterator(chunk_size=_FETCHED))


def _desk_words(request: HttpRequest) -> str:
    words = request.GET.get("q", "").strip()[:40]
    if not words:
        return desk_selectors.TABS[_tab(request)].label
    # A whole number that was searched for would stand in the file and in the trail.
    return f"搜“{mask_phone(words) if looks_like_phone(words) and len(words) > 4 else words}”"


def _desk(request: HttpRequest) -> str:
    kept = {name: request.GET[name] for name in ("f", "q") if request.GET.get(name)}
    return reverse("requests_board:desk") + (f"?{urlencode(kept)}" if kept else "")


def _needs(request: HttpRequest) -> Iterable[Cells]:
    return map(need_cells, desk_selectors.whole_needs(request.user).iterator(chunk_size=_FETCHED))


# The partners' page -----------------------------------------------------------------------------------------

MONTH_COLUMNS = (
    Column("day", "日期", width=14), Column("time", "时间", width=16), WHERE, Column("resource", "资源", width=28),
    Column("quantity", "数量", "number", width=8), STATE, Column("partner", "单位", width=22),
)  # fmt: skip
POOL_COLUMNS = (
    Column("partner", "单位", width=22), Column("resource", "资源", width=28), Column("unit", "单位量", width=8),
    Column("offered", "开放", "number", width=8), Column("taken", "已约", "number", width=8),
    Column("free", "还空", "number", width=8), Column("waiting", "全区在等", "number", width=10),
)  # fmt: skip


def first_of_month(request: HttpRequest) -> date:
    """Return the first day of the month that the address names, by default of the present one."""
    today = timezone.localtime(db_now()).date()
    text = request.GET.get("m", "")
    try:
        first = date.fromisoformat(f"{text}-01") if text else today.replace(day=1)
    except ValueError as error:
        raise Invalid("月份看不懂。请回到月历，重新选一个月再导出。") from error
    if abs(first.year - today.year) > 20:
        raise Invalid("月份离现在太远了。请回到月历，重新选一个月再导出。")
    return first


def _month(request: HttpRequest) -> Iterable[Cells]:
    first = first_of_month(request)
    for week in liaison_selectors.month(request.user, first, first):
        for day in week:
            if day.inside:
                for row in day.items:
                    start, end = timezone.localtime(row.slot.starts_at), timezone.localtime(row.slot.ends_at)
                    yield {
                        "day": day.day.isoformat(), "time": f"{start:%H:%M}–{end:%H:%M}", "where": where(row),
                        "resource": str(row.resource), "quantity": row.quantity, "state": row.get_status_display(),
                        "partner": str(row.partner),
                    }  # fmt: skip


def _pool(request: HttpRequest) -> Iterable[Cells]:
    for stock in liaison_selectors.pool(request.user):
        yield {
            "partner": str(stock.resource.partner), "resource": str(stock.resource),
            "unit": stock.resource.unit_label, "offered": stock.offered, "taken": stock.taken, "free": stock.free,
            "waiting": stock.waiting,
        }  # fmt: skip


LISTS = (
    Listing("desk", "诉求", needs("view_request"), same(*REQUEST_COLUMNS), _requests, _desk_words, _desk),
    Listing(
        "needs", "资源需求", needs("view_resource_request"), same(*NEED_COLUMNS), _needs,
        back=lambda request: reverse("requests_board:desk") + "?f=needs",
    ),
    Listing(
        "pool", "我们的资源", needs("answer_allocation"), same(*POOL_COLUMNS), _pool,
        lambda request: f"往后 {liaison_selectors.WEEKS} 周", lambda request: reverse("requests_board:liaison_pool"),
    ),
    Listing(
        "month", "月历", needs("answer_allocation"), same(*MONTH_COLUMNS), _month,
        lambda request: f"{first_of_month(request):%Y年%-m月}",
        lambda request: reverse("requests_board:liaison_month") + f"?{request.GET.urlencode()}",
    ),
)  # fmt: skip
