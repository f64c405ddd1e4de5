"""Write many rows by COPY: one statement per table, however many rows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(value: Any) -> str:
    """Return a value as COPY's text format has it."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    return str(value)


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Copy plain rows into the table of `model` and return how many there were."""
    lines = ["\t".join(map(_text, row)) for row in rows]
    if lines:
        quote = connection.ops.quote_name
        names = ", ".join(quote(name) for name in columns)
        with connection.cursor() as cursor:
            cursor.copy_expert(
                f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN", io.StringIO("\n".join(lines) + "\n")
            )
    return len(lines)


def _stored(field: models.Field[Any, Any], row: models.Model) -> Any:
    value = field.pre_save(row, add=True)
    return value if isinstance(field, models.JSONField) else field.get_prep_value(value)


def copy_in(model: type[models.Model], rows: Sequence[models.Model]) -> int:
    """Copy unsaved instances, sealing and indexing as saving would; columns left to the database stay so."""
    if not rows:
        return 0
    fields = [field for field in model._meta.concrete_fields if _given(field, rows[0])]
    columns = [field.column for field in fields if field.column]  # concrete fields all have one
    return copy_rows(model, columns, ([_stored(f, row) for f in fields] for row in rows))


def _given(field: models.Field[Any, Any], row: models.Model) -> bool:
    """Tell whether the rows bring a value for the field; keys and defaults of the database are left out."""
    value = getattr(row, field.attname)
    return not (isinstance(value, models.expressions.DatabaseDefault) or (field.primary_key and value is None))
