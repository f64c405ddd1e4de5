"""Read rows as JSON that the database writes itself, in pages by key: no row is lost where many are equally old."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection, models
from django.db.models import F, Q, QuerySet

from api.shapes import Shape
from common.errors import Invalid

USUAL, MOST = 50, 200


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page as JSON texts, and the cursor of the next one ("" at the end)."""

    rows: list[str]
    cursor: str


def one(rows: QuerySet[Any], shape: type[Shape]) -> str | None:
    """Return the only row as JSON, None when there is none."""
    found = _texts(rows.order_by(), shape, (), 1)
    return found[0][0] if found else None


def page(rows: QuerySet[Any], shape: type[Shape], order: tuple[str, ...], cursor: str, limit: int) -> Page:
    """Return the page after `cursor`; the last of `order`'s columns tells any two rows apart."""
    if cursor:
        rows = rows.filter(_beyond(rows.model, order, _read(rows.model, order, cursor)))
    found = _texts(rows.order_by(*order), shape, order, limit + 1)
    more = _cursor(found[limit - 1][1:]) if len(found) > limit else ""
    return Page([text for text, *_ in found[:limit]], more)


def _texts(rows: QuerySet[Any], shape: type[Shape], order: tuple[str, ...], limit: int) -> list[tuple[str, ...]]:
    """Run one statement that returns each row as JSON text, and what it is ordered by as text."""
    # The names are ours, never the sender's: c0, c1, … for the entries, k0, k1 for the keys.
    columns = {f"c{n}": F(path) for n, path in enumerate(shape.paths.values())}
    keys = {f"k{n}": F(name.lstrip("-")) for n, name in enumerate(order)}
    try:
        query = rows.annotate(**columns, **keys).values_list(*columns, *keys)[:limit].query
        inner, parameters = query.sql_with_params()
    except EmptyResultSet:
        return []
    pairs = ", ".join(f"'{entry}', {column}" for entry, column in zip(shape.paths, columns, strict=True))
    texts = ", ".join([f"json_build_object({pairs})::text", *(f"{key}::text" for key in keys)])
    by = ", ".join(f"{key} DESC" if name.startswith("-") else key for key, name in zip(keys, order, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {texts} FROM ({inner}) AS page{f' ORDER BY {by}' if by else ''}", parameters)  # noqa: S608
        return cursor.fetchall()


def _beyond(model: type[models.Model], order: tuple[str, ...], key: list[Any]) -> Q:
    """Return the condition that a row comes after `key`; the first part alone lets an index find the place."""
    after, equal = Q(), Q()
    for name, value in zip(order, key, strict=True):
        column, way = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        after |= equal & Q(**{f"{column}__{way}": value})
        equal &= Q(**{column: value})
    first = order[0].lstrip("-")
    return Q(**{f"{first}__{'lte' if order[0].startswith('-') else 'gte'}": key[0]}) & after


def _cursor(key: tuple[str, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read(model: type[models.Model], order: tuple[str, ...], cursor: str) -> list[Any]:
    try:
        texts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        columns = [model._meta.get_field(name.lstrip("-")) for name in order]
        key = [_key(column, text) for column, text in zip(columns, texts, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError, AttributeError) as error:
        raise Invalid("cursor 要原样用上一页 next 里给的那一个。", field="cursor") from error
    return key


def _key(column: Any, text: Any) -> Any:
    if not isinstance(text, str) or "\0" in text or len(text) > 100:
        raise ValueError(text)
    value = column.to_python(text)
    if isinstance(value, int) and abs(value) > 2**62:
        raise ValueError(text)
    if isinstance(column, models.DateTimeField) and (value.tzinfo is None or not 1 < value.year < 9999):
        raise ValueError(text)
    return value
