"""Let residents, workers and departments speak: every sentence is put together anew from templates."""

import random
from datetime import datetime
from functools import cache
from typing import NamedTuple

from hedong.demo.tables import rows, words

# A template that names one of these can only be said of a building.
_OF_BUILDINGS = ("{小区}", "{楼}", "{单元}", "{层}", "{门}", "小区", "单元", "楼道", "电梯")
_SIDES = tuple("旁前后东南西北周")


class Spoken(NamedTuple):
    """What a resident says, where exactly, and what is done about it in the end."""

    text: str
    place: str
    done: str


class Template(NamedTuple):
    """A sentence with gaps and its answer; `anywhere` when it needs no building, `firm` when it needs a property firm.

    `months` are the months in which it makes sense, `asks` the type of resource that helps with it.
    """

    text: str
    place: str
    done: str
    anywhere: bool
    firm: bool
    months: range
    asks: str


@cache
def _templates() -> dict[str, tuple[Template, ...]]:
    found: dict[str, list[Template]] = {}
    for row in rows("sentences"):
        text, place, done = row["sentence"], row["place"], row["done"]
        first, _, last = (row["months"] or "1-12").partition("-")
        anywhere = not any(word in text + place + done for word in _OF_BUILDINGS)
        firm = "物业" in text + done and "没有物业" not in text
        months = range(int(first), int(last) + 1)
        found.setdefault(row["code"], []).append(Template(text, place, done, anywhere, firm, months, row["asks"]))
    return {code: tuple(group) for code, group in found.items()}


def templates() -> tuple[Template, ...]:
    """Return every template."""
    return tuple(one for group in _templates().values() for one in group)


@cache
def anywhere_codes() -> frozenset[str]:
    """Return the categories of which something can be said without a building."""
    return frozenset(
        code for code, group in _templates().items() if any(t.anywhere and len(t.months) == 12 for t in group)
    )


@cache
def asking() -> dict[str, tuple[str, ...]]:
    """Return the categories in which somebody asks for what the pool has, by the type of resource."""
    found: dict[str, list[str]] = {}
    for code, group in _templates().items():
        for template in group:
            if template.asks and len(template.months) == 12:
                found.setdefault(template.asks, []).append(code)
    return {kind: tuple(codes) for kind, codes in found.items()}


def say(
    rng: random.Random, code: str, at: datetime, estate: str = "", building: str = "", *, firm: bool = True,
    asks: str = "",
) -> Spoken:  # fmt: skip
    """Return a sentence of the category `code`; without a building only what can be said of any place.

    `asks` wants one that a resource of this type helps with.
    """
    group = [one for one in _templates()[code] if (building or one.anywhere) and (not asks or one.asks == asks)]
    fitting = [one for one in group if at.month in one.months and (firm or not one.firm)]
    chosen = rng.choice(fitting or group)
    talk = words()["talk"]
    gaps = {gap: rng.choice(talk[gap]) for gap in ("多久", "人", "门", "层")}
    gaps |= {
        "时": rng.choice([word for word, since, until in talk["时"] if since <= at.hour < until]),
        "小区": estate,
        "楼": building,
        "单元": f"{rng.randint(1, 4)}单元",
        "路": rng.choice(words()["roads"]),
    }
    text = _wrapped(rng, chosen.text)
    return Spoken(text.format_map(gaps), _detail(chosen.place, gaps), chosen.done.format_map(gaps))


def refused(rng: random.Random) -> tuple[str, str, Spoken]:
    """Return what is not taken on: the code of the reason, the category and the sentence."""
    row = rng.choice(rows("refused"))
    return row["reason"], row["code"], Spoken(_wrapped(rng, row["sentence"]), "", "")


def _wrapped(rng: random.Random, text: str) -> str:
    """Put a sentence between how people begin and how they end."""
    talk = words()["talk"]
    # A question or a wish opens and ends more softly than a complaint.
    soft = any(word in text for word in ("想", "建议", "谢谢", "麻烦", "吗", "请", "能不能", "听说", "有没有"))
    return str(rng.choice(talk["问" if soft else "前"]) + text + rng.choice(talk["谢" if soft else "后"]))


def _detail(place: str, gaps: dict[str, str]) -> str:
    """Return where exactly; the building itself is known already and only its sides are named."""
    inside = place.format_map({**gaps, "楼": ""})
    return f"楼{inside}" if place.startswith("{楼}") and inside[:1] in _SIDES else inside


def _speaks_of(row: dict[str, str], tokens: tuple[str, ...]) -> bool:
    """Tell whether a line speaks of one of `tokens`, or of anything."""
    return not row["of"] or not set(tokens).isdisjoint(row["of"].split())


def phrase(rng: random.Random, kind: str, *of: str, month: int = 1) -> str:
    """Return a sentence of a kind: why something was returned, not done, and so on.

    `of` tells what it is about: the code of a type of resource, and what that is counted in.
    """
    text = rng.choice([row["text"] for row in rows("phrases") if row["kind"] == kind and _speaks_of(row, of)])
    return text.format_map({"节": words()["talk"]["节"][month - 1]})


def decline(rng: random.Random, *of: str) -> tuple[str, str]:
    """Return why a department says no: the code of the reason and a word of its own."""
    row = rng.choice([row for row in rows("declines") if _speaks_of(row, of)])
    return row["reason"], row["note"]
