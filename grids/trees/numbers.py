"""The numbers of the two mptt trees: lock, shift, move, and numbering from the parent keys.

django-mptt only reads here. Unlocked concurrent inserts damage its numbering and its own rebuild is slow, so
each write takes one advisory lock per tree table and renumbers by a single statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, models, transaction

from common.errors import Conflict
from grids.models import Area, PartyOrganization
from grids.placed import LOCK_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = "有人正在调整区域或党组织，请过一会儿再试一次。"
_LOCK_REFUSED = {"55P03", "40P01"}  # lock_not_available, deadlock_detected


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree table: its model, its depth column and the number of its lock."""

    model: type[models.Model]
    depth: str
    lock: int

    @property
    def table(self) -> str:
        """Return the table's name."""
        return self.model._meta.db_table


AREAS = Tree(Area, "level", 1)
PARTY = Tree(PartyOrganization, "depth", 2)
TREES = (AREAS, PARTY)


@contextmanager
def locked(tree: Tree) -> Iterator[None]:
    """Hold `tree` alone until the transaction ends; refuse with a sentence when somebody holds it too
    long.
    """
    try:
        with transaction.atomic():
            take_lock(tree.lock)
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) in _LOCK_REFUSED:
            raise Conflict(BUSY) from error
        raise


def take_lock(number: int) -> None:
    """Wait for the advisory lock `number` of this app; it ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, number])


def next_ids(tree: Tree, count: int) -> list[int]:
    """Take `count` keys from the table's sequence, so that paths can be written with the rows."""
    sql = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    with connection.cursor() as cursor:
        cursor.execute(sql, [tree.table, count])
        return [row[0] for row in cursor.fetchall()]


def make_room(tree: Tree, parent: Any) -> dict[str, int]:
    """Open a gap of one node at the end of `parent`'s children and return the new node's numbers."""
    if parent is None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(tree_id), 0) + 1 FROM {tree.table}")  # noqa: S608
            (tree_id,) = cursor.fetchone()
        return {"tree_id": tree_id, "lft": 1, "rght": 2, tree.depth: 0}
    at = parent.rght
    sql = f"""
        UPDATE {tree.table} SET lft = CASE WHEN lft >= %(at)s THEN lft + 2 ELSE lft END, rght = rght + 2
        WHERE tree_id = %(tree)s AND rght >= %(at)s
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"at": at, "tree": parent.tree_id})
    return {"tree_id": parent.tree_id, "lft": at, "rght": at + 1, tree.depth: getattr(parent, tree.depth) + 1}


def shift_subtree(tree: Tree, node: Any, parent: Any) -> None:
    """Renumber for `node` standing last under `parent`: its subtree jumps, what lies between closes up."""
    width, at = node.rght - node.lft + 1, parent.rght
    if at > node.rght:
        low, high, jump, between = node.lft, at - 1, at - 1 - node.rght, -width
    else:
        low, high, jump, between = at, node.rght, at - node.lft, width
    sql = f"""
        UPDATE {tree.table} SET
            lft = CASE WHEN lft BETWEEN %(l)s AND %(r)s THEN lft + %(jump)s
                       WHEN lft BETWEEN %(low)s AND %(high)s THEN lft + %(between)s ELSE lft END,
            rght = CASE WHEN rght BETWEEN %(l)s AND %(r)s THEN rght + %(jump)s
                        WHEN rght BETWEEN %(low)s AND %(high)s THEN rght + %(between)s ELSE rght END,
            {tree.depth} = CASE WHEN lft BETWEEN %(l)s AND %(r)s THEN {tree.depth} + %(deeper)s
                                ELSE {tree.depth} END
        WHERE tree_id = %(tree)s AND (lft BETWEEN %(low)s AND %(high)s OR rght BETWEEN %(low)s AND %(high)s)
    """  # noqa: S608
    values = {
        "l": node.lft,
        "r": node.rght,
        "jump": jump,
        "low": low,
        "high": high,
        "between": between,
        "deeper": getattr(parent, tree.depth) + 1 - getattr(node, tree.depth),
        "tree": node.tree_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the mptt columns of one row are, or ought to be."""

    tree_id: int
    lft: int
    rght: int
    depth: int


def read(tree: Tree) -> list[tuple[int, int | None, Numbers]]:
    """Return key, parent key and numbers of every row, in the order of the numbers."""
    columns = ("pk", "parent_id", "tree_id", "lft", "rght", tree.depth)
    rows: Iterable[Any] = models.QuerySet(tree.model).order_by("tree_id", "lft", "pk").values_list(*columns)
    return [(pk, parent, Numbers(*numbers)) for pk, parent, *numbers in rows]


def expected(rows: Iterable[tuple[int, int | None, Numbers | None]]) -> dict[int, Numbers]:
    """Number a forest from its parent keys; siblings keep the order in which they come, roots their tree
    id.
    """
    children: dict[int | None, list[int]] = defaultdict(list)
    tree_ids: dict[int, int] = {}
    for pk, parent, numbers in rows:
        children[parent].append(pk)
        if parent is None and numbers is not None:
            tree_ids[pk] = numbers.tree_id
    result: dict[int, Numbers] = {}
    taken: set[int] = set()
    for root in children[None]:
        tree_id = tree_ids.get(root, 0)
        if tree_id < 1 or tree_id in taken:
            tree_id = max([*taken, *tree_ids.values(), 0]) + 1
        taken.add(tree_id)
        _number_one(root, tree_id, children, result)
    return result


def _number_one(root: int, tree_id: int, children: dict[int | None, list[int]], result: dict[int, Numbers]) -> None:
    """Walk one tree depth first without recursion."""
    counter, left = 1, {root: 1}
    stack: list[tuple[int, int, int]] = [(root, 0, 0)]  # node, depth, how many children are done
    while stack:
        node, depth, done = stack.pop()
        below = children[node]
        counter += 1
        if done < len(below):
            stack.append((node, depth, done + 1))
            left[below[done]] = counter
            stack.append((below[done], depth + 1, 0))
        else:
            result[node] = Numbers(tree_id, left[node], counter, depth)


def write(tree: Tree, numbers: dict[int, Numbers]) -> int:
    """Write numbers by one statement and return how many rows changed."""
    if not numbers:
        return 0
    sql = f"""
        UPDATE {tree.table} AS t SET tree_id = n.tree_id, lft = n.lft, rght = n.rght, {tree.depth} = n.depth
        FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[])
            AS n(id, tree_id, lft, rght, depth)
        WHERE t.id = n.id
            AND (t.tree_id, t.lft, t.rght, t.{tree.depth})
                IS DISTINCT FROM (n.tree_id, n.lft, n.rght, n.depth)
    """  # noqa: S608
    columns: Sequence[list[int]] = (
        list(numbers),
        [n.tree_id for n in numbers.values()],
        [n.lft for n in numbers.values()],
        [n.rght for n in numbers.values()],
        [n.depth for n in numbers.values()],
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        return cursor.rowcount
