"""Take turns, compare, judge: every figure is a ratio within one run, so that a slow machine slows both sides."""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROUNDS = 5
SECONDS = 0.7
HANDS = 8
FORK = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Figure:
    """One figure: what it is, the bar, and what was measured in each round."""

    name: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    values: list[float] = field(default_factory=list)
    beside: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Return the middle one of the rounds."""
        return statistics.median(self.values)

    @property
    def holds(self) -> bool:
        """Tell whether the bar is reached; a figure without a value or without a bar reaches nothing."""
        if not self.values or (self.at_least is None and self.at_most is None):
            return False
        low, high = self.at_least or float("-inf"), float("inf") if self.at_most is None else self.at_most
        return low <= self.median <= high

    def as_dict(self) -> dict[str, Any]:
        """Return the figure for the file of results."""
        return {
            "name": self.name, "unit": self.unit, "median": self.median, "min": min(self.values),
            "max": max(self.values), "values": self.values, "at_least": self.at_least, "at_most": self.at_most,
            "holds": self.holds, **self.beside,
        }  # fmt: skip

    def __str__(self) -> str:
        bar = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        spread = f"{self.median:.4g} ({min(self.values):.4g}–{max(self.values):.4g})"
        return f"{'ok  ' if self.holds else 'MISS'} {self.name}: {spread} {self.unit}, bar {bar}  {self.beside or ''}"


def compare(figure: Figure, ours: Callable[[], float], limit: Callable[[], float]) -> Figure:
    """Measure limit and ours in turns; the figure's values are ours by limit, round by round."""
    pairs = [(limit(), ours()) for _ in range(ROUNDS)]
    figure.values = [mine / most for most, mine in pairs]
    figure.beside |= {
        "ours": round(statistics.median(mine for _, mine in pairs), 1),
        "limit": round(statistics.median(most for most, _ in pairs), 1),
    }
    return figure


def rate(act: Callable[[], Any], seconds: float = SECONDS) -> float:
    """Return how often per second this one thread does `act`."""
    act()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        act()
        done += 1
    return done / (time.perf_counter() - began)


def by_many_hands(prepare: Callable[[int], Callable[[], bool]], *, seconds: float = 0, times: int = 0) -> "Together":
    """Let eight processes act at once, each as `prepare(number)` made it, for so many seconds or times."""
    from django.db import connections

    connections.close_all()
    gate, results = FORK.Barrier(HANDS + 1), FORK.SimpleQueue()

    def hand(number: int) -> None:
        act = prepare(number)
        first = bool(act())  # connections, plans and imports are not what is measured
        gate.wait()
        until, tries, done = time.perf_counter() + seconds, 0, 0
        while tries < times or time.perf_counter() < until:
            try:
                done += bool(act())
            except StopIteration:
                break  # nothing is left to do; the time ends here
            tries += 1
        results.put((done, done + first))

    crew = [FORK.Process(target=hand, args=(number,), daemon=True) for number in range(HANDS)]
    for process in crew:
        process.start()
    gate.wait(60)
    began = time.perf_counter()
    for process in crew:
        process.join()
    took = time.perf_counter() - began
    if any(process.exitcode for process in crew):
        raise RuntimeError("A process of the measurement failed; its traceback stands above.")
    counted = [results.get() for _ in crew]
    return Together(sum(done for done, _ in counted), sum(all_ for _, all_ in counted), took)


@dataclass(frozen=True, slots=True)
class Together:
    """What eight processes got done in so many seconds; `ever` counts what each did before the start too."""

    done: int
    ever: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Return how many were done in a second."""
        return self.done / self.seconds
