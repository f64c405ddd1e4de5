"""Whether a row is still the one that somebody saw when the form was opened."""

from __future__ import annotations

from typing import Any

from django.db import models

from common.crypto import keyed_digest
from common.errors import Conflict


def fingerprint(row: models.Model) -> str:
    """Return a keyed digest of a row and of the rows that its form keeps with it (`KEPT_WITH` of its model).

    Columns that others write all the time (`NOT_SEEN` of its model) are left out. Keyed, because a page that carries
    the bare digest of a telephone number carries the number.
    """
    parts = [_values(row)]
    for name in getattr(row, "KEPT_WITH", ()):
        # Read anew: what the form was given may hold changes of its own.
        field: Any = row._meta.get_field(name)
        if field.many_to_many:
            parts.append(repr(sorted(map(str, getattr(row, name).values_list("pk", flat=True)))))
            continue
        below = field.related_model._default_manager.filter(**{field.field.name: row.pk})
        parts += sorted(_values(child) for child in below)
    return keyed_digest("fingerprint", "\n".join(parts))[:32]


def require_unchanged(row: models.Model, seen: str | None) -> None:
    """Raise Conflict unless `row` is still as it was when `seen` was taken; None asks nothing."""
    if seen is not None and fingerprint(row) != seen:
        raise Conflict


def _values(row: models.Model) -> str:
    unseen = getattr(row, "NOT_SEEN", ())
    fields = [field for field in row._meta.concrete_fields if field.name not in unseen]
    return repr([(field.attname, str(getattr(row, field.attname))) for field in fields])
