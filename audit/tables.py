"""A registry whose rows are rows of one model: written in bulk with their events, taken back from what they were."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models

from audit import row_actions
from common.fields import EncryptedTextField, Sealed
from common.tables.registry import NEW, Registry
from common.tables.sheet import Planned, Values
from common.tables.uses import in_use

CHANGED_SINCE = "导入以后又有人改过，留着了。"
USED_SINCE = "导入以后已经用上了，留着了。"


class RowRegistry(Registry):
    """Write rows of `model`; `columns_of` names for each column of the sheet the model's columns behind it.

    What hangs on a row in another table goes through `extras` and `put_extras`, as values that JSON can hold.
    """

    model: type[models.Model]
    verb: str
    columns_of: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # Tables whose rows belong to the row itself and go with it.
    own: ClassVar[tuple[type[models.Model], ...]] = ()

    @abstractmethod
    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set the columns `names` of the sheet on a row."""

    def extras(self, ids: list[Any]) -> dict[str, Values]:
        """Return what hangs on these rows, by id as text."""
        return {}

    def put_extras(self, changes: dict[str, Values], user: Any) -> None:
        """Write what hangs on rows."""

    def extra_values(self, data: Values, names: Iterable[str]) -> Values:
        """Return what a line says about what hangs on its row, as far as `names` of the sheet changed."""
        return {}

    # Writing ----------------------------------------------------------------------------------------------------

    def enter(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Insert rows with their events."""
        every = [column.key for column in self.columns]
        made, extras = [], {}
        for line in planned:
            row = self.model()
            self.put(row, line.data, [name for name in every if name in line.data or name in self.columns_of])
            made.append(row)
            if row.pk is not None:
                extras[str(row.pk)] = self.extra_values(line.data, every)
        self.insert(made, user)
        self.put_extras({pk: values for pk, values in extras.items() if values}, user)
        return {
            line.line: (str(row.pk), {"made": self._state(row, every)}) for line, row in zip(planned, made, strict=True)
        }

    def insert(self, rows: list[Any], user: Any) -> None:
        """Insert new rows."""
        row_actions.add_rows(rows, verb=f"{self.verb}.created", actor=user, words=str)

    def alter(self, changed: list[tuple[Any, str, str]], fields: set[str], verb: str, user: Any) -> None:
        """Write changed rows (row, words before, words after)."""
        row_actions.change_rows(changed, fields=fields, verb=verb, actor=user)

    def lock(self, ids: list[str]) -> None:
        """Keep the rows as they are until the transaction ends."""
        self._locked(ids)

    def _locked(self, ids: Iterable[str]) -> dict[str, Any]:
        rows = self.model._default_manager.select_for_update(of=("self",)).filter(pk__in=list(ids)).order_by("pk")
        return {str(row.pk): row for row in rows}

    def change(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Write changed columns with their events, and keep what they were."""
        standing = self._locked(line.data["id"] for line in planned)
        extras = self.extras([line.data["id"] for line in planned])
        changed, fields, done, hanging = [], set(), {}, {}
        for line in planned:
            row, names = standing[line.data["id"]], line.data["changed"]
            before = self._state(row, names)
            self.put(row, line.data, names)
            fields |= {field for name in names for field in self.columns_of.get(name, ())}
            changed.append((row, *self._words(line, names)))
            after = self.extra_values(line.data, names)
            if after:
                before["extras"] = {key: extras.get(str(row.pk), {}).get(key) for key in after}
                hanging[str(row.pk)] = after
            done[line.line] = (row, names, before, after)
        self.alter(changed, fields, f"{self.verb}.changed", user)
        self.put_extras(hanging, user)
        return {
            number: (str(row.pk), {"before": before, "after": self._state(row, names) | _some("extras", after)})
            for number, (row, names, before, after) in done.items()
        }

    def _words(self, line: Planned, names: Iterable[str]) -> tuple[str, str]:
        """Return the changed cells before and after in words, personal ones masked."""
        titles = {column.key: column.title for column in self.columns}
        after = self.masked(line.values)
        told = [name for name in names if name in titles]
        return (
            "；".join(f"{titles[name]}={line.before.get(name, '')}" for name in told)[:2000],
            "；".join(f"{titles[name]}={after.get(name, '')}" for name in told)[:2000],
        )

    # Undo -------------------------------------------------------------------------------------------------------

    def _state(self, row: Any, names: Iterable[str]) -> Values:
        """Return the columns behind cells as JSON holds them; sealed ones as they lie in the database."""
        fields = {field for name in names for field in self.columns_of.get(name, ())}
        return {name: _as_json(row.__dict__.get(name)) for name in sorted(fields)}

    def take_back(self, verb: str, written: list[tuple[str, Values]], user: Any) -> list[tuple[str, str]]:
        """Remove new rows that nothing points at; give changed ones their values back; leave what changed since."""
        standing = self._locked(pk for pk, _ in written)
        if verb == NEW:
            return self._remove(written, standing, user)
        extras, refused, changed, fields, hanging = self.extras([*standing]), [], [], set(), {}
        for pk, kept in written:
            row = standing.get(pk)
            if row is None or not self._stands(row, kept["after"], extras.get(pk, {})):
                refused.append((pk, CHANGED_SINCE))
                continue
            before = dict(kept["before"])
            hanging[pk] = before.pop("extras", {})
            for name, value in before.items():
                setattr(row, name, self._value(name, value))
            fields |= {*before}
            changed.append((row, "", ""))
        self.alter(changed, fields, f"{self.verb}.restored", user)
        self.put_extras({pk: values for pk, values in hanging.items() if values}, user)
        return refused

    def _stands(self, row: Any, state: Values, extras: Values) -> bool:
        same = all(_as_json(row.__dict__.get(name)) == value for name, value in state.items() if name != "extras")
        return same and all(extras.get(name) == value for name, value in state.get("extras", {}).items())

    def _value(self, name: str, value: Any) -> Any:
        field = self.model._meta.get_field(name.removesuffix("_id") if name.endswith("_id") else name)
        if isinstance(field, EncryptedTextField):
            return Sealed(value) if value else ""
        target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
        return target.to_python(value)

    def _remove(self, written: list[tuple[str, Values]], standing: dict[str, Any], user: Any) -> list[tuple[str, str]]:
        used = {str(pk) for pk in in_use(self.model, [row.pk for row in standing.values()], besides=self.own)}
        refused, gone = [], []
        for pk, kept in written:
            row = standing.get(pk)
            if row is None:
                continue
            if pk in used or self.busy(row):
                refused.append((pk, USED_SINCE))
            elif not self._stands(row, kept["made"], {}):
                refused.append((pk, CHANGED_SINCE))
            else:
                gone.append(row)
        row_actions.remove_rows(gone, verb=f"{self.verb}.removed", actor=user)
        return refused

    def busy(self, row: Any) -> bool:
        """Tell whether a row has been worked on since, though nothing points at it."""
        return False


def _as_json(value: Any) -> Any:
    if isinstance(value, Sealed):
        return value.text
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _some(name: str, values: Values) -> Values:
    return {name: values} if values else {}
