"""The tree of places: what one new place costs among 34,000, and our numbering against django-mptt's own."""

import random
import time
from collections.abc import Iterator
from typing import Any

from bench.arena import Arena
from bench.measure import ROUNDS, Figure

PLACES, FEW, SEED = 34_000, 2000, 20260103
# Bytes of write-ahead log for each place that one new place moves on; a row is rewritten, with its index entries.
ROW = 1100


def figures(arena: Arena) -> Iterator[Figure]:
    """Load the tree, prove it sound, insert, prove it sound again; then number a smaller one both ways."""
    yield _rebuild()
    yield from _insert()


def _insert() -> Iterator[Figure]:
    from grids import trees

    began = time.perf_counter()
    made = _load("一", PLACES)
    loaded = time.perf_counter() - began
    _sound()
    wal = Figure("insert: WAL of one place at the front of 34,000", "bytes per place renumbered", at_most=ROW)
    last = Figure("insert: WAL at the end by WAL at the front", "ratio", at_most=0.01)
    spent = []
    for n in range(ROUNDS):
        (front, seconds), (end, _) = (
            _cost(lambda n=n, at=at: trees.create_area(parent=made["c", at], kind="estate", name=f"新{n}-{at}"))
            for at in (0, 99)
        )
        wal.values.append(front / PLACES)
        last.values.append(end / front)
        spent.append(seconds * 1000)
    _sound()
    wal.beside |= {"ms": round(sorted(spent)[len(spent) // 2], 1), "load_s": round(loaded, 1)}
    yield from (wal, last)


def _rebuild() -> Figure:
    """Let both number the same tree; both must come to what the parent keys say."""
    from grids import trees
    from grids.models import Area

    _load("二", FEW)
    figure = Figure(f"rebuild of {FEW} places: django-mptt's time by ours", "times as fast", at_least=10)
    for _ in range(ROUNDS):
        theirs = _damaged_then(Area._tree_manager.rebuild)
        _sound()
        ours = _damaged_then(trees.fix)
        _sound()
        figure.values.append(theirs / ours)
        figure.beside = {"ours_ms": round(ours * 1000, 1), "theirs_ms": round(theirs * 1000, 1)}
    return figure


def _damaged_then(mend: Any) -> float:
    """Forget every number of the tree, then take the time of mending it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE grids_area SET lft = 1, rght = 2, level = 0")
    began = time.perf_counter()
    mend()
    return time.perf_counter() - began


def _cost(act: Any) -> tuple[int, float]:
    """Return what an act wrote to the log, and how long it took."""
    before, began = _wal(), time.perf_counter()
    act()
    return _wal() - before, time.perf_counter() - began


def _wal() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
        return int(cursor.fetchone()[0])


def _sound() -> None:
    from grids import trees

    faults = trees.check()
    if faults:
        raise AssertionError(f"the tree is damaged: {faults[:3]}")


def _load(name: str, places: int) -> dict[Any, Any]:
    """Load a district of a hundred communities with their estates, the same in every run."""
    from grids.trees import NewArea, load_areas

    draw = random.Random(SEED)
    rows = [NewArea("d", None, "district", f"{name}区")]
    rows += [NewArea(("s", n), "d", "street", f"{n}街道") for n in range(100)]
    rows += [NewArea(("c", n), ("s", n), "community", f"{n}社区") for n in range(100)]
    rows += [NewArea(n, ("c", draw.randrange(100)), "estate", f"{n}小区") for n in range(places - len(rows))]
    return load_areas(rows)
