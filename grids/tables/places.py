"""Places as people write them into a table: by path, by code, or by a name that only one of them has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.tables.cells import Faults, Guesses, one_form
from grids.models import Area, AreaKind
from grids.permissions import reach
from grids.trees.levels import AREA_LABELS

_BY_ID = re.compile(r".*（编号(\d{1,18})）")
COMMUNITIES = frozenset({AreaKind.COMMUNITY, AreaKind.VILLAGE})
COLUMNS = (
    "pk", "parent_id", "kind", "name", "code", "scope_path", "phone", "households", "sort_order",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A valid place; `inside` tells whether it lies within the person's reach or only above it."""

    id: int
    parent: int | None
    kind: str
    name: str
    code: str
    path: str
    phone: str
    households: int | None
    sort_order: int
    inside: bool


class Places:
    """The valid places of a person's reach for one right, with the names above them."""

    def __init__(self, user: Any, permission: str) -> None:
        paths = reach(user, permission)
        above = {int(part) for path in paths for part in path.split("/") if part}
        self.all: dict[int, Place] = {}
        values: Any
        for values in Area.objects.valid().order_by("tree_id", "lft").values_list(*COLUMNS):
            inside = any(values[5].startswith(path) for path in paths)
            if inside or values[0] in above:
                self.all[values[0]] = Place(*values, inside)  # type: ignore[call-arg]  # as many columns as fields
        self.inside = [place for place in self.all.values() if place.inside]
        self._words: dict[int, str] = {}
        self._found: dict[str, list[Place]] = defaultdict(list)
        for place in self.inside:
            for word in {one_form(self._plain_words(place)), one_form(place.name), place.code} - {""}:
                self._found[word].append(place)

    def words(self, place_id: int | None) -> str:
        """Return a place as an export writes it, so that `find` finds this one again."""
        place = self.all.get(place_id) if place_id is not None else None
        if place is None:
            return ""
        words = self._plain_words(place)
        same = self._found.get(one_form(words), [])
        return words if len(same) < 2 else f"{words}（编号{place.id}）"

    def _plain_words(self, place: Place) -> str:
        """Return the names from below the district down to the place."""
        known = self._words.get(place.id)
        if known is None:
            above = self.all.get(place.parent) if place.parent else None
            known = place.name
            if above is not None and above.kind != AreaKind.DISTRICT:
                known = f"{self._plain_words(above)}/{place.name}"
            self._words[place.id] = known
        return known

    def names(self, kinds: Iterable[str] = ()) -> list[str]:
        """Return the names of the places within reach, of these kinds."""
        wanted = {*kinds}
        return list(dict.fromkeys(place.name for place in self.inside if not wanted or place.kind in wanted))

    def find(
        self, text: str, column: str, title: str, faults: Faults, guesses: Guesses, kinds: Iterable[str] = ()
    ) -> Place | None:
        """Return the place that a cell names; say that there is none, or more than one, with the likely right one."""
        by_id = _BY_ID.fullmatch(text)
        place = self.all.get(int(by_id[1])) if by_id else None
        if place is not None and place.inside:
            return self._of_kind(place, text, column, title, faults, kinds)
        wanted = {*kinds}
        found = self._found.get(re.sub(r"\s*[/>›]\s*", "/", text)) or self._found.get(text) or []
        fitting = [place for place in found if not wanted or place.kind in wanted] or found
        if len(fitting) == 1:
            return self._of_kind(fitting[0], text, column, title, faults, kinds)
        if fitting:
            paths = "、".join(self.words(place.id) for place in fitting[:3])
            faults.say(column, f"{title}“{text}”有 {len(fitting)} 个，请写全，比如：{paths}。")
        else:
            faults.say(column, f"{title}“{text}”找不到", guesses.of(text, lambda: self._near(text, wanted), column))
        return None

    def _near(self, text: str, kinds: set[str]) -> list[str]:
        if "/" in text:
            return [self.words(place.id) for place in self.inside if not kinds or place.kind in kinds]
        return self.names(kinds)

    def _of_kind(
        self, place: Place, text: str, column: str, title: str, faults: Faults, kinds: Iterable[str]
    ) -> Place | None:
        wanted = [*kinds]
        if wanted and place.kind not in wanted:
            labels = "、".join(AREA_LABELS[kind] for kind in wanted)
            faults.say(column, f"{title}“{text}”是{AREA_LABELS[place.kind]}，这里要填{labels}。")
            return None
        return place

    def above(self, place: Place | None, kinds: Iterable[str]) -> Place | None:
        """Return the nearest place of these kinds at or above `place`."""
        wanted = {*kinds}
        while place is not None and place.kind not in wanted:
            place = self.all.get(place.parent) if place.parent else None
        return place


# Numbers of buildings ---------------------------------------------------------------------------------------

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NUMBER = re.compile(r"第?\s*([0-9]{1,4}|[零〇一二两三四五六七八九十百]{1,7})\s*(?:号楼|号|#楼|#|号?栋楼?|号?幢楼?|楼)")


def chinese_number(text: str) -> int | None:
    """Return the number below a thousand that Chinese numerals or plain digits write."""
    if text.isascii():
        return int(text) if text.isdigit() else None
    total, digit = 0, 0
    for sign in text:
        if sign in _DIGITS:
            digit = digit * 10 + _DIGITS[sign] if digit and "十" not in text and "百" not in text else _DIGITS[sign]
        else:
            total, digit = total + (digit or 1) * (10 if sign == "十" else 100), 0
    return total + digit


def building_name(text: str, estate: str = "") -> str:
    """Return the usual form of a building's number (3#, 三栋, 3幢 → 3号楼) without the estate before it."""
    bare = text.replace("＃", "#").replace(" ", "")
    if estate and bare.startswith(estate) and bare != estate:
        bare = bare[len(estate) :]
    found = _NUMBER.fullmatch(bare) if not bare.isdigit() else re.fullmatch(r"(\d{1,4})", bare)
    number = chinese_number(found[1]) if found else None
    return f"{number}号楼" if number is not None else bare
