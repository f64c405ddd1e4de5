"""A whole backlog and a whole pool as columns, and the pairs of them that pass every hard rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

# How many pairs are looked at in one go: what fits the processor's cache, not the machine's memory.
CHUNK = 1 << 18
# How many of a need's pairs are kept for the first solution; further ones are added where they would help.
NEAREST = 16
NOBODY = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Needs:
    """What is waited for, one entry each: `kind` and `community` are indices, times are whole ticks.

    `value` is what one unit is worth (urgency and waiting time). A `whole` need takes all of its units from one slot or
    none. `bar` lists (need, resource) pairs that may not meet again: the resource's owner has let this need go.
    `place` is the column of `Terms` where that is finer than the community; `wished` counts the tick from which on
    lateness costs, where that is coarser than the ticks of the windows; `sort` is what is asked for within the kind.
    """

    kind: np.ndarray
    community: np.ndarray
    quantity: np.ndarray
    value: np.ndarray
    first: np.ndarray
    last: np.ndarray
    whole: np.ndarray
    bar: np.ndarray = field(default_factory=lambda: NOBODY)
    place: np.ndarray | None = None
    wished: np.ndarray | None = None
    sort: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Stock:
    """What is free, one entry for each slot: `resource` is an index, `free` is in units, times are whole ticks.

    `comes` is `start` in the ticks of `Needs.wished`. Where a kind has sorts, `sort` is what it is and `over` what it
    also counts as.
    """

    kind: np.ndarray
    resource: np.ndarray
    free: np.ndarray
    start: np.ndarray
    end: np.ndarray
    comes: np.ndarray | None = None
    sort: np.ndarray | None = None
    over: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds between a resource and a community, as matrices (resource × community), and for each resource.

    `cost` is what one unit costs there (distance, no pairing, a share already received), `late` what each tick of
    waiting after the first wished one costs, for `longest` ticks at most. A resource takes from `least` to `most` units
    at a time.
    """

    serves: np.ndarray
    cost: np.ndarray
    least: np.ndarray
    most: np.ndarray
    late: int = 5
    longest: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Needs, stock and the terms between them.

    `standing` lists the (need, slot) pairs that are planned already, each unit of which is worth `stay` more, so that
    nothing is changed for next to nothing. Without `communities` each column of the terms is one.
    """

    needs: Needs
    stock: Stock
    terms: Terms
    standing: np.ndarray = field(default_factory=lambda: NOBODY)
    stay: int = 0
    communities: int = -1

    def __post_init__(self) -> None:
        """Count the communities where nobody has."""
        if self.communities < 0:
            object.__setattr__(self, "communities", self.terms.serves.shape[1])


@dataclass(frozen=True, slots=True)
class Edges:
    """Pairs that may meet, sorted by need: `worth` is what one unit is worth in this pair, always above zero."""

    need: np.ndarray
    slot: np.ndarray
    worth: np.ndarray

    def __len__(self) -> int:
        return len(self.need)

    def only(self, keep: np.ndarray) -> Edges:
        """Keep some of the pairs."""
        return Edges(self.need[keep], self.slot[keep], self.worth[keep])


def join(parts: list[Edges]) -> Edges:
    """Put lists of pairs into one, sorted by need; the same pair twice counts once."""
    parts = parts or [Edges(*(np.empty(0, dtype=np.int64) for _ in range(3)))]
    need, slot, worth = (np.concatenate([getattr(part, name) for part in parts]) for name in ("need", "slot", "worth"))
    order = np.argsort(need * (slot.max(initial=0) + 1) + slot, kind="stable")
    need, slot, worth = need[order], slot[order], worth[order]
    new = np.ones(len(need), dtype=bool)
    new[1:] = (need[1:] != need[:-1]) | (slot[1:] != slot[:-1])
    return Edges(need[new], slot[new], worth[new])


@dataclass(frozen=True, slots=True)
class Block:
    """Some needs of one kind against the slots of that kind that can lie in their windows.

    `worth` (needs × slots) is what one unit is worth, 0 or less where the pair may not meet.
    """

    needs: np.ndarray
    slots: np.ndarray
    worth: np.ndarray


def kinds(problem: Problem) -> list[int]:
    """Return the kinds that are asked for and offered."""
    return [int(kind) for kind in np.intersect1d(problem.needs.kind, problem.stock.kind)]


def blocks(problem: Problem, kind: int) -> Iterator[Block]:
    """Walk every pair of one kind that lies in the need's window."""
    needs, stock, terms = problem.needs, problem.stock, problem.terms
    mine = np.flatnonzero(needs.kind == kind)
    mine = mine[np.argsort(needs.first[mine], kind="stable")]
    theirs = np.flatnonzero((stock.kind == kind) & (stock.free > 0))
    theirs = theirs[np.argsort(stock.start[theirs], kind="stable")]
    start = stock.start[theirs]
    serves = np.ascontiguousarray(terms.serves[stock.resource[theirs]].T)
    cost = np.ascontiguousarray(terms.cost[stock.resource[theirs]].T).astype(np.int32)
    rows = max(1, CHUNK // max(len(theirs), 1))
    for at in range(0, len(mine), rows):
        some = mine[at : at + rows]
        low = np.searchsorted(start, needs.first[some].min())
        high = np.searchsorted(start, needs.last[some].max())
        if low < high:
            cut = slice(low, high)
            yield Block(some, theirs[cut], _worth(problem, some, theirs[cut], serves[:, cut], cost[:, cut]))


def _worth(problem: Problem, some: np.ndarray, slots: np.ndarray, serves: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return what each pair is worth per unit, 0 where a hard rule stands between them."""
    needs, stock, terms = problem.needs, problem.stock, problem.terms
    place = (needs.community if needs.place is None else needs.place)[some]
    may = serves[place]
    may &= stock.start[slots][None, :] >= needs.first[some][:, None]
    may &= stock.end[slots][None, :] <= needs.last[some][:, None]
    quantity, resource = needs.quantity[some][:, None], stock.resource[slots]
    may &= quantity >= terms.least[resource][None, :]
    may &= quantity <= terms.most[resource][None, :]
    if needs.sort is not None and stock.sort is not None and stock.over is not None:
        wanted = needs.sort[some][:, None]
        may &= (wanted == stock.sort[slots][None, :]) | (wanted == stock.over[slots][None, :])
    may &= (quantity <= stock.free[slots][None, :]) | ~needs.whole[some][:, None]
    worth = needs.value[some].astype(np.int32)[:, None] - cost[place] - _late(problem, some, slots)
    worth[~may] = 0
    _bar(problem, some, resource, worth)
    _stay(problem, some, slots, worth)
    return worth


def _late(problem: Problem, some: np.ndarray, slots: np.ndarray) -> np.ndarray:
    needs, stock, terms = problem.needs, problem.stock, problem.terms
    wished = needs.first if needs.wished is None else needs.wished
    comes = stock.start if stock.comes is None else stock.comes
    wait = comes[slots].astype(np.int32)[None, :] - wished[some].astype(np.int32)[:, None]
    np.clip(wait, 0, terms.longest, out=wait)
    wait *= np.int32(terms.late)
    return wait


def _stay(problem: Problem, some: np.ndarray, slots: np.ndarray, worth: np.ndarray) -> None:
    if not len(problem.standing):
        return
    row = _place_in(some, problem.standing[:, 0], len(problem.needs))
    column = _place_in(slots, problem.standing[:, 1], len(problem.stock))
    here = (row >= 0) & (column >= 0)
    row, column = row[here], column[here]
    worth[row, column] += np.where(worth[row, column] > 0, problem.stay, 0).astype(np.int32)


def _place_in(some: np.ndarray, wanted: np.ndarray, count: int) -> np.ndarray:
    """Return where in `some` each of `wanted` stands, -1 where it does not."""
    at = np.full(count, -1, dtype=np.int32)
    at[some] = np.arange(len(some), dtype=np.int32)
    return at[wanted]


def _bar(problem: Problem, some: np.ndarray, resource: np.ndarray, worth: np.ndarray) -> None:
    barred = problem.needs.bar
    if not len(barred):
        return
    for need, owner in barred[np.isin(barred[:, 0], some)]:
        worth[np.ix_(some == need, resource == owner)] = 0


def nearest(problem: Problem, kind: int, keep: int = NEAREST) -> Edges:
    """Return for each need of one kind the `keep` pairs that are worth most; equals are drawn apart evenly."""
    parts = []
    for block in blocks(problem, kind):
        worth = block.worth
        if worth.shape[1] > keep:
            # Needs of one community see the same slots at the same cost: without this all would keep the same few.
            ranked = (worth << 4) + (_spread(block.needs)[:, None] ^ _spread(block.slots)[None, :])
            column = np.argpartition(ranked, -keep, axis=1)[:, -keep:].ravel()
            row = np.repeat(np.arange(len(block.needs)), keep)
        else:
            row, column = (index.ravel() for index in np.indices(worth.shape))
        good = worth[row, column] > 0
        row, column = row[good], column[good]
        parts.append(Edges(block.needs[row], block.slots[column], worth[row, column].astype(np.int64)))
    return join(parts)


def _spread(index: np.ndarray) -> np.ndarray:
    """Return four bits that look drawn, the same ones for the same index."""
    return ((index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(60)).astype(np.uint8)
