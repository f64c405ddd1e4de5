"""How good an allotment can be at most, and which pairs left out would make it better: from prices, over every pair."""

from __future__ import annotations

import numpy as np

from requests_board.matching.problem import Block, Edges, Problem, blocks, join

# So many pairs are named for each need that would gain by another one.
NAMED = 8


def look(problem: Problem, kind: int, price: np.ndarray, gain: np.ndarray | None = None) -> tuple[int, Edges]:
    """Walk every pair of one kind at these prices; return the upper bound and the pairs worth adding.

    By weak duality no allotment, whole or divisible, is worth more than the stock at its prices and each need's best
    gain above them. Pairs are named only when `gain` says what each need gains by its present ones.
    """
    theirs = problem.stock.kind == kind
    total = int((price[theirs] * problem.stock.free[theirs]).sum())
    parts: list[Edges] = []
    for block in blocks(problem, kind):
        net = block.worth - price[block.slots].astype(np.int32)
        net[block.worth <= 0] = 0
        best = net.max(axis=1, initial=0).astype(np.int64)
        total += int((best * problem.needs.quantity[block.needs]).sum())
        if gain is not None:
            parts.append(_better(block, net, np.flatnonzero(best > gain[block.needs])))
    return total, join(parts)


def _better(block: Block, net: np.ndarray, rows: np.ndarray) -> Edges:
    keep = min(NAMED, net.shape[1])
    column = np.argpartition(net[rows], -keep, axis=1)[:, -keep:].ravel()
    row = np.repeat(rows, keep)
    good = net[row, column] > 0
    row, column = row[good], column[good]
    return Edges(block.needs[row], block.slots[column], block.worth[row, column].astype(np.int64))


def gains(edges: Edges, price: np.ndarray, count: int) -> np.ndarray:
    """Return what each of `count` needs would gain at most by one of these pairs at these prices."""
    gain = np.zeros(count, dtype=np.int64)
    np.maximum.at(gain, edges.need, edges.worth - price[edges.slot])
    return gain
