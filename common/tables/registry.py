"""What every registry does alike with its table: read cells, find the row again, compare, and write in bulk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import Q

from common import access
from common.errors import DomainError
from common.tables.cells import Faults, Guesses, one_form, read
from common.tables.sheet import Cells, Column, Fault, Planned, Values, Wrong
from common.tables.text import Given

NEW, CHANGED, SAME, WRONG = "new", "changed", "same", "wrong"
ELSEWHERE = "现在不归您管，留着了。请找负责那里的人。"
OVERTAKEN = "预览以后有人改动过，请重新上传这张表，看过再导入"


@dataclass(frozen=True, slots=True)
class Known:
    """A row that stands: its id, its cells, and what a look needs to be written down (model label, fields)."""

    id: str
    cells: Cells
    row: Any = None


@dataclass(slots=True)
class Book:
    """Everything that planning one file looks up, read once: the rows that stand, by key, and the labels of lists."""

    known: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    guesses: Guesses = field(default_factory=Guesses)
    seen: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: str, known: Known) -> None:
        """Note a row that stands."""
        self.known[key].append(known)


@dataclass(slots=True)
class Row:
    """One row on its way: the cells in one form, their values, and what is wrong with it."""

    line: int
    text: Cells
    values: Values
    faults: Faults


class Registry(ABC):
    """A registry as a table. A room says what its cells mean; keys, doubles, comparison and undo are done here.

    `opens` is the right to see personal columns in full, at the place of each row.
    """

    code: str
    title: str
    keeps: str
    looks: str
    opens: str = ""
    # The name of the address where the rows are looked at.
    page: str = ""
    columns: tuple[Column, ...]
    # The model whose rows these are, for the trail and for the log of looks at personal data.
    label: str = ""
    masks: ClassVar[Mapping[str, Any]] = {}

    # What a room says -------------------------------------------------------------------------------------------

    @abstractmethod
    def book(self, user: Any, rows: list[Cells] | None) -> Book:
        """Read what planning `rows` looks up, within the person's reach; None: what an export shows."""

    @abstractmethod
    def meaning(self, row: Row, book: Any) -> tuple[str, Values]:
        """Return the key of a row and what its writer needs; say what is wrong with it."""

    @abstractmethod
    def enter(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Write new rows and return for each line its id and what `undo` needs."""

    @abstractmethod
    def change(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Write changed rows and return for each line its id and what `undo` needs."""

    @abstractmethod
    def take_back(self, verb: str, written: list[tuple[str, Values]], user: Any) -> list[tuple[str, str]]:
        """Take back rows of one verb; return (id, sentence) for those that cannot be."""

    def lock(self, ids: list[str]) -> None:  # noqa: B027  # most registries have nothing more to hold
        """Keep the rows that are about to change as they are until the transaction ends."""

    def kept_by(self, user: Any, verb: str) -> Q:
        """Return the condition that the person may take a row back: rows and people move after an import."""
        return access.within(user, self.keeps)

    def choices(self, user: Any) -> dict[str, tuple[str, ...]]:
        """Return closed lists that are data, by column."""
        return {}

    # The sheet --------------------------------------------------------------------------------------------------

    def columns_for(self, user: Any) -> tuple[Column, ...]:
        """Return the columns with the closed lists that this person may choose from."""
        lists = self.choices(user)
        return tuple(replace(c, choices=lists[c.key]) if c.key in lists else c for c in self.columns)

    def rows(self, user: Any, **filters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the rows within the person's reach, masked; with `openly` the Known rows themselves, unmasked."""
        openly = filters.pop("openly", False)
        for found in self.book(user, None).known.values():
            for known in found:
                yield known.cells if openly else self.masked(known.cells)

    def known(self, user: Any) -> list[Known]:
        """Return the rows within the person's reach with their ids, unmasked, in the district's order."""
        return [one for found in self.book(user, None).known.values() for one in found]

    def masked(self, cells: Mapping[str, str]) -> Cells:
        """Return cells with the middle of personal values hidden."""
        return {key: self.masks[key](text) if key in self.masks else text for key, text in cells.items()}

    def plan(self, rows: Iterable[tuple[int, Cells]], user: Any) -> Iterator[Planned]:
        """Say of each (line, cells) what it would do, in bulk and without writing."""
        typed = [(line, _in_one_form(cells)) for line, cells in rows]
        if not access.holds(user, self.keeps):
            sentence = "这张表要由负责维护它的人来导入。需要开通请找本单位的管理员。"
            yield from (Planned(line, WRONG, faults=(Fault("", sentence),)) for line, _ in typed)
            return
        book = self.book(user, [cells for _, cells in typed])
        for line, cells in typed:
            yield self._planned(line, cells, book)

    def _planned(self, line: int, cells: Given, book: Book) -> Planned:
        row = Row(line, dict(cells), {}, Faults([*cells.faults]))
        for column in self.columns:
            if column.key in cells or column.required:
                text, value = read(
                    column, cells.get(column.key, ""), book.labels.get(column.key, {}), row.faults, book.guesses
                )
                row.text[column.key], row.values[column.key] = text, value
        key, data = self.meaning(row, book)
        known, earlier = self._match(key, book)
        if known is None and earlier:
            row.faults.say("", f"和第 {earlier} 行重复了，请只留一行。")
        if key:
            book.seen[key].append(line)
        before = known.cells if known else {}
        self._keep_masked(row, before, data)
        if row.faults.found:
            return Planned(line, WRONG, key, self.masked(before), row.text, {}, tuple(row.faults.found))
        return self._compared(row, key, known, data)

    def _match(self, key: str, book: Book) -> tuple[Known | None, int]:
        """Find the standing row; where several go by one key, they are taken in their order."""
        found, seen = book.known.get(key, []) if key else [], book.seen.get(key, []) if key else []
        return (found[len(seen)], 0) if len(seen) < len(found) else (None, seen[-1] if seen else 0)

    def _keep_masked(self, row: Row, before: Cells, data: Values) -> None:
        """Take the mask of a stored value for the value itself; refuse any other mask."""
        for key, mask in self.masks.items():
            typed = row.text.get(key, "")
            if "*" not in typed:
                continue
            stored = before.get(key, "")
            if stored and typed == mask(stored):
                row.text[key] = data[key] = stored
                row.faults.found[:] = [fault for fault in row.faults.found if fault.column != key]
            elif not row.faults.about(key):
                title = next(c.title for c in self.columns if c.key == key)
                row.faults.say(key, f"{title}里有星号。要改就填完整的，不改就留着导出来的样子。")

    def _compared(self, row: Row, key: str, known: Known | None, data: Values) -> Planned:
        if known is None:
            return Planned(row.line, NEW, key, {}, row.text, data)
        changed = [name for name, text in row.text.items() if one_form(known.cells.get(name, "")) != one_form(text)]
        changed = [name for name in changed if any(column.key == name for column in self.columns)]
        # A personal value that stays shows its mask on both sides: a preview is no way to read it.
        kept = {name for name in self.masks if name not in changed}
        values = {**known.cells, **row.text}
        values |= self.masked({name: values[name] for name in kept if name in values})
        data = {**data, "id": known.id, "changed": changed}
        return Planned(row.line, CHANGED if changed else SAME, key, self.masked(known.cells), values, data)

    # Writing ----------------------------------------------------------------------------------------------------

    def write(self, planned: list[Planned], user: Any) -> list[tuple[Planned, str, Values]]:
        """Write new and changed rows in the caller's transaction; `Wrong` for one that has become impossible."""
        wanted = [row for row in planned if row.verb in (NEW, CHANGED)]
        with transaction.atomic():
            self.lock([row.data["id"] for row in wanted if row.verb == CHANGED])
            fresh = self._again(wanted, user)
            try:
                # Changed rows first: a term that ends now makes room for the new one after it.
                done = self.change([row for row in fresh if row.verb == CHANGED], user)
                done |= self.enter([row for row in fresh if row.verb == NEW], user)
            except IntegrityError as error:
                raise Wrong(Fault("", f"{OVERTAKEN}。")) from error
            except DomainError as error:
                raise Wrong(Fault("", error.message)) from error
        return [(row, *done[row.line]) for row in wanted]

    def _again(self, wanted: list[Planned], user: Any) -> list[Planned]:
        """Plan once more what is about to be written: what was seen in the preview must still hold."""
        fresh = list(self.plan([(row.line, row.values) for row in wanted], user))
        for row, now in zip(wanted, fresh, strict=True):
            if now.verb == WRONG:
                raise Wrong(*(Fault(f.column, f"第 {row.line} 行：{f.sentence}", f.suggestion) for f in now.faults))
            if (now.verb, now.before) != (row.verb, row.before):
                raise Wrong(Fault("", f"第 {row.line} 行：{OVERTAKEN}。"))
        return fresh

    def undo(self, written: list[tuple[str, str, Values]], user: Any) -> list[tuple[str, str]]:
        """Take back rows (verb, id, what `write` kept), last first; return (id, sentence) for those that stay."""
        refused: list[tuple[str, str]] = []
        with transaction.atomic():
            for verb in (NEW, CHANGED):
                rows = [(pk, kept) for kind, pk, kept in reversed(written) if kind == verb]
                elsewhere = self._elsewhere(verb, [pk for pk, _ in rows], user)
                refused += [(pk, ELSEWHERE) for pk, _ in rows if pk in elsewhere]
                rows = [(pk, kept) for pk, kept in rows if pk not in elsewhere]
                refused += self.take_back(verb, rows, user) if rows else []
        return refused

    def _elsewhere(self, verb: str, ids: list[str], user: Any) -> set[str]:
        """Return the rows that are there and that the person does not keep any more, all of them held."""
        if not ids:
            return set()
        self.lock(ids)
        rows = apps.get_model(self.label)._default_manager.filter(pk__in=ids)
        return {str(pk) for pk in rows.exclude(self.kept_by(user, verb)).values_list("pk", flat=True)}


def _in_one_form(cells: Mapping[str, str]) -> Given:
    given = Given((key, one_form(text)) for key, text in cells.items())
    given.faults = getattr(cells, "faults", ())
    return given
