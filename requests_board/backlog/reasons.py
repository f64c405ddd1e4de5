"""Say for every pair of a plan why this one, in the words and the shape in which a single dispatch says it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
from django.utils import timezone

from requests_board.backlog.reading import Backlog
from requests_board.matching import FACTORS, tell
from requests_board.selectors import weights_of


def reasons(backlog: Backlog, needs: np.ndarray, slots: np.ndarray) -> list[str]:
    """Return for each (need, slot) the reasons as JSON: score, factors, weights and one sentence with the figures."""
    weights = weights_of(backlog.policy)
    factors = _factors(backlog, needs, slots)
    score = np.round(sum(weights[name] * factors[name] for name in FACTORS), 4)
    grounds, resource = backlog.grounds, backlog.problem.stock.resource[slots]
    received = grounds.received[resource, grounds.place[needs]].tolist()
    days = [_day(moment) for moment in backlog.starts[slots].tolist()]
    end = f"是和等着的 {len(backlog.need_id)} 件一起排的。"
    rows = zip(*(factors[name].tolist() for name in FACTORS), score.tolist(), strict=True)
    told = []
    for at, row in enumerate(rows):
        offer, each = backlog.offers[resource[at]], dict(zip(FACTORS, row, strict=False))
        figures = {
            "paired": each["paired"] > 0, "received": received[at], "days": backlog.policy.share_days,
            "asked": offer.asked, "confirmed": offer.confirmed, "starts": days[at], "near": each["distance"],
        }  # fmt: skip
        content = {
            "score": row[-1], "factors": each, "weights": weights, "sentence": tell(figures, row[-1]) + end,
            "others": [], "refused": [],
        }  # fmt: skip
        told.append(json.dumps(content, ensure_ascii=False))
    return told


def _factors(backlog: Backlog, needs: np.ndarray, slots: np.ndarray) -> dict[str, np.ndarray]:
    grounds, resource = backlog.grounds, backlog.problem.stock.resource[slots]
    place = grounds.place[needs]
    wait = (backlog.starts[slots] - int(backlog.now.timestamp() * 1_000_000)) / backlog.span[needs]
    return {
        "paired": grounds.paired[resource, place].astype(float),
        "waiting": np.round(1 - np.clip(wait, 0, 1), 4),
        "share": np.round(1 / (1 + grounds.received[resource, place]), 4),
        "distance": np.round(grounds.near[resource, place].astype(float), 4),
        "acceptance": np.round(grounds.acceptance[resource].astype(float), 4),
    }


def _day(micro: int) -> str:
    return f"{timezone.localtime(datetime.fromtimestamp(micro / 1_000_000, UTC)):%-m月%-d日}"
