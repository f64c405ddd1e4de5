"""The batch (统筹) for the district: try it, look at what it would change, do it, read what was done."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localtime
from django.views.decorators.http import require_http_methods, require_safe

from common import access
from common.errors import Invalid, NotFound
from dashboards import run_selectors
from requests_board.actions import batch
from requests_board.models import DispatchRun


@access.needs("settle_at_district")
@require_http_methods(["GET", "HEAD", "POST"])
def runs(request: HttpRequest) -> HttpResponse:
    """List the runs, and order one: a dry one by itself, or for good after a dry one."""
    if request.method == "POST":
        return redirect("dashboards:run", pk=_order(request).pk)
    context = {"door": "district", "rows": run_selectors.runs(request.user), "key": uuid4()}
    return render(request, "dashboards/runs.html", context)


def _order(request: HttpRequest) -> DispatchRun:
    """Order what the form asks for; the same form sent twice is one run."""
    district = run_selectors.district_of(request.user)
    if district is None:
        raise NotFound("统筹是全区一起排的，要由区里来点。")
    dry = request.POST.get("for_good") != "1"
    try:
        key = f"page:{'dry' if dry else 'do'}:{UUID(request.POST.get('key', ''))}"
    except ValueError as error:
        raise Invalid("这一页放得太久了，请回到“统筹”页面再点一次。", field="key") from error
    return batch.order(key=key, actor=request.user, area=district, dry=dry)


@access.needs("settle_at_district")
@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a run changed, or would change, and how good the result is."""
    row = run_selectors.run(request.user, pk)
    if row is None:
        raise NotFound("没有这次统筹，或者不在您的区里。")
    context: dict[str, Any] = {"door": "district", "run": row, "key": row.key.rpartition(":")[2]}
    if row.done_at is not None:
        context |= {
            "changes": run_selectors.changes(request.user, row), "tiles": _tiles(row),
            "of_all": row.proposed + row.moved + row.dropped, "when": localtime(row.done_at),
        }  # fmt: skip
    return render(request, "dashboards/run.html", context)


def _tiles(row: DispatchRun) -> list[dict[str, str]]:
    """Return the figures of a run in the words of the page."""
    more = row.served_after - row.served_before
    return [
        {"name": "能配上的需求", "value": f"{row.served_after} 件",
         "note": f"原来 {row.served_before} 件，{'多' if more >= 0 else '少'} {abs(more)} 件"},
        {"name": "得的最少的社区", "value": _percent(row.worst_after) if row.needs > row.hopeless else "—",
         "note": f"要的里面能配上这么多，原来 {_percent(row.worst_before)}"},
        {"name": "各社区均匀度", "value": _percent(row.evenness_after) if row.needs > row.hopeless else "—",
         "note": f"100% 就是大家一样多，原来 {_percent(row.evenness_before) if row.served_before else '—'}"},
        {"name": "离最好的可能", "value": f"差不到 {max(0.1, -(-row.gap * 1000 // 1) / 10):.1f}%",
         "note": "算过所有的配法，再好也好不过这么多"},
    ]  # fmt: skip


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%" if share in (0, 1) else f"{share * 100:.1f}%"
