"""Everything that can happen to an import; small ones at once, large ones as jobs, each step whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db.models.functions import Now

from audit.actions import keep, record, who
from audit.imports import selectors, words
from audit.imports.models import FOLLOWS, ImportPart, ImportPolicy, ImportRun, PartKind, RunState
from audit.jobs import enqueue
from common.crypto import keyed_digest
from common.errors import Conflict, DomainError, Invalid, NotAllowed
from common.tables import reading
from common.tables.sheet import Planned, Sheet, Wrong
from common.tables.text import cleaned

PLAN_JOB, WRITE_JOB, UNDO_JOB = "audit.import_plan", "audit.import_write", "audit.import_undo"
PART_ROWS = 1000
AGAIN = timedelta(seconds=5)
Tell = Callable[[int], None]
# What a registry may answer to rows that it does not take; everything else is a failure of ours.
REFUSALS = (Wrong, DomainError, ValidationError, IntegrityError, DataError)
_NO_RIGHT = "没有办：您现在没有往这里导入的权限。需要开通请找本单位的管理员。"


def _silent(done: int) -> None:
    """Tell nobody: whoever waits for the page sees the end itself."""


# What people do -----------------------------------------------------------------------------------------------------


def begin(*, actor: Any, sheet: Sheet, file_name: str, data: bytes) -> ImportRun:
    """Read a file and say what it would do; refuse one that cannot be read. Nothing is written into the registry."""
    table = reading.read(data, sheet.columns_for(actor), selectors.policy().rows_at_most)
    owner_id, owner_label = who(actor)
    with transaction.atomic():
        run = ImportRun.objects.create(
            registry=sheet.code,
            title=sheet.title,
            owner_id=owner_id,
            owner_label=owner_label,
            file_name=file_name[-200:],
            digest=_digest(table),
            state=RunState.PLANNING,
            rows=len(table.rows),
        )
        _keep(run, PartKind.HEAD, [table.headings, table.keys, table.notes])
        _keep(run, PartKind.ROWS, table.rows)
        record(actor=actor, verb="import.uploaded", target=run, data={"registry": run.registry, "rows": run.rows})
        _go(run, RunState.PLANNING, PLAN_JOB, actor)
    return run


def mend(run: ImportRun, *, actor: Any, group: int, was: str, to: str) -> None:
    """Put `to` into every row that shares one fault, and look at everything again; refuse a page that is too old."""
    with _locked(run) as row:
        known = (selectors.summary(row) or {}).get("groups", [])
        if not 0 <= group < len(known) or known[group]["value"] != was or not known[group]["mendable"]:
            raise Conflict("这一处刚刚改过了。请看最新的核对结果。")
        if not to.strip():
            raise Invalid("请填上正确的内容。", field="new")
        _replace(row, {(known[group]["column"], known[group]["fault"]): to.strip()})
        _go(row, RunState.PLANNING, PLAN_JOB, actor)


def accept_all(run: ImportRun, *, actor: Any) -> None:
    """Put the likely right value into every row that has one, and look at everything again."""
    with _locked(run) as row:
        known = (selectors.summary(row) or {}).get("groups", [])
        _replace(
            row,
            {
                (each["column"], each["fault"]): each["suggestion"]
                for each in known
                if each["suggestion"] and each["mendable"]
            },
        )
        _go(row, RunState.PLANNING, PLAN_JOB, actor)


def write(run: ImportRun, *, actor: Any, only_good: bool = False) -> None:
    """Write the new and changed rows; refuse while rows are wrong, unless only the good ones are asked for."""
    with _locked(run) as row:
        if row.wrong and not only_good:
            raise Invalid(f"还有 {row.wrong} 行有错。请先改好，或者选“只导入正确的行”。")
        if not row.new + row.changed:
            raise Invalid("没有要写入的行：表里的内容和系统里一样，或者都有错。")
        _go(row, RunState.WRITING, WRITE_JOB, actor)


def undo(run: ImportRun, *, actor: Any, rest: bool = False) -> None:
    """Take the whole import back; `rest` leaves out the rows that were changed or used since."""
    with _locked(run) as row:
        if row.emptied_at:
            raise selectors.Emptied("这次导入的内容已经过期清除，不能再整批撤销。请到登记册里逐条改。")
        _go(row, RunState.UNDOING, UNDO_JOB, actor, rest=rest)


def drop(run: ImportRun, *, actor: Any) -> None:
    """Give an import up before anything was written, and forget its rows at once."""
    with _locked(run) as row:
        row.check_step(RunState.DROPPED)
        ImportRun.objects.filter(pk=row.pk).update(state=RunState.DROPPED, emptied_at=Now())
        ImportPart.objects.filter(run=row).delete()
        record(actor=actor, verb="import.dropped", target=row)


def forget_old() -> int:
    """Empty the imports whose days are over; that they took place stays. Return how many there were."""
    old = ImportRun.objects.filter(emptied_at=None, created_at__lt=Now() - timedelta(days=selectors.policy().keep_days))
    with transaction.atomic():
        keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:1000])
        ImportPart.objects.filter(run__in=keys).delete()
        waiting = ImportRun.objects.filter(pk__in=keys, state__in=(RunState.PLANNED, RunState.PLANNING))
        waiting.update(state=RunState.DROPPED)
        ImportRun.objects.filter(pk__in=keys).update(emptied_at=Now())
    return len(keys)


# What the background does -------------------------------------------------------------------------------------------


def change_policy(row: ImportPolicy, *, actor: Any, seen: str | None = None) -> ImportPolicy:
    """Store how large imports may be; runs that have begun go on as they began."""
    keep(row, verb="import_policy.changed", actor=actor, seen=seen)
    return row


def work(kind: str, run_id: str, rest: bool = False) -> None:
    """Do one step of a large import in the job's transaction, telling past it how far it is."""
    run = ImportRun.objects.filter(
        pk=run_id, state__in=[state for state, job in _JOB_OF.items() if job == kind]
    ).first()
    if run is None:
        return  # given up in the meantime
    user = apps.get_model(settings.AUTH_USER_MODEL)._default_manager.filter(pk=run.owner_id).first()
    sheet = selectors.sheet_for(user, run.registry) if user is not None else None
    if sheet is None:
        back = {
            RunState.PLANNING: RunState.DROPPED,
            RunState.WRITING: RunState.PLANNED,
            RunState.UNDOING: RunState.DONE,
        }
        _finish(run, back[RunState(run.state)], note=_NO_RIGHT)
        return
    with _told(run) as tell:
        _STEPS[kind](run, sheet, user, tell, rest)


