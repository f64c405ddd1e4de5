"""The district page: one sentence, the places compared, the five categories, the gaps; numbers open to their rows."""

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from common import access, typed
from common.errors import Conflict, Invalid, NotFound, OutOfCapacity, StepNotAllowed
from dashboards import charts, partner_selectors, row_selectors, selectors, words
from dashboards.figures import FIGURES, Period
from grids.models import Area
from partners.models import Resource
from partners.workflow import Category
from requests_board.actions import needs as need_actions
from requests_board.workflow import RequestStatus

PAGE, LAST_PAGE = 50, 100_000
TOP = ("received", "open", "overdue", "on_time", "answered", "satisfied", "needs_met", "accepted")
COLUMNS = ("received", "open", "overdue", "on_time", "satisfied", "needs_met")


@access.needs("view_dashboard")
@require_safe
def district(request: HttpRequest) -> HttpResponse:
    """Show the whole picture of a place in a fixed number of statements."""
    root, period = row_selectors.about(request)
    known = selectors.definitions()
    whole, below = selectors.units(root, period)
    least = known["on_time"].least_rows if "on_time" in known else 20
    found = selectors.behind(whole, below, period, least)
    backlog = selectors.backlog(root, period)
    parts = partner_selectors.parts(root, period)
    context = {
        "door": "district", "root": root, "period": period, "spans": selectors.SPANS,
        "sentence": _linked(words.sentence(found, whole), period),
        "alarm": found is not None or whole.of("overdue").n > 0,
        "tiles": [_tile(code, whole, known, root, period) for code in TOP],
        "table": _table(below, known, period),
        "columns": [known.get(code) for code in COLUMNS],
        "bars": _on_time_bars(below, period, least, whole),
        "reasons": _reason_bars(root, period),
        "backlog": backlog, "backlog_words": _linked(words.backlog(backlog, root), period),
        "parts": [_part(part, root, period) for part in parts],
        "parts_top": max((max(part.weeks) for part in parts), default=0),
        "gaps": [_gap(gap, root, period) for gap in partner_selectors.gaps(root, period)],
        "desk": whole.of("needs_at_desk").n,
        "parent": root.parent_id if root.parent_id and selectors.root_for(request.user, root.parent_id) else None,
    }  # fmt: skip
    return render(request, "dashboards/district.html", context)


def rows_url(code: str, root: Area, period: Period, **more: Any) -> str:
    """Return the address of the page that lists the rows behind a figure."""
    query = {"m": code, "area": root.pk, "days": period.key, **more}
    return f"{reverse('dashboards:rows')}?{urlencode(query)}"


def _linked(pieces: list[words.Piece], period: Period) -> list[tuple[str, str]]:
    """Return each piece of a sentence with the address of the rows behind it, if it is a figure."""
    return [(p.text, rows_url(p.code, p.area, period, **p.more) if p.area else "") for p in pieces]


def _tile(code: str, whole: selectors.Unit, known: dict[str, Any], root: Area, period: Period) -> dict[str, Any]:
    rate, definition = whole.of(code), known.get(code)
    is_rate = FIGURES[code].among is not None
    return {
        "definition": definition,
        "code": code,
        "value": words.share(rate.share) if is_rate else f"{rate.n:,}",
        "note": f"{rate.among} 件里 {rate.n} 件" if is_rate and rate.among else "",
        "target": definition.target if definition and is_rate else None,
        "faint": is_rate and (rate.among or 0) < (definition.least_rows if definition else 0),
        "url": rows_url(code, root, period),
    }


def _table(below: list[selectors.Unit], known: dict[str, Any], period: Period) -> list[dict[str, Any]]:
    return [
        {
            "area": unit.area,
            "households": unit.households,
            "load": f"{unit.load:.1f}" if unit.load is not None else "—",
            "load_url": rows_url("received", unit.area, period),
            "cells": [_tile(code, unit, known, unit.area, period) for code in COLUMNS],
        }
        for unit in below
    ]


def _on_time_bars(below: list[selectors.Unit], period: Period, least: int, whole: selectors.Unit) -> list[charts.Bar]:
    found = []
    mean = whole.of("on_time").share or 0
    for unit in below:
        rate = unit.of("on_time")
        few = (rate.among or 0) < least
        behind = not few and (rate.share or 0) < mean - selectors.NOTABLE
        note = f"{rate.among} 件里 {rate.n} 件" + ("，太少，不比较" if few else "")
        colour = charts.STRONG if behind else charts.PLAIN
        url = rows_url("on_time", unit.area, period)
        found.append(charts.Bar(unit.area.name, rate.share or 0, words.share(rate.share), note, url, colour, few))
    return found


def _reason_bars(root: Area, period: Period) -> list[charts.Bar]:
    return [
        charts.Bar(name, n, f"{n} 件", "", rows_url("overdue", root, period, kind=code), charts.STRONG)
        for code, name, n in selectors.overdue_reasons(root, period)
    ]


