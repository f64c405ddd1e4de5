"""Insert very many rows of one model: the statement is put together once, and not compiled anew for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

_BATCH = 1000


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert new rows and give those without a key theirs; columns that the database fills are left to it."""
    if not rows:
        return
    meta = rows[0]._meta
    key = meta.pk
    fields = [field for field in meta.local_concrete_fields if not field.generated and not _left(rows[0], field)]
    quoted: Any = connection.ops.quote_name
    names = ", ".join(quoted(field.column) for field in fields)
    line = f"({', '.join(['%s'] * len(fields))})"
    start = f"INSERT INTO {quoted(meta.db_table)} ({names}) VALUES "  # noqa: S608
    end = f" RETURNING {quoted(key.column)}"
    with connection.cursor() as cursor:
        for at in range(0, len(rows), _BATCH):
            some = rows[at : at + _BATCH]
            values = [field.get_db_prep_save(field.pre_save(row, True), connection) for row in some for field in fields]
            cursor.execute(start + ", ".join([line] * len(some)) + end, values)
            for row, (pk,) in zip(some, cursor.fetchall(), strict=True):
                setattr(row, key.attname, pk)
                row._state.adding, row._state.db = False, connection.alias


def _left(row: models.Model, field: Any) -> bool:
    """Tell whether the database fills this column."""
    value = row.__dict__.get(field.attname)
    return isinstance(value, DatabaseDefault) or (field.primary_key and value is None)
