"""The pages of imports: choose a registry, send a file, look at what it would do, write it, take it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.imports import actions, selectors
from audit.imports.models import ImportRun
from common import access, brakes
from common.errors import DomainError, Invalid, NotAllowed, NotFound, TooMany
from common.tables.limits import MAX_BYTES
from common.tables.sheet import Sheet
from common.tables.template import marked, template
from common.typed import whole

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE, LAST_PAGE = 20, 10_000
# The district's limit for files sent by one person.
UPLOADS = "import_upload"


@dataclass(frozen=True, slots=True)
class _KeepsTables(access.Rule):
    """Let in whoever may import into any registry; which ones there are is known only when all rooms are up."""

    def allows(self, user: Any) -> bool:
        """Tell whether `user` may come through."""
        return bool(user.is_authenticated and user.is_active and selectors.keeps(user))


keeps_tables = _KeepsTables("permission", ("import",))


@keeps_tables
@require_safe
def imports(http: HttpRequest) -> HttpResponse:
    """Show the registries that the person keeps, and what they have imported so far."""
    before = min(whole(http.GET.get("page", "")) or 0, LAST_PAGE)
    found = list(ImportRun.objects.of(http.user)[before * PAGE : (before + 1) * PAGE + 1])
    context = {
        "door": "imports",
        "registries": selectors.keeps(http.user),
        "runs": found[:PAGE],
        "next": before + 1 if len(found) > PAGE else 0,
    }
    return render(http, "audit/imports/list.html", context)


@keeps_tables
def registry(http: HttpRequest, code: str) -> HttpResponse:
    """Offer the template and take a file; what is wrong with the file is said beside the form."""
    # Whoever does not keep this registry learns nothing else of it either.
    return _registry(http, _sheet(http, code))


@require_http_methods(["GET", "HEAD", "POST"])
def _registry(http: HttpRequest, sheet: Sheet) -> HttpResponse:
    error: DomainError | None = None
    if http.method == "POST":
        try:
            brakes.count(UPLOADS, http.user)
            run = actions.begin(actor=http.user, sheet=sheet, **_upload(http))
            return redirect("audit:import_run", pk=run.pk)
        except (Invalid, TooMany) as refused:
            error = refused
    columns = sheet.columns_for(http.user)
    context = {
        "door": "imports", "sheet": sheet, "sheet_list": f"sheet.{sheet.code}", "columns": columns, "error": error,
        "has_lists": any(column.choices for column in columns),
        "policy": selectors.policy(),
    }  # fmt: skip
    return render(http, "audit/imports/registry.html", context, status=error.status if error else 200)


def _upload(http: HttpRequest) -> dict[str, Any]:
    sent, pasted = http.FILES.get("file"), http.POST.get("pasted", "").strip()
    if sent is None and pasted:
        return {"file_name": "粘贴的内容", "data": pasted.encode()}
    if sent is None:
        raise Invalid("请先选好要导入的文件，再点“上传核对”。", field="file")
    # One byte more than allowed is enough to know; a claimed size is not believed.
    return {"file_name": sent.name or "", "data": sent.read(MAX_BYTES + 1)}


@keeps_tables
def import_template(http: HttpRequest, code: str) -> HttpResponse:
    """Hand out the empty workbook of a registry."""
    return _template(http, _sheet(http, code))


@require_safe
def _template(http: HttpRequest, sheet: Sheet) -> HttpResponse:
    return _download(template(sheet.title, sheet.columns_for(http.user)), f"{sheet.title}导入模板.xlsx")


@keeps_tables
@require_safe
def import_run(http: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one import: what it would do, how far it is, or what it has done."""
    run = _run(http, pk)
    context = {
        "door": "imports",
        "run": run,
        "offered": selectors.sheet_for(http.user, run.registry),
        "summary": selectors.summary(run) if not run.busy else None,
        "stopped": run.busy and selectors.stopped(run),
        "again": selectors.same_file(run) if run.state == "planned" else None,
        "refused": selectors.refused(run) if run.kept else [],
    }
    return render(http, "audit/imports/run.html", context)


@keeps_tables
@require_safe
def import_bad(http: HttpRequest, pk: UUID) -> HttpResponse:
    """Hand out the wrong rows as they came, with what is wrong beside each."""
    run = _run(http, pk)
    headings, _, _ = selectors.head(run)
    name = f"{run.title}有错的行{timezone.localtime():%m%d%H%M}.xlsx"
    return _download(marked(run.title, headings, selectors.bad_rows(run)), name)


@keeps_tables
@require_POST
def import_step(http: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Take one step with an import and show it again; a refusal is said on its page."""
    run = _run(http, pk)
    if step not in STEPS:
        raise NotFound()
    STEPS[step](run, http)
    return redirect("audit:imports") if step == "drop" else redirect("audit:import_run", pk=pk)


def _mend(run: ImportRun, http: HttpRequest) -> None:
    group = whole(http.POST.get("group", ""))
    was, to = http.POST.get("was", ""), http.POST.get("new", "")
    actions.mend(run, actor=http.user, group=-1 if group is None else group, was=was, to=to)


STEPS: dict[str, Callable[[ImportRun, HttpRequest], None]] = {
    "mend": _mend,
    "accept": lambda run, http: actions.accept_all(run, actor=http.user),
    "write": lambda run, http: actions.write(run, actor=http.user),
    "write-good": lambda run, http: actions.write(run, actor=http.user, only_good=True),
    "drop": lambda run, http: actions.drop(run, actor=http.user),
    "undo": lambda run, http: actions.undo(run, actor=http.user),
    "undo-rest": lambda run, http: actions.undo(run, actor=http.user, rest=True),
}


def _sheet(http: HttpRequest, code: str) -> Sheet:
    sheet = selectors.sheet_for(http.user, code)
    if sheet is None:
        raise NotAllowed("往这里导入要由负责的人来做。需要开通请找本单位的管理员。")
    return sheet


def _run(http: HttpRequest, pk: UUID) -> ImportRun:
    """Return an import of this very person; somebody else's answers like one that is not there."""
    run = ImportRun.objects.of(http.user).filter(pk=pk).first()
    if run is None:
        raise NotFound()
    return run


def _download(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["X-Content-Type-Options"] = "nosniff"
    return response
