"""What a sheet is: its columns, whose rows it shows, how a row is found again and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Cells = dict[str, str]
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in code, its heading in Chinese, and what a cell may hold.

    `kind` is text | number | date | moment | choice | yes_no | reference, or for files either (a number where the
    value is one). `choices` are the labels of a closed list (a drop-down in the template). `personal` columns are
    exported masked unless a purpose is given, and each such export is logged. `aliases` are other headings under which
    the column is found in a file.
    """

    key: str
    title: str
    kind: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    most: int = 200
    example: str = ""
    hint: str = ""
    width: int = 16
    personal: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell: the column's key ("" for the whole row), a sentence, the likely right value."""

    column: str
    sentence: str
    suggestion: str = ""


class Wrong(Exception):
    """Refuse one row; carries the faults that its writer found."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("；".join(fault.sentence for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Planned:
    """What a row would do: `verb` is new | changed | same | wrong.

    `key` finds the row again in a later file; `before` and `values` are the row's cells as text, before and after;
    `data` is what the writer needs (ids and plain values that JSON can hold).
    """

    line: int
    verb: str
    key: str = ""
    before: Cells = field(default_factory=dict)
    values: Cells = field(default_factory=dict)
    data: Values = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


class Sheet(Protocol):
    """One registry as a table. Stateless; registered once per process."""

    code: str
    title: str
    keeps: str
    looks: str
    columns: tuple[Column, ...]

    def columns_for(self, user: Any) -> tuple[Column, ...]:
        """Return the columns with the closed lists that this person may choose from."""
        ...

    def rows(self, user: Any, **filters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the rows that the person may see as column key → value, in the district's order."""
        ...

    def plan(self, rows: Iterable[tuple[int, Cells]], user: Any) -> Iterator[Planned]:
        """Say of each (line, cells) what it would do, in bulk (no statement per row) and without writing.

        Looks up only what lies within the person's reach; says the likely right value for a name it cannot find;
        finds the same key twice in one file. Yields one for each row, in their order. Rows whose cells are wrong
        come too (`cells.faults`), so that all that is wrong with a row is said at once.
        """
        ...

    def write(self, planned: list[Planned], user: Any) -> list[tuple[Planned, str, Values]]:
        """Write new and changed rows in the caller's transaction through the rooms' actions, with their events.

        Return for each row (planned, the written row's id, what `undo` needs). Raises `Wrong` for a row that has
        become impossible since it was planned.
        """
        ...

    def undo(self, written: list[tuple[str, str, Values]], user: Any) -> list[tuple[str, str]]:
        """Take back rows (verb, id, what `write` kept) in the caller's transaction, last first.

        Return (id, sentence) for each row that cannot be taken back because it was changed or used since.
        """
        ...


_sheets: dict[str, Sheet] = {}


def register(sheet: Sheet) -> None:
    """Offer a sheet; the same code twice is a fault of the program."""
    if _sheets.get(sheet.code, sheet) is not sheet:
        raise ValueError(f"Two sheets are called {sheet.code}.")
    _sheets[sheet.code] = sheet


def sheet(code: str) -> Sheet | None:
    """Return the sheet of this code."""
    return _sheets.get(code)


def sheets() -> list[Sheet]:
    """Return every sheet, in the order in which the rooms registered them."""
    return list(_sheets.values())


def likely(text: str, names: Callable[[], Iterable[str]] | Iterable[str]) -> str:
    """Return the name that `text` was most likely meant to be, or "".

    Of two signs one may be wrong; of more, half of them alike (落霞社区, 惜春社区) says nothing.
    """
    from difflib import get_close_matches

    cutoff = 0.5 if len(text) < 3 else 0.51
    found = get_close_matches(text, list(names() if callable(names) else names), n=1, cutoff=cutoff)
    return found[0] if found else ""
