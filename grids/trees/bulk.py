"""Many rows of a tree changed or taken out again at once: one lock, one numbering, an event for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

from audit.row_actions import record_rows
from common.tables.uses import in_use
from grids.models import BuildingCode, PartyOrganization
from grids.placed import current_paths
from grids.trees import numbers
from grids.trees.numbers import AREAS, PARTY, Tree, locked

_BATCH = 1000
AREA_FIELDS = frozenset({"name", "code", "phone", "households", "sort_order"})
PARTY_FIELDS = frozenset({"name", "code", "kind", "established_on", "area_id"})


def hold(tree: Tree, ids: Iterable[Any]) -> dict[int, Any]:
    """Take the tree's lock for the rest of the transaction and read these nodes as they are now."""
    with locked(tree):
        return models.QuerySet(tree.model).in_bulk([int(pk) for pk in ids])


def covers_of(organizations: Iterable[int]) -> dict[int, list[int]]:
    """Return the areas that each of these organisations covers."""
    found: dict[int, list[int]] = {}
    links = PartyOrganization.covers.through.objects.filter(partyorganization__in=list(organizations))
    for pk, area in links.order_by("area_id").values_list("partyorganization_id", "area_id"):
        found.setdefault(pk, []).append(area)
    return found


def change_areas(changes: Sequence[tuple[int, dict[str, Any], str, str]], *, actor: Any) -> None:
    """Change columns of places: (id, columns, words before, words after). Where they stand does not change."""
    _change(AREAS, changes, AREA_FIELDS, "area.changed", actor)


def change_party_organizations(
    changes: Sequence[tuple[int, dict[str, Any], str, str]],
    covers: dict[int, Sequence[int]],
    *,
    actor: Any,
) -> None:
    """Change columns of organisations, and for some of them the areas that they cover."""
    with locked(PARTY):
        homes = current_paths(columns["area_id"] for _, columns, _, _ in changes if "area_id" in columns)
        filled = [
            (pk, columns | ({"scope_path": homes[columns["area_id"]]} if "area_id" in columns else {}), before, after)
            for pk, columns, before, after in changes
        ]
        _change(PARTY, filled, PARTY_FIELDS | {"scope_path"}, "party.changed", actor)
        through = PartyOrganization.covers.through
        through.objects.filter(partyorganization__in=covers).delete()
        links = [through(partyorganization_id=pk, area_id=area) for pk, areas in covers.items() for area in areas]
        through.objects.bulk_create(links, batch_size=_BATCH)


def _change(tree: Tree, changes: Sequence[Any], known: frozenset[str], verb: str, actor: Any) -> None:
    with locked(tree):
        rows: dict[int, Any] = models.QuerySet(tree.model).in_bulk([pk for pk, _, _, _ in changes])
        written = {name for _, columns, _, _ in changes for name in columns}
        if written - known:
            raise TypeError(f"Not to be written here: {', '.join(sorted(written - known))}.")
        for pk, columns, _, _ in changes:
            for name, value in columns.items():
                setattr(rows[pk], name, value)
        if written:
            # An insert that finds its row there: one statement for a thousand rows.
            models.QuerySet(tree.model).bulk_create(
                rows.values(), batch_size=_BATCH, update_conflicts=True, unique_fields=["id"],
                update_fields=sorted(written),
            )  # fmt: skip
        record_rows(verb=verb, rows=[(rows[pk], before, after) for pk, _, before, after in changes], actor=actor)


def loaded(tree: Tree, rows: Sequence[Any], *, actor: Any) -> None:
    """Record for each place or organisation of a batch that it was added."""
    verb = "area.created" if tree is AREAS else "party.created"
    record_rows(verb=verb, rows=[(row, "", row.name) for row in rows], actor=actor)


def take_out(tree: Tree, ids: Iterable[int], *, actor: Any) -> set[int]:
    """Delete nodes that nothing points at, with the numbers closed behind them; return those that had to stay."""
    with locked(tree):
        rows: dict[int, Any] = models.QuerySet(tree.model).in_bulk([int(pk) for pk in ids])
        staying = _staying(tree, rows)
        gone = [row for pk, row in rows.items() if pk not in staying]
        keys = [row.pk for row in gone]
        verb = "area.removed" if tree is AREAS else "party.removed"
        record_rows(verb=verb, rows=[(row, row.name, "") for row in gone], actor=actor)
        if tree is AREAS:
            BuildingCode.objects.filter(area__in=keys).delete()
        else:
            PartyOrganization.covers.through.objects.filter(partyorganization__in=keys).delete()
        # Parents and children go in one statement, which Django's own collector refuses.
        doomed: models.QuerySet[Any] = models.QuerySet(tree.model).filter(pk__in=keys)
        doomed._raw_delete(doomed.db)
        numbers.write(tree, _renumbered(tree))
    return staying


def _renumbered(tree: Tree) -> dict[int, numbers.Numbers]:
    rows = numbers.read(tree)
    wanted = numbers.expected(rows)
    return {pk: wanted[pk] for pk, _, now in rows if wanted[pk] != now}


def _staying(tree: Tree, rows: dict[int, Any]) -> set[int]:
    """Return the nodes that something points at, and all above them."""
    own = (BuildingCode, tree.model) if tree is AREAS else (PartyOrganization.covers.through, tree.model)
    staying = in_use(tree.model, rows, besides=own)
    below: models.QuerySet[Any] = models.QuerySet(tree.model).filter(parent__in=rows).exclude(pk__in=rows)
    staying |= set(below.values_list("parent_id", flat=True))
    for pk in [*staying]:
        above = rows[pk].parent_id
        while above in rows:
            staying.add(above)
            above = rows[above].parent_id
    return staying
