"""Read the rows of a statement as numpy columns: the server's binary form, taken as it comes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from django.db import connection

# What a column holds: a whole number, or sixteen bytes of a UUID. Neither may be empty.
WHOLE, KEY = ">i8", "V16"
_HEAD, _TAIL = 19, 2


def columns(statement: str, values: dict[str, Any], **kinds: str) -> dict[str, np.ndarray]:
    """Return the columns of `statement`, named and typed by `kinds` in its order; refuse a row of another shape.

    Whole numbers have to be `bigint` there.
    """
    row = [("fields", ">i2")]
    for name, kind in kinds.items():
        row += [(f"{name} length", ">i4"), (name, kind)]
    shape = np.dtype(row)
    data = _copied(statement, values)
    found = np.frombuffer(data, dtype=shape) if len(data) % shape.itemsize == 0 else None
    lengths = [(f"{name} length", np.dtype(kind).itemsize) for name, kind in kinds.items()]
    if found is None or any((found[name] != size).any() for name, size in (("fields", len(kinds)), *lengths)):
        raise ValueError("The statement has other columns than named, or one that is empty somewhere.")
    return {name: _native(found[name]) for name in kinds}


def as_hex(keys: np.ndarray) -> list[str]:
    """Return UUIDs as the database takes them."""
    text = keys.tobytes().hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def _copied(statement: str, values: dict[str, Any]) -> memoryview:
    with connection.cursor() as cursor:
        query = cursor.mogrify(statement, values).decode()
        into = io.BytesIO()
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", into)
    return into.getbuffer()[_HEAD:-_TAIL]


def _native(column: np.ndarray) -> np.ndarray:
    return column.astype(np.int64) if column.dtype == np.dtype(WHOLE) else np.ascontiguousarray(column)
