"""Geometry of the charts, drawn by the server as SVG with attributes alone: no script, no inline style.

Colours of the five categories are told apart with every kind of colour vision (smallest ΔE00 14)
and stand at 3:1 or more on white.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from partners.workflow import Category

COLOURS = {
    Category.PROPERTY: "#c9650a",
    Category.DEPARTMENT: "#0b5cad",
    Category.WELFARE: "#2f9e8f",
    Category.RESIDENT: "#8e0d15",
    Category.BUSINESS: "#8f7cc0",
}
PLAIN, STRONG, FAINT = "#0b5cad", "#b5121b", "#857d73"
WIDTH, HEIGHT = 240, 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its words: the value in words, the way to its rows, and whether it is too small to be compared."""

    label: str
    value: float
    words: str
    note: str = ""
    url: str = ""
    colour: str = PLAIN
    faint: bool = False
    width: float = 0.0


def bars(rows: Sequence[Bar], *, most: float | None = None) -> list[Bar]:
    """Give each bar its width, 0 to 100, against the largest or against `most`."""
    top = most if most is not None else max((row.value for row in rows), default=0)
    return [
        Bar(
            row.label,
            row.value,
            row.words,
            row.note,
            row.url,
            FAINT if row.faint else row.colour,
            row.faint,
            round(100 * row.value / top, 2) if top > 0 else 0.0,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """A line over equal steps of time; `area` closes the shape down to zero."""

    points: str
    area: str
    top: float
    last_x: float
    last_y: float


def line(values: Sequence[float], *, top: float | None = None) -> Line:
    """Lay a line through `values`; a `top` shared by several makes them comparable."""
    highest = top if top is not None else max(values, default=0)
    highest = highest or 1
    step = WIDTH / max(len(values) - 1, 1)
    places = [(round(i * step, 1), round(HEIGHT - HEIGHT * value / highest, 1)) for i, value in enumerate(values)]
    points = " ".join(f"{x},{y}" for x, y in places)
    last = places[-1] if places else (0.0, float(HEIGHT))
    return Line(points, f"0,{HEIGHT} {points} {last[0]},{HEIGHT}" if places else "", highest, *last)
