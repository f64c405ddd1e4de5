"""Allot a whole backlog: by kind, fairly between communities, whole needs whole, with a certificate of the result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from requests_board.matching import bound, exact, flow, whole
from requests_board.matching.problem import NEAREST, Edges, Problem, join, kinds, nearest


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind came to: the units on each of its pairs, what no allotment of it can exceed, and pairs to add."""

    kind: int
    edges: Edges
    units: np.ndarray
    bound: int
    more: Edges

    @property
    def worth(self) -> int:
        """Return what the units are worth together."""
        return int((self.units * self.edges.worth).sum())


@dataclass(frozen=True, slots=True)
class Plan:
    """The allotment of the whole backlog: (need, slot, units), and how good it is.

    `worth` counts no fairness, and `bound` is what no allotment can exceed, over every pair. `shares` is for each
    community the part of its units that is served, nan where it asks for nothing that anybody could bring; `able`
    tells for each need whether anybody could.
    """

    need: np.ndarray
    slot: np.ndarray
    units: np.ndarray
    worth: int
    bound: int
    shares: np.ndarray
    able: np.ndarray

    @property
    def gap(self) -> float:
        """Return by which part of the bound the plan could be better at most."""
        return (self.bound - self.worth) / self.bound if self.bound else 0.0

    @property
    def evenness(self) -> float:
        """Return Jain's index of the communities' shares: 1 where all are equal."""
        return evenness(self.shares)


def evenness(shares: np.ndarray) -> float:
    """Return Jain's index of the shares that there are: 1 where all are equal."""
    known = shares[~np.isnan(shares)]
    return float(known.sum() ** 2 / (len(known) * (known**2).sum())) if known.any() else 1.0


def worst(shares: np.ndarray) -> float:
    """Return the lowest share that there is."""
    return float(np.nanmin(shares)) if not np.isnan(shares).all() else 1.0


def solve(problem: Problem, *, fairness: int = 0, keep: int = NEAREST) -> Plan:
    """Allot the whole backlog.

    Each kind is solved over each need's nearest pairs, then once more with the pairs that would have helped. With
    `fairness` above 0 the first solution tells each community's share, and in the second each unit of a community is
    worth so much more as its share is short of everything: one damped step of community prices. More than about 4000
    makes the shares swing instead of settle.
    """
    first = [draft(problem, kind, keep) for kind in kinds(problem)]
    extra = community_prices(problem, first, fairness)
    parts = [final(problem, part, extra) for part in first]
    return plan(problem, parts, sum(certify(problem, part) for part in parts))


def draft(problem: Problem, kind: int, keep: int = NEAREST) -> Part:
    """Allot one kind over the nearest pairs, divisible, and name the pairs that would make it better."""
    quantity, free = problem.needs.quantity, problem.stock.free
    edges = nearest(problem, kind, keep)
    units = flow.solve(edges, quantity, free)
    price = flow.prices(edges, units, quantity, free)
    gain = bound.gains(edges, price, len(quantity))
    return Part(kind, edges, units, *bound.look(problem, kind, price, gain))


def community_prices(problem: Problem, parts: list[Part], fairness: int) -> np.ndarray:
    """Return what a unit of each community is worth more, the more the less of its units is served."""
    short = 1 - np.nan_to_num(_shares(problem, parts)[0], nan=1.0)
    return np.rint(fairness * short).astype(np.int64)


def final(problem: Problem, part: Part, extra: np.ndarray) -> Part:
    """Solve one kind over all its pairs, with what fairness adds; then make whole what has to be whole."""
    quantity, free = problem.needs.quantity, problem.stock.free
    plain = join([part.edges, part.more])
    edges = Edges(plain.need, plain.slot, plain.worth + extra[problem.needs.community[plain.need]])
    units = flow.solve(edges, quantity, free)
    if problem.needs.whole.any():
        units = exact.improve(edges, whole.settle(edges, units, quantity, free), quantity, free)
    return Part(part.kind, plain, units, part.bound, join([]))


def certify(problem: Problem, part: Part) -> int:
    """Return what no allotment of the kind can exceed: the prices of its pairs' optimum, held against every pair."""
    quantity, free = problem.needs.quantity, problem.stock.free
    units = flow.solve(part.edges, quantity, free)
    price = flow.prices(part.edges, units, quantity, free)
    return min(part.bound, bound.look(problem, part.kind, price)[0])


def plan(problem: Problem, parts: list[Part], ceiling: int) -> Plan:
    """Put the kinds' allotments together."""
    taken = [(part.edges.only(part.units > 0), part.units[part.units > 0]) for part in parts]
    need = np.concatenate([edges.need for edges, _ in taken] or [np.empty(0, dtype=np.int64)])
    slot = np.concatenate([edges.slot for edges, _ in taken] or [np.empty(0, dtype=np.int64)])
    units = np.concatenate([some for _, some in taken] or [np.empty(0, dtype=np.int64)])
    worth = sum(part.worth for part in parts)
    return Plan(need, slot, units, worth, ceiling, *_shares(problem, parts))


def _shares(problem: Problem, parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    able, given = np.zeros(len(problem.needs), dtype=bool), np.zeros(len(problem.needs))
    for part in parts:
        able[part.edges.need] = True
        given += np.bincount(part.edges.need, part.units, minlength=len(given))
    return shares(problem, given, able), able


def shares(problem: Problem, given: np.ndarray, able: np.ndarray) -> np.ndarray:
    """Return for each community the part of the units that somebody could bring it which it is given."""
    needs, count = problem.needs, problem.communities
    asked = np.bincount(needs.community, needs.quantity * able, minlength=count)
    served = np.bincount(needs.community, given * able, minlength=count)
    return np.divide(served, asked, out=np.full(count, np.nan), where=asked > 0)
