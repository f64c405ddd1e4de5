"""The rows behind a figure, the needs that wait for the district, and facts in a form, as files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from common.tables.cells import moment_text
from common.tables.export import Cells, Listing, needs, register_listing, same
from common.tables.sheet import Column
from dashboards import fact_selectors, figures, partner_selectors, row_selectors
from grids import selectors as grids
from requests_board.tables.lists import NEED_COLUMNS, NUMBER, REQUEST_COLUMNS, STATE, WHERE, need_cells, request_cells
from requests_board.tables.lists import where as place_of

_FETCHED = 500
COUNTED = Column("set", "算在哪里", width=18)
COLUMNS: dict[str, tuple[Column, ...]] = {
    figures.REQUEST: REQUEST_COLUMNS,
    figures.NEED: NEED_COLUMNS,
    figures.PARTNER: (
        Column("code", "编号", width=10), Column("name", "名称", width=28), Column("category", "类别", width=8),
        Column("state", "状态", width=10), Column("where", "所在区域", width=24),
    ),
    "allocation": (
        NUMBER, Column("partner", "单位", width=24), Column("resource", "资源", width=28),
        Column("quantity", "数量", "number", width=8), Column("slot", "什么时候", width=18), WHERE, STATE,
    ),
    "slot": (
        Column("partner", "单位", width=24), Column("resource", "资源", width=28), Column("since", "开始", width=18),
        Column("until", "结束", width=18), Column("left", "还空", "number", width=8),
    ),
}  # fmt: skip


def _cells(kind: str, row: Any) -> Cells:
    if kind == figures.REQUEST:
        return request_cells(row)
    if kind == figures.NEED:
        return need_cells(row)
    if kind == figures.PARTNER:
        return {
            "code": row.code, "name": row.name, "category": row.get_category_display(),
            "state": row.get_status_display(), "where": row.area.name,
        }  # fmt: skip
    if kind == "slot":
        return {
            "partner": str(row.resource.partner), "resource": str(row.resource), "since": moment_text(row.starts_at),
            "until": moment_text(row.ends_at), "left": row.left,
        }  # fmt: skip
    return {
        "number": row.resource_request.number, "partner": str(row.partner), "resource": str(row.resource),
        "quantity": row.quantity, "slot": moment_text(row.slot.starts_at), "where": place_of(row),
        "state": row.get_status_display(),
    }  # fmt: skip


def _sets(request: HttpRequest) -> list[tuple[str, tuple[str, ...], Any]]:
    root, period = row_selectors.about(request, spans=row_selectors.ROW_SPANS)
    return row_selectors.row_sets(request, request.GET.get("m", ""), root, period)


def _columns(request: HttpRequest) -> tuple[Column, ...]:
    """Return the columns of every kind that the page shows, each heading once."""
    found = {COUNTED.title: COUNTED}
    for kind, _, _ in _sets(request):
        found |= {column.title: column for column in COLUMNS[kind] if column.title not in found}
    return tuple(found.values())


def _rows(request: HttpRequest) -> Iterable[Cells]:
    for kind, labels, rows in _sets(request):
        for row in rows.order_by("-counted", *rows.query.order_by).iterator(chunk_size=_FETCHED):
            yield {"set": labels[0] if row.counted else labels[-1], **_cells(kind, row)}


def _words(request: HttpRequest) -> str:
    root, period = row_selectors.about(request, spans=row_selectors.ROW_SPANS)
    named = root.definition["name"] if root.definition else request.GET.get("m", "")
    return f"{root.name}，{named}，{period.words}"


def _waiting(request: HttpRequest) -> Iterable[Cells]:
    return map(need_cells, partner_selectors.at_district_desk(request.user))


# Facts --------------------------------------------------------------------------------------------------------------

FACT_COLUMNS = (
    Column("item", "项目", width=22), Column("value", "内容", "either", width=30), Column("unit", "单位", width=8),
    Column("when", "时间", width=20), Column("source", "取自", width=36), Column("note", "说明", width=24),
)  # fmt: skip


def _fact_columns(request: HttpRequest) -> tuple[Column, ...]:
    """Return the columns of the form: its facts, or for a form of one place a line for each of them."""
    about = fact_selectors.asked(request)
    if about.one_place:
        return FACT_COLUMNS
    return tuple(
        Column(str(number), item.heading, "number" if item.fact and item.fact.is_number else "text")
        for number, item in enumerate(about.items)
    )


def _fact_rows(request: HttpRequest) -> Iterable[Cells]:
    about = fact_selectors.asked(request)
    for line in fact_selectors.fill(about, request.user, grids.profile().export_rows).lines:
        if not about.one_place:
            yield {str(number): cell.text for number, cell in enumerate(line)}
            continue
        for cell in line:
            fact = cell.item.fact
            yield {
                "item": cell.item.heading, "value": cell.value, "unit": fact.unit if fact else "",
                "source": fact.source if fact else "", "when": about.when(cell.item),
                "note": "还没有登记" if cell.missing else cell.note,
            }  # fmt: skip


def _fact_words(request: HttpRequest) -> str:
    about = fact_selectors.asked(request)
    return f"{about.place.name}，{about.period.words}"


def _fact_title(request: HttpRequest) -> str:
    form = fact_selectors.asked(request).form
    return form.title if form else "数据取用"


for listing in (
    Listing(
        "facts", "数据取用", needs(*fact_selectors.LOOKS), _fact_columns, _fact_rows, _fact_words,
        lambda request: f"{reverse('dashboards:facts')}?{request.GET.urlencode()}", called=_fact_title,
    ),
    Listing(
        "rows", "数字背后的清单", needs("view_dashboard"), _columns, _rows, _words,
        lambda request: f"{reverse('dashboards:rows')}?{request.GET.urlencode()}",
    ),
    Listing(
        "district_needs", "等区里协调的资源需求", needs("settle_at_district"), same(*NEED_COLUMNS), _waiting,
        back=lambda request: reverse("dashboards:needs"),
    ),
):  # fmt: skip
    register_listing(listing)
