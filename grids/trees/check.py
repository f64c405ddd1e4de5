"""Compare what is denormalised with what the parent keys say, in both trees and in every table with a
path.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from audit.actions import record
from grids.models import Area
from grids.trees import levels, numbers, paths
from grids.trees.numbers import PARTY, TREES, Tree, locked

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of damage in one table: how many rows, and the keys of some."""

    table: str
    what: str
    rows: int
    examples: tuple[int, ...] = ()


def check() -> list[Fault]:
    """Return every fault of both trees and of all tables with a path; an empty list means all is well."""
    faults = []
    for tree in TREES:
        with locked(tree):
            faults += _number_faults(tree) + _level_faults(tree)
    faults += _path_faults()
    for model in paths.placed_models():
        wrong = paths.wrong_placed(model)
        if wrong:
            faults.append(Fault(model._meta.db_table, "scope_path", wrong))
    return faults


def fix() -> int:
    """Write numbers and paths anew from the parent keys and return how many rows changed; levels are left
    to people.
    """
    changed = 0
    for tree in TREES:
        with locked(tree):
            wanted = numbers.expected(numbers.read(tree))
            changed += numbers.write(tree, wanted)
            if tree is not PARTY:
                paths.freeze()
                changed += paths.fix_areas()
                changed += sum(paths.fix_placed(model) for model in paths.placed_models())
    return changed


def _fault(tree: Tree, what: str, keys: list[int]) -> list[Fault]:
    return [Fault(tree.table, what, len(keys), tuple(keys[:5]))] if keys else []


def _number_faults(tree: Tree) -> list[Fault]:
    rows = numbers.read(tree)
    wanted = numbers.expected(rows)
    lost = [pk for pk, _, _ in rows if pk not in wanted]
    wrong = [pk for pk, _, found in rows if pk in wanted and wanted[pk] != found]
    return _fault(tree, "parent loop", lost) + _fault(tree, "mptt numbers", wrong)


def _level_faults(tree: Tree) -> list[Fault]:
    column, table = ("kind", levels.AREA_PARENTS) if tree.model is Area else ("level", levels.PARTY_PARENTS)
    allowed = models.Q(pk__in=[])
    for name, parents in table.items():
        top = not parents or "" in parents
        below = models.Q(**{column: name, f"parent__{column}__in": [kind for kind in parents if kind]})
        allowed |= below | models.Q(**{column: name, "parent": None}) if top else below
    rows: models.QuerySet[Any] = models.QuerySet(tree.model)
    wrong = rows.exclude(pk__in=rows.filter(allowed).values("pk"))
    return _fault(tree, "level under a wrong parent", list(wrong.values_list("pk", flat=True)))


def _path_faults() -> list[Fault]:
    parents = dict(models.QuerySet(Area).values_list("pk", "parent_id"))
    wrong = []
    for pk, path in models.QuerySet(Area).values_list("pk", "scope_path"):
        if path != _walk_up(pk, parents):
            wrong.append(pk)
    return [Fault("grids_area", "scope_path", len(wrong), tuple(wrong[:5]))] if wrong else []


def _walk_up(pk: int, parents: dict[int, int | None]) -> str:
    chain: list[int] = []
    node: int | None = pk
    while node is not None and node not in chain:
        chain.append(node)
        node = parents.get(node)
    return "/" + "".join(f"{part}/" for part in reversed(chain))


@transaction.atomic
def report() -> list[Fault]:
    """Look for faults and leave an event and a line in the log for each; mending stays with people."""
    faults = check()
    for fault in faults:
        logger.error("%s: %s, %s rows, such as %s", fault.table, fault.what, fault.rows, fault.examples)
        record(verb="tree.damaged", target=None, after=f"{fault.table} {fault.what}", data={"rows": fault.rows})
    return faults