@contextmanager
def _told(run: ImportRun) -> Iterator[Tell]:
    """Give a function that writes down the progress on a connection of its own, at most three times a second."""
    line, last = connection.copy(), 0.0

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last < 0.3:
            return
        last = time.monotonic()
        try:
            with line.cursor() as cursor:
                cursor.execute(
                    "UPDATE audit_importrun SET progress = %s WHERE id = %s AND turn = %s", [done, run.pk, run.turn]
                )
        except DatabaseError:
            line.close()  # a bar that stands still for a moment is no reason to stop

    try:
        yield tell
    finally:
        line.close()


# Steps --------------------------------------------------------------------------------------------------------------


def _go(run: ImportRun, state: str, kind: str, actor: Any, *, rest: bool = False) -> None:
    """Take a step at once, or hand it to the background when the file is large."""
    if run.state != state:
        run.check_step(state)
    sheet = selectors.sheet_for(actor, run.registry)
    if sheet is None:
        raise NotAllowed()
    run.state, run.turn, run.progress, run.note = state, run.turn + 1, 0, ""
    run.save(update_fields=["state", "turn", "progress", "note"])
    if run.rows > selectors.policy().rows_at_once:
        enqueue(kind, run.job_key, {"run": run.pk, "rest": rest})
    else:
        _STEPS[kind](run, sheet, actor, _silent, rest)


def _plan(run: ImportRun, sheet: Sheet, user: Any, tell: Tell, rest: bool) -> None:
    """Say of each row what it would do."""
    _keep_plan(run, sheet, user, _planned(run, sheet, user, tell))


