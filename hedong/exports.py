"""The one door through which lists leave as files: laid out as the district wants, marked, counted and on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import transaction
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods

from accounts.selectors import person
from audit.actions import record
from audit.row_actions import record_reads
from clockwork.selectors import db_now
from common import access
from common.errors import Invalid, NotAllowed, NotFound
from common.tables import admin as admin_lists
from common.tables import export, writing
from common.tables.layout import Layout, read_layouts
from common.tables.sheet import Column, sheet
from grids import selectors

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {"xlsx": "表格（.xlsx）", "csv": "文本（.csv）"}
MAX_PURPOSE = 100


@dataclass(frozen=True, slots=True)
class Copy:
    """What is taken away: the list, its columns, as many of its rows as one may take, and when."""

    listing: export.Listing
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    cut: bool
    limit: int
    words: str
    at: Any


def find(request: HttpRequest, code: str) -> export.Listing:
    """Return the list that an address names; refuse whoever may not see it."""
    kind, _, name = code.partition(".")
    found = export.listing(code)
    if kind == "sheet" and (registry := sheet(name)) is not None:
        found = export.of_sheet(registry)
    if kind == "admin":
        found = admin_lists.listing_of(admin.site, name, request)
    if found is None:
        raise NotFound
    if not found.allows(request):
        raise NotAllowed
    return found


@access.signed_in
def take(request: HttpRequest, code: str) -> HttpResponseBase:
    """Ask in which form, and what for where personal data is wanted in full; then hand over the file."""
    # Whoever may not see the list learns nothing else of it either.
    return _take(request, find(request, code))


@require_http_methods(["GET", "HEAD", "POST"])
def _take(request: HttpRequest, listing: export.Listing) -> HttpResponseBase:
    if request.method != "POST":
        return _ask(request, listing)
    try:
        return _hand_over(request, listing)
    except Invalid as error:
        return _ask(request, listing, error)


def _ask(request: HttpRequest, listing: export.Listing, error: Invalid | None = None) -> HttpResponseBase:
    personal = [column.title for column in listing.columns(request) if column.personal]
    may_open = bool(listing.opens and access.holds(request.user, listing.opens))
    context = {
        "listing": listing, "words": listing.words(request), "back": listing.back(request), "error": error,
        "formats": FORMATS, "personal": "、".join(personal), "may_open": may_open, "most": MAX_PURPOSE,
        "limit": selectors.profile().export_rows, "posted": request.POST,
    }  # fmt: skip
    return render(request, "exports/export.html", context, status=error.status if error else 200)


def _hand_over(request: HttpRequest, listing: export.Listing) -> HttpResponseBase:
    form = request.POST.get("format", "xlsx")
    if form not in FORMATS:
        raise Invalid("请选一种文件格式。", field="format")
    purpose = " ".join(request.POST.get("purpose", "").split())[:MAX_PURPOSE]
    openly = request.POST.get("full") == "1"
    if openly and not purpose:
        raise Invalid("要带完整的联系方式，请先写明用来做什么。", field="purpose")
    copy = _copied(request, listing)
    if openly:
        copy = _opened(request, copy, purpose)
    with transaction.atomic():
        record(
            actor=person(request), verb="list.exported", target=selectors.profile(), reason=purpose,
            after="，".join(filter(None, (copy.title, copy.words))),
            data={"list": listing.code, "rows": len(copy.rows), "cut": copy.cut, "format": form, "full": openly},
        )  # fmt: skip
    return _file(request, copy, form)


def _copied(request: HttpRequest, listing: export.Listing) -> Copy:
    """Read the list as it is now, one row more than may be taken, so that the cut is noticed and said."""
    profile = selectors.profile()
    layout = Layout() if listing.code.startswith("sheet.") else _layout(profile.export_layouts, listing)
    limit = profile.export_rows
    rows = list(islice(listing.rows(request), limit + 1))
    return Copy(
        listing, layout.title or listing.titled(request), layout.arrange(listing.columns(request)), rows[:limit],
        len(rows) > limit, limit, listing.words(request), timezone.localtime(db_now()),
    )  # fmt: skip


def _layout(text: str, listing: export.Listing) -> Layout:
    found = read_layouts(text)
    return found.get(listing.title) or found.get(listing.code) or Layout()


def _opened(request: HttpRequest, copy: Copy, purpose: str) -> Copy:
    """Put personal values in the place of their masks where the person may see them, after noting each look."""
    listing = copy.listing
    fields = [column.key for column in copy.columns if column.personal]
    if not (listing.opens and listing.label and fields and access.holds(request.user, listing.opens)):
        raise NotAllowed
    model = apps.get_model(listing.label)
    mine = model._default_manager.filter(access.within(request.user, listing.opens, of=model))
    wanted = [row["_id"] for row in copy.rows]
    inside = {str(key) for key in mine.filter(pk__in=wanted).values_list("pk", flat=True)}
    reads = [
        (row["_id"], field) for row in copy.rows for field in fields if row["_id"] in inside and row["_open"].get(field)
    ]
    record_reads(actor=person(request), subject_type=listing.label, reads=reads, purpose=purpose)
    opened: dict[str, dict[str, str]] = {key: {} for key in wanted} | {
        row["_id"]: {field: row["_open"][field] for field in fields} for row in copy.rows if row["_id"] in inside
    }
    rows = [{**row, **opened[row["_id"]]} for row in copy.rows]
    return Copy(listing, copy.title, copy.columns, rows, copy.cut, copy.limit, copy.words, copy.at)


def _file(request: HttpRequest, copy: Copy, form: str) -> HttpResponseBase:
    name = f"{copy.title}_{copy.at:%Y%m%d_%H%M}.{form}"
    if form == "csv":
        answer: HttpResponseBase = StreamingHttpResponse(
            writing.text_file(copy.columns, copy.rows), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = content_disposition_header(True, name) or ""
        return answer
    return FileResponse(
        writing.workbook(_paper(request, copy), copy.columns, copy.rows),
        as_attachment=True, filename=name, content_type=XLSX,
    )  # fmt: skip


def _paper(request: HttpRequest, copy: Copy) -> writing.Paper:
    who, profile = str(person(request)), selectors.profile()
    at = f"{copy.at:%Y年%-m月%-d日 %H:%M}"
    lines = [f"{profile.site_name}　截至 {at}　导出人：{who}　共 {len(copy.rows)} 行"]
    if copy.words:
        lines.append(f"筛选：{copy.words}")
    if copy.cut:
        lines.append(f"只有前 {copy.limit} 行：一次最多导出这么多。要全部的，请先缩小筛选的范围，分几次导出。")
    if profile.is_demo:
        lines.append("演示数据：人名、电话、地名都是编的。")
    return writing.Paper(copy.title, tuple(lines), f"{who} {at} 导出，请妥善保管")
