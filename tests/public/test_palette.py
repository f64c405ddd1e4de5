"""The look's colours: readable, told apart by everybody, and the same in every stylesheet."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

CSS = Path("static/css")
TOKENS = (CSS / "tokens.css").read_text(encoding="utf8")
COLOURS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", TOKENS))

# What stands on what; 4.5 for text, 3 for the edge of an entry field and for large drawings.
TEXT = [
    ("ink", "paper"), ("ink", "wash"), ("ink2", "paper"), ("ink2", "wash"), ("paper", "red"), ("paper", "red-d"),
    ("red-d", "paper"), ("info", "paper"), ("info", "wash"), ("ok", "paper"), ("warn", "paper"), ("ink", "gold"),
    ("gold", "red-d"), ("ok-t", "ok-b"), ("do-t", "do-b"), ("due-t", "due-b"), ("late-t", "late-b"),
    ("mute-t", "mute-b"),
]  # fmt: skip
DRAWN = [("edge", "paper"), ("edge", "wash"), *[(f"p{n}", "paper") for n in range(1, 6)]]
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
SIGHT = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> tuple[float, ...]:
    """Return the linear light of a colour written as #rgb or #rrggbb."""
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    values = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    light = sorted((0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(first), linear(second))), reverse=True)
    return (light[0] + 0.05) / (light[1] + 0.05)


def lab(colour: str, sight: str) -> tuple[float, float, float]:
    """Return CIELAB (D65) of a colour as seen with `sight`."""
    rgb = linear(colour)
    r, g, b = (min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in SIGHT[sight])
    xyz = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > (6 / 29) ** 3 else v / (3 * (6 / 29) ** 2) + 4 / 29 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    """Return the CIEDE2000 difference of two colours (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dl, dc, dh = l2 - l1, c2 - c1, (h2 - h1 + 180) % 360 - 180
    big_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh) / 2)
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    mh = (h1 + dh / 2) % 360
    t = 1 - 0.17 * math.cos(math.radians(mh - 30)) + 0.24 * math.cos(math.radians(2 * mh))
    t += 0.32 * math.cos(math.radians(3 * mh + 6)) - 0.20 * math.cos(math.radians(4 * mh - 63))
    sl = 1 + 0.015 * (ml - 50) ** 2 / math.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rt = -2 * math.sqrt(mc**7 / (mc**7 + 25**7)) * math.sin(math.radians(60 * math.exp(-(((mh - 275) / 25) ** 2))))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (big_h / sh) ** 2 + rt * (dc / sc) * (big_h / sh))


@pytest.mark.parametrize(("front", "ground"), TEXT)
def test_text_is_readable(front: str, ground: str) -> None:
    assert contrast(COLOURS[front], COLOURS[ground]) >= 4.5


@pytest.mark.parametrize(("front", "ground"), DRAWN)
def test_edges_and_charts_are_seen(front: str, ground: str) -> None:
    assert contrast(COLOURS[front], COLOURS[ground]) >= 3


@pytest.mark.parametrize("sight", SIGHT)
def test_the_five_kinds_of_partners_are_told_apart(sight: str) -> None:
    five = [lab(COLOURS[f"p{n}"], sight) for n in range(1, 6)]
    assert min(difference(a, b) for a, b in itertools.combinations(five, 2)) >= 14


def test_the_measure_of_difference_is_the_published_one() -> None:
    # Pairs 1, 7 and 17 of the test data of Sharma, Wu and Dalal.
    assert difference((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert difference((50, 0, 0), (50, -1, 2)) == pytest.approx(2.3669, abs=1e-4)
    assert difference((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)


def test_a_careless_palette_would_be_noticed() -> None:
    """Control: two tasteful colours that a deuteranope cannot tell apart."""
    assert difference(lab("#4a7fb5", "deutan"), lab("#7a76b8", "deutan")) < 14


@pytest.mark.parametrize("name", ["public.css", "staff.css"])
def test_every_stylesheet_begins_with_the_same_values(name: str) -> None:
    assert (CSS / name).read_text(encoding="utf8").startswith(TOKENS.rstrip("\n"))


@pytest.mark.parametrize("name", ["public.css", "staff.css"])
def test_the_size_of_text_is_never_locked(name: str) -> None:
    assert "text-size-adjust" not in (CSS / name).read_text(encoding="utf8")
