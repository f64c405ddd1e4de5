"""Read the loader's data files."""

import csv
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from hedong.demo import SEED

DATA = Path(__file__).parent / "data"


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the lines of `data/<name>.csv`, in the file's order."""
    with (DATA / f"{name}.csv").open(encoding="utf8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def words() -> dict[str, Any]:
    """Return the word lists from which names and sentences are put together."""
    found: dict[str, Any] = json.loads((DATA / "words.json").read_text(encoding="utf8"))
    return found


def generator(stage: str) -> random.Random:
    """Return the stage's own source of chance: the same one at every run."""
    return random.Random(f"{SEED}:{stage}")  # noqa: S311  invented data must be the same at every run
