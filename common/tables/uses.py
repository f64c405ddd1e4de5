"""Whether anything points at a row, whichever room keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL


def in_use(model: type[models.Model], keys: Iterable[Any], *, besides: Iterable[type[models.Model]] = ()) -> set[Any]:
    """Return those of `keys` that another row points at; rows of `besides` belong to the row itself."""
    found, own = set(), {*besides}
    # One parameter, however many keys there are.
    wanted = RawSQL(f"SELECT unnest(%s::{model._meta.pk.rel_db_type(connection)}[])", [list(keys)])  # noqa: S611
    relation: Any
    for relation in model._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)):
            continue
        if relation.related_model in own:
            continue
        name = relation.field.attname
        rows: models.QuerySet[Any] = models.QuerySet(relation.related_model).filter(**{f"{name}__in": wanted})
        found |= set(rows.values_list(name, flat=True))
    return found
