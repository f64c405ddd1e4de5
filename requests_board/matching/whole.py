"""Turn a divisible allotment into one in which a whole need has all of its units in one slot or none."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from requests_board.matching.problem import Edges

# How often one need may be pushed out of its slot while others are placed; it ends every chain.
PUSHES = 3


@dataclass(slots=True)
class _Places:
    """Who stands where while the rest is placed: the chosen pair of each need, what is left, who is in each slot."""

    edges: Edges
    quantity: np.ndarray
    left: np.ndarray
    start: np.ndarray
    chosen: dict[int, int] = field(default_factory=dict)
    inside: dict[int, set[int]] = field(default_factory=dict)
    pushed: dict[int, int] = field(default_factory=dict)

    def pairs(self, need: int) -> range:
        """Return the pairs of a need."""
        return range(self.start[need], self.start[need + 1])

    def total(self, need: int, pair: int) -> int:
        """Return what the whole need is worth in this pair."""
        return int(self.edges.worth[pair] * self.quantity[need])

    def put(self, need: int, pair: int) -> None:
        """Give the need the slot of this pair."""
        slot = int(self.edges.slot[pair])
        self.chosen[need] = pair
        self.left[slot] -= self.quantity[need]
        self.inside.setdefault(slot, set()).add(need)

    def take(self, need: int) -> int:
        """Take the need out of its slot and return the pair that it had."""
        pair = self.chosen.pop(need)
        slot = int(self.edges.slot[pair])
        self.left[slot] += self.quantity[need]
        self.inside[slot].discard(need)
        return pair

    def free_pair(self, need: int, but: int = -1) -> int:
        """Return the best pair of the need whose slot has room, -1 where there is none."""
        best, worth = -1, 0
        for pair in self.pairs(need):
            slot = self.edges.slot[pair]
            if slot != but and self.left[slot] >= self.quantity[need] and self.edges.worth[pair] > worth:
                best, worth = pair, self.edges.worth[pair]
        return best


def settle(edges: Edges, units: np.ndarray, quantity: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return units on the same pairs in which each need has all of its quantity in one pair or nothing.

    What the flow gave whole and in one slot stays unless something worth more needs the room; the others are placed
    by what they are worth, into free room, by moving one that stands there, or by pushing out what is worth less.
    """
    start = np.searchsorted(edges.need, np.arange(len(quantity) + 1))
    places = _Places(edges, quantity, free.astype(np.int64).copy(), start)
    good = np.flatnonzero((units > 0) & (units == quantity[edges.need]))
    for pair in good:
        places.put(int(edges.need[pair]), int(pair))
    waiting = [need for need in np.unique(edges.need) if int(need) not in places.chosen]
    heap = [(-_best(places, int(need)), int(need)) for need in waiting]
    heapq.heapify(heap)
    while heap:
        _, need = heapq.heappop(heap)
        for out in _place(places, need):
            heapq.heappush(heap, (-_best(places, out), out))
    settled = np.zeros(len(edges), dtype=np.int64)
    pairs = np.fromiter(places.chosen.values(), dtype=np.int64, count=len(places.chosen))
    settled[pairs] = quantity[edges.need[pairs]]
    return settled


def _best(places: _Places, need: int) -> int:
    pairs = places.pairs(need)
    return int(places.edges.worth[pairs.start : pairs.stop].max()) * int(places.quantity[need])


def _place(places: _Places, need: int) -> list[int]:
    """Place one need; return those that were pushed out for it."""
    pair = places.free_pair(need)
    best_gain, plan = (places.total(need, pair), [(need, pair)]) if pair >= 0 else (0, [])
    out: list[int] = []
    for pair in places.pairs(need):
        gain = places.total(need, pair)
        if gain <= best_gain:
            continue
        lost, moves, gone = _make_room(places, need, int(places.edges.slot[pair]), gain - best_gain)
        if moves is not None and gain - lost > best_gain:
            best_gain, plan, out = gain - lost, [*moves, (need, pair)], gone
    for who, _ in plan[:-1]:
        places.take(who)
    for who in out:
        places.take(who)
        places.pushed[who] = places.pushed.get(who, 0) + 1
    for who, pair in plan:
        places.put(who, pair)
    return out


def _make_room(places: _Places, need: int, slot: int, most: int) -> tuple[int, list[tuple[int, int]] | None, list[int]]:
    """Return at what loss the slot gets room for the need: which one moves where, or who goes; None where it would
    cost as much as it brings.
    """
    lacking = int(places.quantity[need] - places.left[slot])
    costs = []
    for other in places.inside.get(slot, ()):
        if places.pushed.get(other, 0) >= PUSHES:
            continue
        here = places.total(other, places.chosen[other])
        elsewhere = places.free_pair(other, but=slot)
        loss = here - (places.total(other, elsewhere) if elsewhere >= 0 else 0)
        costs.append((loss / int(places.quantity[other]), loss, other, elsewhere))
    lost, moves, gone = 0, [], []
    taken: dict[int, int] = {}
    for _, loss, other, elsewhere in sorted(costs):
        if lacking <= 0:
            break
        target = int(places.edges.slot[elsewhere]) if elsewhere >= 0 else -1
        room = places.left[target] - taken.get(target, 0) if elsewhere >= 0 else 0
        if elsewhere >= 0 and room >= places.quantity[other]:
            moves.append((other, elsewhere))
            taken[target] = taken.get(target, 0) + int(places.quantity[other])
        else:
            loss = places.total(other, places.chosen[other])
            gone.append(other)
        lost += loss
        lacking -= int(places.quantity[other])
        if lost >= most:
            return 0, None, []
    return (lost, moves, gone) if lacking <= 0 else (0, None, [])
