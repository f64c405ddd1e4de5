"""What is known of an import: its rows, what they would do, and how far the background is."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator
from typing import Any

from audit.imports import words
from audit.imports.models import ImportPart, ImportPolicy, ImportRun, PartKind, RunState
from audit.models import Job, JobState
from common import access
from common.errors import DomainError
from common.fields import Unreadable
from common.tables.sheet import Fault, Sheet, sheet, sheets
from common.tables.text import plain


class Emptied(DomainError):
    """Refuse what needs the rows of an import whose content is gone."""

    code = "import_emptied"
    default_message = "这次导入的内容已经清除，或者读不出来了。要再导入，请重新上传文件。"


def policy() -> ImportPolicy:
    """Return what the district allows."""
    return ImportPolicy.objects.first() or ImportPolicy(pk=1)


def keeps(user: Any) -> list[Sheet]:
    """Return the registries that this person may import into."""
    held = access.held(user)
    return [each for each in sheets() if each.keeps in held]


def sheet_for(user: Any, code: str) -> Sheet | None:
    """Return the registry of this code if the person may import into it."""
    found = sheet(code)
    return found if found is not None and found in keeps(user) else None


def packed(content: Any) -> str:
    """Return content as short text, ready to be sealed."""
    return base64.b64encode(zlib.compress(json.dumps(content, ensure_ascii=False).encode(), 1)).decode()


def unpacked(text: str) -> Any:
    """Return what `packed` was given; refuse a text that does not open."""
    try:
        if isinstance(text, Unreadable):
            raise ValueError("sealed with a key that is gone")
        return json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except (ValueError, binascii.Error, zlib.error) as error:
        raise Emptied() from error


def parts(run: ImportRun, kind: str) -> Iterator[Any]:
    """Yield the entries of all parts of one kind, in order."""
    for part in ImportPart.objects.filter(run=run, kind=kind).order_by("number"):
        yield from unpacked(part.content)


def head(run: ImportRun) -> tuple[list[str], list[str], list[str]]:
    """Return headings, column keys and notes of the file; refuse an import without content."""
    found = list(parts(run, PartKind.HEAD))
    if len(found) != 3:
        raise Emptied()
    return found[0], found[1], found[2]


def summary(run: ImportRun) -> dict[str, Any] | None:
    """Return what the preview shows, None when there is nothing (any more)."""
    try:
        return next(parts(run, PartKind.SUMMARY), None)
    except Emptied:
        return None


def faults(run: ImportRun) -> dict[int, list[tuple[str, str, str]]]:
    """Return column, sentence and suggestion of all that is wrong, by line."""
    return {line: said for line, verb, _, said in parts(run, PartKind.PLAN) if verb == "wrong"}


def bad_rows(run: ImportRun) -> Iterator[list[str]]:
    """Yield each wrong row as it stood in the file, with what is wrong as one cell more."""
    wrong, width = faults(run), len(head(run)[0])
    for line, cells in parts(run, PartKind.ROWS):
        if line in wrong:
            said = "".join(words.sentence(line, Fault(*each)) for each in wrong[line])
            row = [plain(cell) for cell in cells[:width]]
            yield [*row, *[""] * (width - len(row)), said]


def refused(run: ImportRun) -> list[tuple[int, str]]:
    """Return line and sentence of the rows that could not be taken back."""
    try:
        return list(parts(run, PartKind.REFUSED))
    except Emptied:
        return []


def same_file(run: ImportRun) -> ImportRun | None:
    """Return the last finished import of the very same file into the same registry."""
    done = ImportRun.objects.filter(registry=run.registry, digest=run.digest, state=RunState.DONE)
    return done.exclude(pk=run.pk).first()


def stopped(run: ImportRun) -> bool:
    """Tell whether the background has given up on it."""
    return Job.objects.filter(key=run.job_key, state=JobState.DEAD).exists()
