"""Many places of one kind under one parent, from a line such as “1–18号楼，每栋3单元”."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit.actions import record
from common.errors import Invalid
from grids import selectors
from grids.models import Area, AreaKind
from grids.trees import levels
from grids.trees.load import NewArea, load_areas
from grids.trees.numbers import AREAS, locked
from grids.trees.rows import fresh_parent, require_keeper

# What people leave out when they only write numbers.
_SUFFIX = {AreaKind.BUILDING: "号楼"}
_LONGEST_NAME = 60
_LONGEST_LINE = 500
_MOST_UNITS = 99

_UNITS = re.compile(
    r"[,、;\s]*\(?(?:(?:每|各|都)[栋幢座楼]?(?:号楼)?(?:各|都)?(?:是|有)?|(?<=[,、;\s(]))(\d{1,6})个?单元\)?\s*$"
)
_PARITY = re.compile(r"\(?([单双奇偶])(?:号(?!楼)|数|(?=号楼))\)?")
# The two words for “and” also begin names of estates.
_COMMA = re.compile(r"[,、;]+|(?<=[\d号楼栋幢座])\s*[和及]\s*(?=\d)")
_DASH = r"\s*(?:-|–|—|−|‐|~|〜|至|到)+\s*"
_RANGE = re.compile(rf"^(?P<pre>.*?)(?P<a>\d+)(?P<mid>\D*?){_DASH}(?P<pre2>.*?)(?P<b>\d+)(?P<suf>\D*)$")
_ONE = re.compile(r"^(?P<pre>.*?)(?P<a>\d+)(?P<suf>\D*)$")
_MANY_WORDS = "可以这样写：1-18号楼，每栋3单元；或者 1、3、5号楼；或者 A区1-6号楼。"


@dataclass(frozen=True, slots=True)
class Planned:
    """One place that a line names; `there` when one of that name stands there already, or comes earlier in the line."""

    name: str
    units: int | None = None
    there: bool = False


def read(text: str, kind: str, most: int) -> list[tuple[str, int | None]]:
    """Return the names that the lines of `text` stand for, in order; refuse what cannot be read or is too much."""
    found: list[tuple[str, int | None]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            found += _line(number, line, kind, most - len(found))
    if not found:
        raise Invalid(f"请写上要添加哪些。{_MANY_WORDS}", field="text")
    return found


def _line(number: int, line: str, kind: str, most: int) -> list[tuple[str, int | None]]:
    if len(line) > _LONGEST_LINE:
        raise Invalid(f"第 {number} 行太长，请分成几行写。", field="text")
    # Full-width digits, commas and brackets become plain ones.
    plain = unicodedata.normalize("NFKC", line).strip()
    units = _UNITS.search(plain)
    if units and not 1 <= int(units[1]) <= _MOST_UNITS:
        raise Invalid(f"第 {number} 行：单元数要在 1 到 {_MOST_UNITS} 之间。", field="text")
    plain = _UNITS.sub("", plain)
    parity = _PARITY.search(plain)
    plain = _PARITY.sub("", plain, count=1)
    try:
        names = _names(plain, _SUFFIX.get(AreaKind(kind), ""), parity[1] if parity else "", most)
    except ValueError as error:
        raise Invalid(f"第 {number} 行“{line.strip()[:40]}”：{error}", field="text") from error
    return [(name, int(units[1]) if units else None) for name in names]


def _names(text: str, default: str, parity: str, most: int) -> list[str]:
    """Return the names of one line; a bare number takes the words before it and after it from its neighbours."""
    parts = [part.strip() for part in _COMMA.split(text) if part.strip()]
    suffixes = _suffixes(parts, default)
    names: list[str] = []
    prefix = ""
    for part, suffix in zip(parts, suffixes, strict=True):
        match = _RANGE.match(part) or _ONE.match(part)
        if match is None:
            if not re.search(r"\w", part):
                raise ValueError(f"“{part}”不像名称。{_MANY_WORDS}")
            names.append(part)
            continue
        prefix = match["pre"] or prefix
        names += [f"{prefix}{value}{suffix}" for value in _values(match, prefix, suffix, parity, most - len(names))]
    if len(names) > most:
        raise ValueError("一次添加得太多，请分几次添加。")
    if any(len(name) > _LONGEST_NAME for name in names):
        raise ValueError(f"名称最多 {_LONGEST_NAME} 个字，请写短一点。")
    return names


def _suffixes(parts: list[str], default: str) -> list[str]:
    """Return the words after each number; a bare number takes those of the next one, the last one the usual words."""
    suffixes: list[str] = []
    following = default
    for part in reversed(parts):
        match = _RANGE.match(part) or _ONE.match(part)
        following = (match["suf"].strip() if match else "") or following
        suffixes.append(following)
    return suffixes[::-1]


def _values(match: re.Match[str], prefix: str, suffix: str, parity: str, most: int) -> Iterable[str]:
    first = match["a"]
    last = match.groupdict().get("b") or first
    if match.re is _RANGE and (match["pre2"].strip() not in {"", prefix} or match["mid"].strip() not in {"", suffix}):
        raise ValueError(f"看不懂从哪到哪。{_MANY_WORDS}")
    if max(len(first), len(last)) > 5:
        raise ValueError("号码太大，请核对。")
    if int(last) < int(first):
        raise ValueError(f"{first} 比 {last} 大，请把小的写在前面。")
    if int(last) - int(first) >= 2 * max(most, 1):
        raise ValueError("一次添加得太多，请分几次添加。")
    width = len(first) if first.startswith("0") else 0
    wanted = {"": (0, 1), "单": (1,), "奇": (1,), "双": (0,), "偶": (0,)}[parity]
    return [str(n).zfill(width) for n in range(int(first), int(last) + 1) if n % 2 in wanted]


def plan(parent: Area, kind: str, text: str) -> list[Planned]:
    """Return what the lines would add under `parent`, with those marked that are there already.

    A building's name is taken once per estate, whichever grid it stands in; other names once per parent. How much
    may be added at once is a setting of the district.
    """
    levels.check_area_level(kind, parent.kind)
    names = read(text, kind, selectors.profile().most_at_once)
    beside, before = selectors.names_beside(parent, kind)
    taken = {_plain(name, before) for name in beside}
    planned = []
    for name, units in names:
        plain = _plain(name, before)
        planned.append(Planned(name, units, plain in taken))
        taken.add(plain)
    return planned


def _plain(name: str, before: str) -> str:
    """Return a name as people compare it: whatever the width of its signs, with its estate's name or without."""
    plain, prefix = (unicodedata.normalize("NFKC", text).replace(" ", "").lower() for text in (name, before))
    return plain.removeprefix(prefix) or plain


def add_many(parent: Area, *, kind: str, text: str, actor: Any = None) -> list[Area]:
    """Add what the lines name and is not there yet, all of it or nothing; refuse when nothing is left to add."""
    with locked(AREAS):
        above = fresh_parent(AREAS, parent)
        require_keeper(actor, above)
        wanted = [one for one in plan(above, kind, text) if not one.there]
        if not wanted:
            raise Invalid("这些都已经有了，没有要添加的。", field="text")
        made = load_areas([NewArea(one.name, above, kind, one.name, units=one.units) for one in wanted], actor=actor)
        record(
            actor=actor,
            verb="area.many_added",
            target=above,
            after=f"{wanted[0].name} … {wanted[-1].name}" if len(wanted) > 1 else wanted[0].name,
            data={"rows": len(made), "ids": [area.pk for area in made.values()]},
        )
    return list(made.values())
