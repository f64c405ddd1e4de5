"""Scope paths follow the tree: of the places themselves and of every table of rows that belong to a place."""

from __future__ import annotations

from django.apps import apps
from django.db import connection, models

from grids.models import Area
from grids.placed import LOCK_PATHS, Placed
from grids.trees.numbers import take_lock


def placed_models() -> list[type[models.Model]]:
    """Return every concrete model whose rows belong to a place, whichever app owns it."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, Placed) and not model._meta.proxy and model._meta.managed
    ]


def freeze() -> None:
    """Wait until no transaction is writing rows with a path, and keep new ones waiting until this one
    ends.
    """
    take_lock(LOCK_PATHS)


def replace_prefix(old: str, new: str) -> dict[str, int]:
    """Rewrite the path of the place with path `old`, of all below it and of all rows that belong to them."""
    changed = {}
    tables: list[type[models.Model]] = [Area, *placed_models()]
    with connection.cursor() as cursor:
        for model in tables:
            table = connection.ops.quote_name(model._meta.db_table)
            sql = f"UPDATE {table} SET scope_path = %s || substr(scope_path, %s) WHERE scope_path LIKE %s"  # noqa: S608
            cursor.execute(sql, [new, len(old) + 1, f"{old}%"])
            changed[model._meta.label_lower] = cursor.rowcount
    return changed


def fix_areas() -> int:
    """Write the path of every place as its parent keys say and return how many rows changed."""
    sql = """
        WITH RECURSIVE walk AS (
            SELECT id, '/' || id || '/' AS path FROM grids_area WHERE parent_id IS NULL
            UNION ALL
            SELECT child.id, walk.path || child.id || '/'
            FROM grids_area child JOIN walk ON child.parent_id = walk.id
        )
        UPDATE grids_area a SET scope_path = walk.path FROM walk
        WHERE a.id = walk.id AND a.scope_path <> walk.path
    """
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.rowcount


def fix_placed(model: type[models.Model]) -> int:
    """Write the path of every row of `model` as its area has it and return how many rows changed."""
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"""
        UPDATE {table} t SET scope_path = a.scope_path FROM grids_area a
        WHERE a.id = t.area_id AND t.scope_path <> a.scope_path
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.rowcount


def wrong_placed(model: type[models.Model]) -> int:
    """Count the rows of `model` whose path differs from that of their area."""
    different = ~models.Q(scope_path=models.F("area__scope_path"))
    return models.QuerySet(model).filter(different).count()