def _write(run: ImportRun, sheet: Sheet, user: Any, tell: Tell, rest: bool) -> None:
    """Write what the preview promised, in one piece; when it would be something else by now, show it anew."""
    if not _alone(run):
        return
    found = _planned(run, sheet, user, tell)
    if moved := _moved(run, found):
        _keep_plan(run, sheet, user, found, f"还没有导入：您看过以后，{words.lines_of(moved)}的情况变了。请再看一遍。")
        return
    chosen = [each for each in found if each.verb in {"new", "changed"}]
    try:
        with transaction.atomic():
            written = _written(sheet, chosen, user, tell)
    except REFUSALS as error:
        _keep_plan(run, sheet, user, found, f"没有导入，一行也没有写。{_why(error)}")
        return
    _keep(run, PartKind.WRITTEN, [[each.line, each.verb, key, kept] for each, key, kept in written])
    counts = {"new": run.new, "changed": run.changed, "wrong": run.wrong, "written": len(written)}
    record(actor=user, verb="import.written", target=run, data={"registry": run.registry, **counts})
    _finish(run, RunState.DONE, written=len(written), done_at=Now())


def _undo(run: ImportRun, sheet: Sheet, user: Any, tell: Tell, rest: bool) -> None:
    """Take back all rows, last first; when some cannot be, take back none unless the rest was asked for."""
    if not _alone(run, rest=rest):
        return
    entries = list(selectors.parts(run, PartKind.WRITTEN))
    refused: list[tuple[str, str]] = []
    try:
        with transaction.atomic():
            refused = sheet.undo([(verb, key, kept) for _, verb, key, kept in reversed(entries)], user)
            if refused and not rest:
                raise Conflict()
    except REFUSALS as error:
        line_of = {str(key): line for line, _, key, _ in entries}
        _keep(run, PartKind.REFUSED, sorted((line_of.get(str(key), 0), said) for key, said in refused))
        why = (
            f"有 {len(refused)} 行导入以后又改过或者用过，所以一行也没有撤销。"
            if refused
            else f"没有撤销。{_why(error)}"
        )
        _finish(run, RunState.DONE, note=why, kept=len(refused))
        return
    record(
        actor=user,
        verb="import.undone",
        target=run,
        data={"registry": run.registry, "rows": len(entries) - len(refused), "kept": len(refused)},
    )
    _finish(run, RunState.UNDONE, undone_at=Now(), kept=len(refused))


_STEPS: dict[str, Callable[[ImportRun, Sheet, Any, Tell, bool], None]] = {
    PLAN_JOB: _plan,
    WRITE_JOB: _write,
    UNDO_JOB: _undo,
}
_JOB_OF: dict[str, str] = {
    RunState.PLANNING: PLAN_JOB,
    RunState.WRITING: WRITE_JOB,
    RunState.UNDOING: UNDO_JOB,
}


def _planned(run: ImportRun, sheet: Sheet, user: Any, tell: Tell) -> list[Planned]:
    """Look at every row of the file as things are now, in the file's order."""
    columns = {column.key: column for column in sheet.columns_for(user)}
    keys = [key if key in columns else "" for key in selectors.head(run)[1]]
    rows = [(line, cleaned(cells, keys, columns)) for line, cells in selectors.parts(run, PartKind.ROWS)]
    found = []
    for (line, cells), planned in zip(rows, sheet.plan(rows, user), strict=True):
        found.append(words.with_faults(planned, line, cells))
        tell(len(found))
    return found


def _written(sheet: Sheet, chosen: list[Planned], user: Any, tell: Tell) -> list[tuple[Planned, str, dict[str, Any]]]:
    """Let the registry write, in portions when it says that it can."""
    size = getattr(sheet, "portion", 0) or len(chosen)
    written: list[tuple[Planned, str, dict[str, Any]]] = []
    for at in range(0, len(chosen), size):
        written += sheet.write(chosen[at : at + size], user)
        tell(len(written))
    return written


