"""The allotment of a whole backlog: the best on small cases, never beyond what is free, fair, with its bound."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bench import synthetic
from requests_board.matching import batch, bound, exact, flow, whole
from requests_board.matching.problem import Needs, Problem, Stock, Terms, kinds, nearest


def small(seed: int, *, whole: bool = True) -> Problem:
    """Draw up to eight needs and eight slots of two kinds in three communities."""
    rng = np.random.default_rng(seed)
    n, m, r, c = rng.integers(1, 9), rng.integers(1, 9), 5, 3
    first = rng.integers(0, 6, n)
    start = rng.integers(0, 8, m)
    kind = rng.integers(0, 2, r)
    resource = rng.integers(0, r, m)
    return Problem(
        Needs(
            kind=rng.integers(0, 2, n), community=rng.integers(0, c, n), quantity=rng.integers(1, 4, n),
            value=rng.integers(50, 400, n), first=first, last=first + rng.integers(1, 6, n),
            whole=np.full(n, whole), bar=np.array([[0, 0]]) if seed % 3 == 0 else np.empty((0, 2), dtype=np.int64),
        ),
        Stock(kind[resource], resource, rng.integers(0, 5, m), start, start + 1),
        Terms(rng.random((r, c)) < 0.8, rng.integers(0, 60, (r, c)), np.ones(r, dtype=int), np.full(r, 3)),
    )  # fmt: skip


def may(problem: Problem, need: int, slot: int) -> int:
    """Say in plain words what a unit of this pair is worth; nothing where a hard rule stands between."""
    needs, stock, terms = problem.needs, problem.stock, problem.terms
    owner = stock.resource[slot]
    wait = stock.start[slot] - needs.first[need]
    fits = (
        needs.kind[need] == stock.kind[slot] and terms.serves[owner, needs.community[need]] and wait >= 0
        and stock.end[slot] <= needs.last[need] and terms.least[owner] <= needs.quantity[need] <= terms.most[owner]
        and [need, owner] not in needs.bar.tolist()
    )  # fmt: skip
    worth = needs.value[need] - terms.cost[owner, needs.community[need]] - terms.late * wait
    return int(max(worth, 0)) if fits else 0


def brute(problem: Problem) -> int:
    """Try every way in which each need gets one slot or none."""
    n, m = len(problem.needs), len(problem.stock)
    choices = [[None, *(s for s in range(m) if may(problem, need, s))] for need in range(n)]
    best = 0
    for way in itertools.product(*choices):
        left = problem.stock.free.copy()
        worth = 0
        for need, slot in enumerate(way):
            if slot is not None:
                left[slot] -= problem.needs.quantity[need]
                worth += may(problem, need, slot) * int(problem.needs.quantity[need])
        if (left >= 0).all():
            best = max(best, worth)
    return best


def sound(problem: Problem, plan: batch.Plan) -> None:
    """Hold a plan against every hard rule, the capacity and its own figures."""
    used = np.bincount(plan.slot, plan.units, minlength=len(problem.stock))
    assert (used <= problem.stock.free).all()
    given = np.bincount(plan.need, plan.units, minlength=len(problem.needs))
    assert (given <= problem.needs.quantity).all()
    if problem.needs.whole.all():
        assert (given[plan.need] == problem.needs.quantity[plan.need]).all()
        assert len(set(plan.need.tolist())) == len(plan.need)
    worth = sum(may(problem, n, s) * u for n, s, u in zip(plan.need, plan.slot, plan.units, strict=True))
    assert worth == plan.worth <= plan.bound


def test_on_small_cases_nothing_is_better():
    for seed in range(1000):
        problem = small(seed)
        plan = batch.solve(problem)
        sound(problem, plan)
        assert plan.worth == brute(problem), seed


def test_the_flow_alone_is_not_always_the_best(monkeypatch):
    def cut(edges, units, quantity, free):
        return np.where(units == quantity[edges.need], units, 0)

    monkeypatch.setattr(whole, "settle", cut)
    monkeypatch.setattr(exact, "improve", lambda edges, units, quantity, free: units)
    assert [seed for seed in range(300) if batch.solve(small(seed)).worth < brute(small(seed))]


def test_what_can_be_divided_is_the_optimum_and_its_prices_prove_it():
    problem = synthetic.problem(synthetic.SIZES["S"])
    quantity, free = problem.needs.quantity, problem.stock.free
    for kind in kinds(problem):
        edges = nearest(problem, kind, keep=10_000)
        units = flow.solve(edges, quantity, free)
        price = flow.prices(edges, units, quantity, free)
        # Strong duality: an allotment and prices of the same worth prove each other, over every pair.
        assert bound.look(problem, kind, price)[0] == int((units * edges.worth).sum())


def test_pairs_left_out_at_first_are_found_again():
    problem = synthetic.problem(synthetic.Size(3_000, 500, 2))
    best = sum(batch.final(problem, batch.draft(problem, k, 10_000), _none(problem)).worth for k in kinds(problem))
    few = batch.solve(problem, keep=4)
    sound(problem, few)
    alone = sum(batch.draft(problem, k, 4).worth for k in kinds(problem))
    assert (best - few.worth) / best < 0.01 < (best - alone) / best


@pytest.mark.parametrize("undivided", [True, False])
def test_fairness_lifts_the_worst_community_at_a_small_price(undivided):
    problem = synthetic.problem(synthetic.SIZES["M"], whole=undivided)
    plain, fair = batch.solve(problem), batch.solve(problem, fairness=2000)
    for plan in (plain, fair):
        sound(problem, plan)
    assert fair.evenness > plain.evenness
    assert np.nanmin(fair.shares) >= np.nanmin(plain.shares)
    assert 0.99 * plain.worth < fair.worth <= plain.bound
    assert plain.gap < 0.02


def test_nothing_to_allot_is_no_fault():
    problem = small(1)
    empty = replace(problem, stock=replace(problem.stock, free=np.zeros_like(problem.stock.free)))
    plan = batch.solve(empty, fairness=2000)
    assert (len(plan.need), plan.worth, plan.bound, plan.gap) == (0, 0, 0, 0.0)


def _none(problem: Problem) -> np.ndarray:
    return np.zeros(problem.terms.serves.shape[1], dtype=np.int64)
