"""Small groups of needs that compete for the same slots: the best whole allotment, found by looking at every one."""

from __future__ import annotations

import numpy as np

from requests_board.matching.problem import Edges

# Groups of up to so many needs are searched through; the number of allotments grows with every need.
SMALL = 10


def groups(edges: Edges, needs: int, slots: int) -> np.ndarray:
    """Return for each pair the number of its group: needs and slots that are joined by pairs, however indirectly."""
    mark = np.arange(needs + slots, dtype=np.int64)
    while True:
        low = np.minimum(mark[edges.need], mark[needs + edges.slot])
        before = mark.copy()
        np.minimum.at(mark, edges.need, low)
        np.minimum.at(mark, needs + edges.slot, low)
        if np.array_equal(mark, before):
            return mark[edges.need]


def improve(edges: Edges, units: np.ndarray, quantity: np.ndarray, free: np.ndarray, small: int = SMALL) -> np.ndarray:
    """Return the units with every small group replaced by its best whole allotment."""
    if not len(edges):
        return units
    mark = groups(edges, len(quantity), len(free))
    first = np.ones(len(edges), dtype=bool)
    first[1:] = edges.need[1:] != edges.need[:-1]
    counts = np.bincount(mark[first], minlength=int(mark.max()) + 1)
    better = units.copy()
    order = np.argsort(mark, kind="stable")
    _, starts = np.unique(mark[order], return_index=True)
    for pairs in np.split(order, starts[1:]):
        if counts[mark[pairs[0]]] <= small:
            better[pairs] = _Search(edges.only(pairs), quantity, free).best()
    return better


class _Search:
    """A branch-and-bound over one group: need by need, the one worth most first, its best pair first."""

    def __init__(self, edges: Edges, quantity: np.ndarray, free: np.ndarray) -> None:
        self.edges, self.units = edges, np.zeros(len(edges), dtype=np.int64)
        self.left = {int(slot): int(free[slot]) for slot in np.unique(edges.slot)}
        pairs: dict[int, list[tuple[int, int, int, int]]] = {}
        for pair, (need, slot, worth) in enumerate(zip(edges.need, edges.slot, edges.worth, strict=True)):
            amount = int(quantity[need])
            pairs.setdefault(int(need), []).append((int(worth) * amount, int(slot), pair, amount))
        self.needs = sorted((sorted(row, reverse=True) for row in pairs.values()), reverse=True)
        # What the rest could bring at most, if every need got its best pair.
        self.rest = [0] * (len(self.needs) + 1)
        for at in range(len(self.needs) - 1, -1, -1):
            self.rest[at] = self.rest[at + 1] + self.needs[at][0][0]
        self.top = -1
        self.chosen: list[tuple[int, int]] = []

    def best(self) -> np.ndarray:
        """Return the units of the best allotment of the group."""
        self._branch(0, 0, [])
        for pair, amount in self.chosen:
            self.units[pair] = amount
        return self.units

    def _branch(self, at: int, worth: int, path: list[tuple[int, int]]) -> None:
        if worth > self.top and at == len(self.needs):
            self.top, self.chosen = worth, list(path)
        if at == len(self.needs) or worth + self.rest[at] <= self.top:
            return
        for total, slot, pair, amount in self.needs[at]:
            if self.left[slot] >= amount:
                self.left[slot] -= amount
                self._branch(at + 1, worth + total, [*path, (pair, amount)])
                self.left[slot] += amount
        self._branch(at + 1, worth, path)