def _part(part: partner_selectors.Part, root: Area, period: Period) -> dict[str, Any]:
    return {
        "part": part,
        "colour": charts.COLOURS[Category(part.category)],
        "url": rows_url("partner_done", root, period, category=part.category),
        "partners_url": rows_url("partners", root, period, category=part.category),
        "words": f"{part.label}合伙人近 {len(part.weeks)} 周每周办成：{'、'.join(str(n) for n in part.weeks)} 件",
        "last": part.weeks[-1],
        "last_url": rows_url("partner_done", root, Period(period.as_of, selectors.WEEK), category=part.category),
    }


def _gap(gap: partner_selectors.Gap, root: Area, period: Period) -> dict[str, Any]:
    codes = {"waiting": "needs_waiting", "stuck": "needs_at_desk", "given_up": "needs_unmet", "free": "free"}
    return {"gap": gap, **{name: rows_url(code, root, period, type=gap.type.pk) for name, code in codes.items()}}


# Rows ---------------------------------------------------------------------------------------------------------------


@access.needs("view_dashboard")
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    """List exactly the rows that a figure counts, so that the number on the page can be checked."""
    root, period = row_selectors.about(request, spans=row_selectors.ROW_SPANS)
    code = request.GET.get("m", "")
    sets = row_selectors.row_sets(request, code, root, period)
    page = min(typed.whole(request.GET.get("p", "")) or 1, LAST_PAGE)
    context = {
        "door": "district", "root": root, "period": period, "definition": root.definition, "code": code,
        "sets": [shown for found in sets for shown in _page(*found, page)],
        "page": page, "query": _query(request),
    }  # fmt: skip
    return render(request, "dashboards/rows.html", context)


def _page(kind: str, labels: tuple[str, ...], found: Any, page: int) -> list[dict[str, Any]]:
    """Read one page of what is counted in, and of what is not where a second label asks for it, with the number of
    all rows, in one statement; only a page beyond the end counts by itself.
    """
    start, sides = (page - 1) * PAGE, (True, False)[: len(labels)]
    side = F("counted")
    found = found.annotate(
        of_all=Window(Count("*"), partition_by=side),
        nth=Window(RowNumber(), partition_by=side, order_by=found.query.order_by),
    )
    read: dict[bool, list[Any]] = {side: [] for side in sides}
    for row in found.filter(nth__gt=start, nth__lte=start + PAGE):
        read[row.counted].append(row)
    return [
        {"kind": kind, "label": label, "rows": read[side], **_extent(found, side, read[side], start)}
        for side, label in zip(sides, labels, strict=True)
    ]


def _extent(found: Any, side: bool, rows: list[Any], start: int) -> dict[str, Any]:
    count = rows[0].of_all if rows else found.filter(counted=side).count() if start else 0
    return {"count": count, "more": count > start + PAGE}


def _query(request: HttpRequest) -> str:
    kept = request.GET.copy()
    kept.pop("p", None)
    return kept.urlencode()


# The district's desk ------------------------------------------------------------------------------------------------


@access.needs("settle_at_district")
@require_safe
def needs(request: HttpRequest) -> HttpResponse:
    """Show the needs that wait for the district, and for the opened one every resource of its type."""
    return _needs(request)


def _needs(request: HttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    waiting = list(partner_selectors.at_district_desk(request.user)[:PAGE])
    number = extra.get("number") or request.GET.get("open", "")
    need = next((row for row in waiting if row.number == number), waiting[0] if waiting and not number else None)
    context: dict[str, Any] = {"door": "district", "rows": waiting, "n": need, "open_number": number, **extra}
    if need is not None:
        context |= partner_selectors.choices_for(need)
    return render(request, "dashboards/needs.html", context, status=status)


@access.needs("settle_at_district")
@require_POST
def settle(request: HttpRequest, number: str) -> HttpResponse:
    """Name a resource for a need, or say with a reason that there is none."""
    need = partner_selectors.at_district_desk(request.user).filter(number=number).first()
    if need is None:
        raise NotFound("这一件已经办了，或者不在这里。请回到清单看看。")
    try:
        said = _settle(request, need)
    except (Invalid, Conflict, StepNotAllowed, OutOfCapacity) as error:
        return _needs(request, status=error.status, error=error, number=number)
    return redirect(f"{reverse('dashboards:needs')}?did={said}")


def _settle(request: HttpRequest, need: Any) -> str:
    if request.POST.get("give_up") == "1":
        need_actions.give_up(need, actor=request.user, reason=request.POST.get("reason", ""))
        return "given_up"
    try:
        resource = Resource.objects.visible_to(request.user).filter(pk=request.POST["resource"]).first()
    except (KeyError, ValueError, ValidationError):
        resource = None
    if resource is None:
        raise Invalid("请选一个资源。", field="resource")
    need_actions.settle(need, actor=request.user, resource=resource)
    return "settled"


@access.needs("view_dashboard")
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show how every figure is counted."""
    context = {"door": "district", "definitions": selectors.definitions().values(), "steps": RequestStatus}
    return render(request, "dashboards/metrics.html", context)
