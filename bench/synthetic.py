"""A district's backlog and pool as columns, drawn from fixed seeds: about twice as much is asked for as can be served.

The shapes are assumptions, not anybody's figures: communities of very different size, few kinds that many ask for,
four degrees of urgency, windows of some days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from requests_board.matching.problem import Needs, Problem, Stock, Terms

COMMUNITIES, STREETS, TICKS = 200, 12, 28


@dataclass(frozen=True, slots=True)
class Size:
    """How many needs, offerings and kinds."""

    needs: int
    offerings: int
    kinds: int


SIZES = {"S": Size(1_000, 300, 6), "M": Size(10_000, 3_000, 20), "L": Size(100_000, 20_000, 40)}


def problem(size: Size, seed: int = 20260102, *, whole: bool = False) -> Problem:
    """Draw one problem; the same seed draws the same one."""
    rng = np.random.default_rng(seed)
    street = np.sort(rng.integers(0, STREETS, COMMUNITIES))
    where = rng.uniform(0, 10, (COMMUNITIES, 2)) + street[:, None] * 0.5
    kind_share = 1 / np.arange(1, size.kinds + 1) ** 0.7
    kind_share /= kind_share.sum()
    crowd = rng.lognormal(0, 0.6, COMMUNITIES)
    return Problem(
        _needs(rng, size, kind_share, crowd / crowd.sum(), whole), *_supply(rng, size, kind_share, street, where)
    )


def _needs(rng: np.random.Generator, size: Size, kind_share: np.ndarray, crowd: np.ndarray, whole: bool) -> Needs:
    n = size.needs
    quantity = np.where(rng.random(n) < 0.8, 1, rng.integers(2, 11, n))
    first = rng.integers(0, TICKS - 4, n)
    urgency = rng.choice([1, 2, 4, 8], n, p=[0.5, 0.3, 0.15, 0.05])
    return Needs(
        kind=rng.choice(size.kinds, n, p=kind_share), community=rng.choice(COMMUNITIES, n, p=crowd),
        quantity=quantity, value=urgency * 1000 + 20 * rng.integers(0, 61, n), first=first,
        last=np.minimum(first + rng.integers(2, 15, n), TICKS), whole=np.full(n, whole),
    )  # fmt: skip


def _supply(
    rng: np.random.Generator, size: Size, kind_share: np.ndarray, street: np.ndarray, where: np.ndarray
) -> tuple[Stock, Terms]:
    m = size.offerings
    home = rng.integers(0, COMMUNITIES, m)
    reach = rng.random(m)
    serves = np.zeros((m, COMMUNITIES), dtype=bool)
    serves[np.arange(m), home] = True
    serves |= (reach[:, None] >= 0.5) & (street[None, :] == street[home][:, None])
    serves |= reach[:, None] >= 0.8
    distance = np.linalg.norm(where[home][:, None, :] - where[None, :, :], axis=2)
    kind = rng.choice(size.kinds, m, p=kind_share)
    slots = rng.random((m, TICKS)) < 0.13
    resource, start = np.nonzero(slots)
    free = np.minimum(rng.geometric(0.65, len(resource)), 12)
    stock = Stock(kind[resource], resource, free, start, start + 1)
    terms = Terms(serves, (10 * distance).astype(np.int32), np.ones(m, dtype=np.int64), np.full(m, 1 << 20))
    return stock, terms
