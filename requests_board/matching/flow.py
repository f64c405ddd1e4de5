"""The best allotment of one kind over given pairs: a min-cost flow, exact in whole units, and the prices it implies."""

from __future__ import annotations

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from requests_board.matching.problem import Edges

# Prices settle within a few rounds; what has not settled by then is still a valid bound, only a looser one.
ROUNDS = 400


class Unsolved(RuntimeError):
    """Refuse to go on with an answer of the solver that is not the optimum."""


def graph(edges: Edges, quantity: np.ndarray, free: np.ndarray) -> SimpleMinCostFlow:
    """Return the graph: each need sends its units to a slot of its pairs or past all of them, each slot what it has.

    `quantity` is indexed by need and `free` by slot; only those that the pairs name become nodes.
    """
    needs, need = np.unique(edges.need, return_inverse=True)
    slots, slot = np.unique(edges.slot, return_inverse=True)
    n, m = len(needs), len(slots)
    sink = n + m
    tail = np.concatenate([need, n + np.arange(m), np.arange(n)]).astype(np.int32)
    head = np.concatenate([n + slot, np.full(m, sink), np.full(n, sink)]).astype(np.int32)
    wanted = quantity[needs].astype(np.int64)
    capacity = np.concatenate([quantity[edges.need], free[slots], wanted]).astype(np.int64)
    cost = np.concatenate([-edges.worth, np.zeros(m, dtype=np.int64), np.zeros(n, dtype=np.int64)])
    solver = SimpleMinCostFlow()
    solver.add_arcs_with_capacity_and_unit_cost(tail, head, capacity, cost.astype(np.int64))
    nodes = np.arange(sink + 1, dtype=np.int32)
    solver.set_nodes_supplies(nodes, np.concatenate([wanted, np.zeros(m, dtype=np.int64), [-wanted.sum()]]))
    return solver


def solve(edges: Edges, quantity: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the units on each pair of the best allotment; raise Unsolved when the solver has no optimum."""
    if not len(edges):
        return np.zeros(0, dtype=np.int64)
    solver = graph(edges, quantity, free)
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise Unsolved(f"The solver ended with status {status}.")
    return solver.flows(np.arange(len(edges), dtype=np.int32)).astype(np.int64)


def prices(edges: Edges, units: np.ndarray, quantity: np.ndarray, free: np.ndarray, rounds: int = ROUNDS) -> np.ndarray:
    """Return for each slot the lowest price at which nobody would rather have another pair than the one they got.

    A need that is not fully served gains nothing by being served, so its gain is 0; any other's is what its pair is
    worth above the price. A slot costs what the keenest one without it would gain there. From an optimum this settles
    at the dual solution; prices of every round bound the optimum from above.
    """
    price = np.zeros(len(free), dtype=np.int64)
    if not len(edges):
        return price
    served = np.bincount(edges.need, units, minlength=len(quantity)).astype(np.int64)
    whole = served >= quantity
    got = np.flatnonzero(units > 0)
    open_ = np.flatnonzero(units < quantity[edges.need])
    open_ = open_[np.argsort(edges.slot[open_], kind="stable")]
    slots, starts = np.unique(edges.slot[open_], return_index=True)
    keen_need, keen_worth = edges.need[open_], edges.worth[open_]
    for _ in range(rounds):
        gain = np.where(whole, np.iinfo(np.int64).max, 0)
        np.minimum.at(gain, edges.need[got], edges.worth[got] - price[edges.slot[got]])
        gain = np.where(whole, np.maximum(gain, 0), 0)
        if not len(slots):
            break
        asked = np.maximum.reduceat(keen_worth - gain[keen_need], starts)
        raised = np.maximum(price[slots], asked)
        if np.array_equal(raised, price[slots]):
            break
        price[slots] = raised
    return price
