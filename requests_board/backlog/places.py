"""Where resources and needs lie to each other, for all of them at once: served, paired, near, already received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

# A path names district, street and community first; so far nearness and shares look.
DEPTH = 3
_ANY = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Offered:
    """A resource as far as the allotment of a whole backlog has to know it."""

    pk: Any
    partner_id: Any
    type_id: int
    parent_id: int
    whole_district: bool
    scope_path: str
    notice_days: int
    least: int
    most: int
    asked: int
    confirmed: int

    @classmethod
    def of(cls, row: Any, record: dict[Any, tuple[int, int]]) -> Offered:
        """Take a row of the pool and what is known of its owner."""
        return cls(
            row.pk, row.partner_id, row.type_id, row.type__parent_id or -1, row.whole_district, row.scope_path,
            row.notice_days, row.min_quantity, _ANY if row.max_quantity is None else row.max_quantity,
            *record.get(row.partner_id, (0, 0)),
        )  # fmt: skip

    @property
    def acceptance(self) -> float:
        """Return how likely the owner comes, as `matching.rank` counts it."""
        return round((self.confirmed + 1) / (self.asked + 2), 4)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Matrices of resource × place. `place` is each need's column, `community` the community of each column."""

    place: np.ndarray
    community: np.ndarray
    communities: list[str]
    serves: np.ndarray
    paired: np.ndarray
    received: np.ndarray
    near: np.ndarray
    acceptance: np.ndarray

    def cost(self, weights: dict[str, float], scale: int) -> np.ndarray:
        """Return what a unit costs in each pair: what the factors fall short of the best, `scale` at most."""
        short = (
            weights["paired"] * ~self.paired
            + weights["share"] * (1 - 1 / (1 + self.received.astype(np.float32)))
            + weights["distance"] * (1 - self.near)
            + weights["acceptance"] * (1 - self.acceptance[:, None])
        )
        return np.rint(scale * short).astype(np.int32)


def grounds(
    paths: list[str], offers: list[Offered], served: list[tuple[Any, str]], pairings: list[tuple[Any, str]],
    received: list[tuple[Any, str, int]],
) -> Grounds:  # fmt: skip
    """Put together what holds between the needs' places and the resources.

    Needs share a column when no served area, pairing or community tells them apart.
    """
    depth = max([DEPTH, *(_depth(path) for _, path in served), *(_depth(path) for _, path in pairings)])
    cut = {path: _head(path, depth) for path in set(paths)}
    columns = sorted(set(cut.values()))
    number = {path: index for index, path in enumerate(columns)}
    communities = sorted({_head(path, DEPTH) for path in columns})
    of_community = {path: index for index, path in enumerate(communities)}
    rows = {offer.pk: index for index, offer in enumerate(offers)}
    whole = np.array([offer.whole_district for offer in offers], dtype=bool)
    serves = _below([(rows[pk], path) for pk, path in served if pk in rows], len(offers), columns)
    serves[whole] = True
    theirs: dict[Any, list[int]] = {}
    for index, offer in enumerate(offers):
        theirs.setdefault(offer.partner_id, []).append(index)
    paired = _below(
        [(row, path) for partner, path in pairings for row in theirs.get(partner, ())], len(offers), columns
    )
    return Grounds(
        place=np.array([number[cut[path]] for path in paths], dtype=np.int64),
        community=np.array([of_community[_head(path, DEPTH)] for path in columns], dtype=np.int64),
        communities=communities, serves=serves, paired=paired, received=_gifts(rows, columns, received),
        near=_nearness([offer.scope_path for offer in offers], columns),
        acceptance=np.array([offer.acceptance for offer in offers], dtype=np.float32),
    )  # fmt: skip


def _below(links: Iterable[tuple[int, str]], count: int, columns: list[str]) -> np.ndarray:
    """Return for each row which columns lie at one of its paths or below it."""
    found = np.zeros((count, len(columns)), dtype=bool)
    masks: dict[str, np.ndarray] = {}
    for row, path in links:
        if path not in masks:
            masks[path] = np.array([column.startswith(path) for column in columns], dtype=bool)
        found[row] |= masks[path]
    return found


def _gifts(rows: dict[Any, int], columns: list[str], received: list[tuple[Any, str, int]]) -> np.ndarray:
    """Return how often each resource came to the community of each column; above communities, to all below."""
    found = np.zeros((len(rows), len(columns)), dtype=np.int32)
    at: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        at.setdefault(_head(column, DEPTH), []).append(index)
    for pk, path, times in received:
        if pk in rows:
            for head in {_head(path, depth) for depth in range(1, DEPTH + 1)}:
                found[rows[pk], at.get(head, [])] += times
    return found


def _nearness(theirs: list[str], ours: list[str]) -> np.ndarray:
    """Return the share of the first parts of the two paths that they have in common."""
    common = np.zeros((len(theirs), len(ours)), dtype=np.int32)
    codes: dict[str, int] = {}
    for depth in range(1, DEPTH + 1):
        here = np.array([_code(codes, path, depth, -1) for path in ours], dtype=np.int64)
        there = np.array([_code(codes, path, depth, -2) for path in theirs], dtype=np.int64)
        common += there[:, None] == here[None, :]
    return np.round(common / DEPTH, 4).astype(np.float32)


def _code(codes: dict[str, int], path: str, depth: int, short: int) -> int:
    return codes.setdefault(_head(path, depth), len(codes)) if _depth(path) >= depth else short


def _depth(path: str) -> int:
    return len(path.strip("/").split("/"))


def _head(path: str, depth: int) -> str:
    """Return the first parts of a path."""
    return "/" + "/".join(path.strip("/").split("/")[:depth]) + "/"
