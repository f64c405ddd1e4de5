"""The rows behind a figure, as an address asks for them."""

from typing import Any

from django.db.models import Q, Value
from django.http import HttpRequest

from common import typed
from common.errors import NotFound
from dashboards import partner_selectors, selectors
from dashboards.figures import CALENDAR, FIGURES, NEED, PARTNER, REQUEST, Period, calendar_period
from grids.models import Area
from partners.workflow import Category

# The page of the rows also opens from last week's numbers, and from those of the month.
ROW_SPANS: tuple[int | str, ...] = (selectors.WEEK, *selectors.SPANS, *CALENDAR)


def about(request: HttpRequest, *, spans: tuple[int | str, ...] = selectors.SPANS) -> tuple[Any, Period]:
    """Read the place and the span that the page is about; a place outside the person's reach is not there."""
    root = selectors.root_for(request.user, typed.whole(request.GET.get("area", "")), request.GET.get("m", ""))
    if root is None:
        raise NotFound
    asked = request.GET.get("days", "")
    if asked in CALENDAR and asked in spans:
        return root, calendar_period(root.as_of, asked)
    days = typed.whole(asked)
    span = days if days is not None and days in spans else selectors.SPANS[0]
    return root, Period(root.as_of, span)


def row_sets(request: HttpRequest, code: str, root: Area, period: Period) -> list[tuple[str, tuple[str, ...], Any]]:
    """Return for each kind of row the labels of what is counted in and of what is not, and the rows."""
    category, type_id = request.GET.get("category", ""), typed.whole(request.GET.get("type", ""))
    back = typed.whole(request.GET.get("back", "0"))
    if code == "partner_done" and category in Category.values:
        done, came = partner_selectors.done_rows(root, period, category)
        return [_dressed("request", done, "办结的诉求"), _dressed("allocation", came, "送到的资源")]
    if code == "backlog" and back is not None and 0 <= back < selectors.WEEKS:
        at = selectors.weeks_back(period)[-1 - back]
        return [_dressed("request", selectors.backlog_rows(root, at), f"{back} 周前积着的" if back else "现在积着的")]
    if code == "free" and type_id is not None:
        return [_dressed("slot", partner_selectors.free_rows(root, period, type_id), "还空着的档期")]
    figure = FIGURES.get(code)
    if figure is None:
        raise NotFound
    found = selectors.rows_among(figure, root, period).filter(_narrowed(request, figure.kind, category, type_id))
    labels = ("算进去的", "在分母里、没算进去的") if figure.among else ("算进去的",)
    return [_dressed(figure.kind, found, *labels)]


def _narrowed(request: HttpRequest, kind: str, category: str, type_id: int | None) -> Q:
    """Match the part of a figure's rows that the address names."""
    found = Q()
    if kind == REQUEST and (about := request.GET.get("kind")):
        found &= Q(category_id=None if about == "none" else about)
    if kind == REQUEST and (step := request.GET.get("step")):
        found &= Q(status=step)
    if kind == NEED and type_id is not None:
        found &= Q(type_id=type_id)
    if kind == PARTNER and category in Category.values:
        found &= Q(category=category)
    return found


def _dressed(kind: str, found: Any, *labels: str) -> tuple[str, tuple[str, ...], Any]:
    related = {
        "request": ("area__parent__parent", "category", "handler_partner", "handler_user"),
        "need": ("area__parent__parent", "type"),
        "allocation": ("area__parent__parent", "resource", "partner", "slot", "resource_request"),
        "partner": ("area",),
        "slot": ("resource__partner",),
    }
    orders = {"partner": ("category", "code"), "slot": ("starts_at", "pk")}
    found = found.select_related(*related[kind]).order_by(*orders.get(kind, ("-created_at", "-pk")))
    found = found if "counted" in found.query.annotations else found.annotate(counted=Value(True))
    return kind, labels, found.defer("phone", "contact_name") if kind == "request" else found