def _moved(run: ImportRun, found: Iterable[Planned]) -> list[int]:
    """Return the lines that would do something else than what the person has seen."""
    seen = {line: sign for line, _, sign, _ in selectors.parts(run, PartKind.PLAN)}
    return [each.line for each in found if seen.get(each.line) != words.digest(each)]


def _why(error: Exception) -> str:
    if isinstance(error, Wrong):
        return "".join(f"{fault.sentence.rstrip('。')}。" for fault in error.faults)
    if isinstance(error, DomainError):
        return error.message
    if isinstance(error, ValidationError):
        return "".join(f"{said.rstrip('。')}。" for said in error.messages)
    return "有一行和系统里已有的重复，或者内容太长。请再核对一遍。"


# Rows ---------------------------------------------------------------------------------------------------------------


def _alone(run: ImportRun, *, rest: bool = False) -> bool:
    """Hold the registry for this transaction; when another import has it, come again or say so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('import'), hashtext(%s))", [run.registry])
        if cursor.fetchone()[0]:
            return True
    if run.rows <= selectors.policy().rows_at_once:
        raise Conflict(f"另一次导入正在写“{run.title}”。请过几秒再点一次。")
    ImportRun.objects.filter(pk=run.pk).update(turn=run.turn + 1)
    run.turn += 1
    enqueue(_JOB_OF[run.state], run.job_key, {"run": run.pk, "rest": rest}, delay=AGAIN)
    return False


@contextmanager
def _locked(run: ImportRun) -> Iterator[ImportRun]:
    """Give the import as it is now, and hold it: two clicks are one step."""
    with transaction.atomic():
        yield ImportRun.objects.select_for_update(no_key=True).get(pk=run.pk)


def _finish(run: ImportRun, state: str, **fields: Any) -> None:
    """End the step; refuse when somebody else has ended it."""
    allowed = ImportRun.objects.filter(pk=run.pk, state=run.state, turn=run.turn)
    if state not in FOLLOWS[run.state] or not allowed.update(state=state, progress=0, **fields):
        raise Conflict()
    run.state = state


def _keep_plan(run: ImportRun, sheet: Sheet, user: Any, found: list[Planned], note: str = "") -> None:
    """Keep what the rows would do, and what the page says of it."""
    columns = {column.key: column for column in sheet.columns_for(user)}
    shown = [key for key in selectors.head(run)[1] if key in columns]
    said = words.summarised(found, {key: columns[key] for key in shown}, selectors.head(run)[2])
    entries = [
        [each.line, each.verb, words.digest(each), [[f.column, f.sentence, f.suggestion] for f in each.faults]]
        for each in found
    ]
    _keep(run, PartKind.PLAN, entries)
    _keep(run, PartKind.SUMMARY, [said])
    _finish(run, RunState.PLANNED, note=note, **said["counts"])


def _keep(run: ImportRun, kind: str, entries: list[Any]) -> None:
    """Put entries under seal in the place of those that were there."""
    ImportPart.objects.filter(run=run, kind=kind).delete()
    ImportPart.objects.bulk_create(
        ImportPart(run=run, kind=kind, number=at, content=selectors.packed(entries[at : at + PART_ROWS]))
        for at in range(0, len(entries), PART_ROWS)
    )


def _digest(table: reading.Table) -> str:
    """Return a sign of what a file says, whoever saved it when."""
    said = json.dumps([table.headings, table.rows]).encode()
    return keyed_digest("import", sha256(said).hexdigest())


def _replace(run: ImportRun, mended: dict[tuple[str, str], str]) -> None:
    """Put new texts into the cells of the rows that have these faults."""
    run.check_step(RunState.PLANNING)
    keys = selectors.head(run)[1]
    at_line = {
        line: [(keys.index(column), mended[column, fault]) for column, fault, _ in faults if (column, fault) in mended]
        for line, faults in selectors.faults(run).items()
    }
    rows = list(selectors.parts(run, PartKind.ROWS))
    for line, cells in rows:
        for at, text in at_line.get(line, ()):
            cells.extend([""] * (at + 1 - len(cells)))
            cells[at] = text
    _keep(run, PartKind.ROWS, rows)
