"""Let residents, workers and departments speak: every sentence is put together anew from templates."""

import random
from functools import cache
from typing import NamedTuple

from hedong.demo.tables import rows, words

# A template that names one of these can only be said of a building.
_OF_BUILDINGS = ("{小区}", "{楼}", "{单元}", "{层}")
_SIDES = tuple("旁前后东南西北周")


class Spoken(NamedTuple):
    """What a resident says, where exactly, and what is done about it in the end."""

    text: str
    place: str
    done: str


class Template(NamedTuple):
    """A sentence with gaps and its answer; `anywhere` when it needs no building."""

    text: str
    place: str
    done: str
    anywhere: bool


@cache
def _templates() -> dict[str, tuple[Template, ...]]:
    found: dict[str, list[Template]] = {}
    for row in rows("sentences"):
        anywhere = not any(word in row["sentence"] + row["place"] for word in _OF_BUILDINGS)
        found.setdefault(row["code"], []).append(Template(row["sentence"], row["place"], row["done"], anywhere))
    return {code: tuple(group) for code, group in found.items()}


def templates() -> tuple[Template, ...]:
    """Return every template."""
    return tuple(one for group in _templates().values() for one in group)


def anywhere_codes() -> frozenset[str]:
    """Return the categories of which something can be said without a building."""
    return frozenset(code for code, group in _templates().items() if any(one.anywhere for one in group))


def say(rng: random.Random, code: str, estate: str = "", building: str = "") -> Spoken:
    """Return a sentence of the category `code`; without a building only what can be said of any place."""
    chosen = rng.choice([one for one in _templates()[code] if building or one.anywhere])
    talk = words()["talk"]
    gaps = {gap: rng.choice(talk[gap]) for gap in ("时", "多久", "人", "门", "层", "时词")}
    gaps |= {
        "小区": estate,
        "楼": building,
        "单元": f"{rng.randint(1, 4)}单元",
        "路": rng.choice(words()["roads"]),
    }
    # A question or a wish opens and ends more softly than a complaint.
    soft = any(word in chosen.text for word in ("想", "建议", "谢谢", "麻烦", "吗", "请", "能不能", "听说", "有没有"))
    text = rng.choice(talk["问" if soft else "前"]) + chosen.text + rng.choice(talk["谢" if soft else "后"])
    return Spoken(text.format_map(gaps), _detail(chosen.place, gaps), chosen.done.format_map(gaps))


def _detail(place: str, gaps: dict[str, str]) -> str:
    """Return where exactly; the building itself is known already and only its sides are named."""
    inside = place.format_map({**gaps, "楼": ""})
    return f"楼{inside}" if place.startswith("{楼}") and inside[:1] in _SIDES else inside


@cache
def _phrases() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in rows("phrases"):
        found.setdefault(row["kind"], []).append(row["text"])
    return {kind: tuple(group) for kind, group in found.items()}


def phrase(rng: random.Random, kind: str, month: int = 1) -> str:
    """Return a sentence of a kind: why something was returned, declined, not done, and so on."""
    return rng.choice(_phrases()[kind]).format_map({"节": words()["talk"]["节"][month - 1]})
