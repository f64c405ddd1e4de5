"""What belongs to a place carries the place's path, so that scope is one indexed condition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.db import connection, models, transaction

# Two-number advisory locks of this app; the second number says which.
LOCK_SPACE = 0x6872
LOCK_PATHS = 0


def hold_paths() -> None:
    """Keep every path as it is until the transaction ends: a move waits for writers, writers wait for a
    move.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK_SPACE, LOCK_PATHS])


def current_paths(area_ids: Iterable[int]) -> dict[int, str]:
    """Return the path of each area as it is now; refuse outside a transaction, where it could change at
    once.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Read paths inside the transaction that writes them.")
    hold_paths()
    ids = [pk for pk in set(area_ids) if pk is not None]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, scope_path FROM grids_area WHERE id = ANY(%s)", [ids])
        return dict(cursor.fetchall())


class PlacedQuerySet(models.QuerySet):
    """Rows that belong to a place."""

    def within(self, path: str) -> Self:
        """Keep the rows at the place with `path` and below it."""
        return self.filter(scope_path__startswith=path)

    def in_hand(self) -> Self:
        """Keep what a new keeper of the place takes over: all rows, where a table does not tell what is finished."""
        return self

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert many rows, each with the path that its area has now."""
        rows = list(objs)
        with transaction.atomic():
            fill_paths(rows)
            return super().bulk_create(rows, *args, **kwargs)


class Placed(models.Model):
    """Give a model its place (区域) and the denormalised path of it; only the tree writer changes paths
    afterwards.
    """

    area = models.ForeignKey("grids.Area", models.PROTECT, verbose_name="所在区域", related_name="+")
    scope_path = models.CharField("区域路径", max_length=200, editable=False, blank=True, default="")

    # The rights that somebody may be given on one row alone: the one to see it first, then what else may be done with
    # it. A model without any knows no such exceptions.
    exceptional: ClassVar[tuple[str, ...]] = ()
    # The look-up by which people name a row.
    known_by: ClassVar[str] = "name"

    objects = PlacedQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["scope_path"], opclasses=["text_pattern_ops"], name="%(class)s_path")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the path that the area has at this moment."""
        fields = kwargs.get("update_fields")
        if fields is not None and not {"area", "area_id"} & set(fields):
            if "scope_path" in fields:
                kwargs["update_fields"] = [name for name in fields if name != "scope_path"]
            super().save(*args, **kwargs)
            return
        if fields is not None:
            kwargs["update_fields"] = [*fields, "scope_path"]
        with transaction.atomic():
            fill_paths([self])
            super().save(*args, **kwargs)


def fill_paths(rows: Iterable[Placed]) -> None:
    """Write the present path of its area into each row; refuse a row whose area is gone."""
    rows = list(rows)
    paths = current_paths(row.area_id for row in rows)
    for row in rows:
        row.scope_path = paths[row.area_id]
