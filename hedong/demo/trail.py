"""Take steps along the tables of the workflow at moments that have passed, and leave the trail of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from audit.actions import SYSTEM
from audit.models import Event
from common.workflow import Step
from hedong.demo.copying import copy_rows
from hedong.demo.world import Person

COLUMNS = (
    "at", "actor_id", "actor_label", "on_behalf_of", "verb", "target_type", "target_id", "before", "after", "reason",
    "scope_path", "data",
)  # fmt: skip
RESIDENT, ENGINE = Person(None, "居民"), Person(None, SYSTEM)  # type: ignore[arg-type]


T = TypeVar("T")


def known(value: T | None) -> T:
    """Return what the story has set by now in a column that may be empty elsewhere; fail where it has not."""
    if value is None:
        raise LookupError("The story has not come so far.")
    return value


@dataclass(slots=True)
class Trail:
    """The events of many rows, to be written at once in the order of time."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def note(self, row: Any, verb: str, at: datetime, who: Person, *, before: str = "", reason: str = "") -> None:
        """Add one event of `row` as it stands."""
        self.rows.append(
            (
                at, who.id, who.label, getattr(row, "on_behalf_of", ""), verb, row._meta.label_lower, str(row.pk),
                before,
                row.status, reason, row.scope_path, {"version": row.version},
            )
        )  # fmt: skip

    def begin(self, row: Any, verb: str, at: datetime, who: Person) -> None:
        """Note how a row came to be."""
        row.created_at = at
        self.note(row, verb, at, who)

    def step(self, row: Any, step: Step, at: datetime, who: Person, *, reason: str = "", **changes: Any) -> None:
        """Take one step, refused like the real one where the table has no such arrow."""
        step.check(row.status)
        before = row.status
        for name, value in {"status": step.target, "version": row.version + 1, **changes}.items():
            setattr(row, name, value)
        if step.stamp:
            setattr(row, step.stamp, at)
        self.note(row, step.verb, at, who, before=before, reason=reason)

    def forget(self, target_id: str) -> None:
        """Drop the events of a row that is left out after all."""
        place = COLUMNS.index("target_id")
        self.rows = [row for row in self.rows if row[place] != target_id]

    def write(self) -> int:
        """Copy the events in the order of time and return how many there were."""
        self.rows.sort(key=_moment)
        return copy_rows(Event, COLUMNS, self.rows)


def _moment(row: tuple[Any, ...]) -> datetime:
    moment: datetime = row[0]
    return moment
