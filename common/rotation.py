"""Move sealed columns to the key that writes now, in small transactions beside the running product."""

from collections.abc import Iterator
from typing import Any, cast

from django.apps import apps
from django.db import connection, models, transaction

from common import crypto
from common.fields import EncryptedTextField


def sealed_columns() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Walk every sealed column of the installation."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField) and not model._meta.proxy:
                yield model, field


def rotate(batch: int = 500) -> Iterator[tuple[str, int, int]]:
    """Seal each column anew and yield its name, how many rows were sealed and how many could not be opened.

    What is already sealed with the writing key and suite is skipped, so a run that was cut off just runs again.
    """
    for model, field in sealed_columns():
        done = failed = 0
        for rows_done, rows_failed in _batches(model, field, batch):
            done, failed = done + rows_done, failed + rows_failed
        yield f"{model._meta.db_table}.{field.column}", done, failed


def _batches(model: type[models.Model], field: EncryptedTextField, batch: int) -> Iterator[tuple[int, int]]:
    quote = connection.ops.quote_name
    table, column = quote(model._meta.db_table), quote(field.column)
    pk = quote(cast("str", model._meta.pk.column))  # a key that lies in no column cannot be
    find = (
        f"SELECT {pk}, {column} FROM {table} WHERE {pk} > %s AND {column} <> '' AND NOT starts_with({column}, %s)"  # noqa: S608
        f" ORDER BY {pk} LIMIT %s"
    )
    # The old text is part of the condition: a value written in the meantime is newer and stays.
    write = f"UPDATE {table} SET {column} = %s WHERE {pk} = %s AND {column} = %s"  # noqa: S608
    last, prefix = "00000000-0000-0000-0000-000000000000", crypto.writing_prefix()
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(find, [last, prefix, batch])
            rows = cursor.fetchall()
            changes, failed = _resealed(rows, f"{model._meta.db_table}.{field.column}")
            cursor.executemany(write, changes)
        if not rows:
            return
        last = rows[-1][0]
        yield len(changes), failed


def _resealed(rows: list[tuple[Any, str]], place: str) -> tuple[list[tuple[str, Any, str]], int]:
    changes: list[tuple[str, Any, str]] = []
    for pk, text in rows:
        try:
            plain = crypto.unseal(text, f"{place}.{pk}")
        except crypto.Unopened:
            continue
        changes.append((crypto.seal(plain, f"{place}.{pk}"), pk, text))
    return changes, len(rows) - len(changes)
