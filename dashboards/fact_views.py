"""The page of facts (数据取用): what is known about a place, in the form in which it is asked for, to take away."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common import access
from common.tables.safe import harmless
from dashboards import fact_selectors
from dashboards.fact_selectors import Asked, Cell, Filled
from dashboards.figures import CALENDAR, FIGURES, Period
from grids.permissions import can


@access.needs(*fact_selectors.LOOKS)
@require_safe
def facts(request: HttpRequest) -> HttpResponse:
    """Show a form filled in with what is known, in a fixed number of statements."""
    about = fact_selectors.asked(request)
    words = request.GET.get("q", "").strip()
    # Whoever looks for another place has no use for the facts of this one.
    filled = Filled(about) if words else fact_selectors.fill(about, request.user, fact_selectors.SHOWN)
    context = {
        "door": "facts", "about": about, "filled": filled, "words": words, "shown": fact_selectors.SHOWN,
        "found": fact_selectors.search(request.user, words) if words else [],
        "lines": [[_dressed(cell, request.user, about) for cell in line] for line in filled.lines],
        "spans": CALENDAR.items(), "copy": copied(filled),
        "query": _query(about), "tree": _tree(request.user, about),
    }  # fmt: skip
    return render(request, "dashboards/facts.html", context)


def _tree(user: Any, about: Asked) -> str:
    """Return where places are added below this one, "" for whoever does not keep it."""
    return f"{reverse('grids:tree')}?open={about.place.pk}" if can(user, "manage_places", about.place) else ""


def _query(about: Asked) -> str:
    form = {"form": about.form.code} if about.form else {}
    return urlencode({"area": about.place.pk, **form, "span": about.period.code})


def copied(filled: Filled) -> str:
    """Return the form as lines of cells with tabs between them, as another table takes them in."""
    if filled.about.one_place:
        rows: list[tuple[str, ...]] = [(cell.item.heading, cell.text) for line in filled.lines for cell in line]
    else:
        rows = [tuple(item.heading for item in filled.about.items)]
        rows += [tuple(cell.text for cell in line) for line in filled.lines]
    return "\n".join("\t".join(" ".join(harmless(text).split()) for text in row) for row in rows)


def _dressed(cell: Cell, user: Any, about: Asked) -> dict[str, Any]:
    """Return a cell with the way to its rows, or to where a missing value is put right."""
    return {
        "cell": cell,
        "item": cell.item,
        "fact": cell.item.fact,
        "when": about.when(cell.item),
        "rows": _rows_url(cell, user, about),
        "mend": _mend_url(cell, user) if cell.missing else "",
    }


def _rows_url(cell: Cell, user: Any, about: Asked) -> str:
    fact = cell.item.fact
    if fact is None or fact.code not in FIGURES or not cell.text or not can(user, "view_dashboard", cell.place):
        return ""
    period = about.period if fact.by_period else Period(about.place.as_of, 30)
    query = {"m": fact.code, "area": cell.place.pk, "days": period.key}
    return f"{reverse('dashboards:rows')}?{urlencode(query)}"


def _mend_url(cell: Cell, user: Any) -> str:
    fact = cell.item.fact
    if fact is None or not fact.mend[0] or not can(user, fact.mend[0], cell.place):
        return ""
    if cell.place.kind in fact.kept_at:
        return reverse("grids:step", kwargs={"pk": cell.place.pk, "step": "edit"})
    address = reverse(fact.mend[1])
    return f"{address}?open={cell.place.pk}" if fact.kept_at else address
