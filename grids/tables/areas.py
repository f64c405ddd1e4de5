"""Places as tables: every level in one sheet, and buildings by estate, grid and number in another."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from common.errors import Invalid
from common.tables import cells as values
from common.tables.cells import one_form
from common.tables.registry import NEW, Book, Known, Registry, Row
from common.tables.sheet import Cells, Column, Planned, Values
from grids.models import Area, AreaKind
from grids.permissions import within_reach
from grids.tables.places import COMMUNITIES, Place, Places, building_name
from grids.trees import bulk
from grids.trees.levels import AREA_LABELS, check_area_level
from grids.trees.load import NewArea, load_areas
from grids.trees.numbers import AREAS

GRIDS = frozenset({AreaKind.GRID, AreaKind.MICRO_GRID})
FIELDS = ("name", "code", "phone", "households", "sort_order")


@dataclass(slots=True)
class AreaBook(Book):
    """Places, the codes in use anywhere, and the places that this file adds on its way."""

    places: Any = None
    by_code: dict[str, int] = field(default_factory=dict)
    by_name: dict[tuple[int, str, str], list[Place]] = field(default_factory=lambda: defaultdict(list))
    coming: dict[str, tuple[str, str, Row]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    styles: set[Any] = field(default_factory=set)
    tops: dict[str, Place] = field(default_factory=dict)


def shared_faults(row: Row, book: AreaBook, place: Place | None) -> None:
    """Say what is wrong with a place's code and telephone; fill an empty place in the order.

    The code of what stands right below the person's reach is its parent's keeper's to change.
    """
    own = place.id if place else None
    if row.text.get("sort_order") == "":
        row.text["sort_order"], row.values["sort_order"] = "0", 0
    code, phone = row.text.get("code", ""), row.text.get("phone", "")
    if code and book.by_code.get(code, own) != own:
        row.faults.say("code", f"代码“{code}”已经有别的在用，请核对代码。")
    elif code and book.codes.setdefault(code, row.line) != row.line:
        row.faults.say("code", f"代码“{code}”和第 {book.codes[code]} 行的一样，请核对。")
    above = book.places.all.get(place.parent or 0) if place else None
    if place is not None and above is not None and not above.inside and row.text.get("code", place.code) != place.code:
        row.faults.say("code", RECODED)
    if phone:
        try:
            values.phone(phone, short=True)
        except ValueError:
            row.faults.say("phone", f"电话“{phone}”不对，请看看。手机号是 11 位，座机要带区号。")


def say_broken(row: Row, coming: tuple[str, str, Row] | None) -> None:
    """Say that what a row hangs on is a row of this file that is wrong itself."""
    if coming and coming[2].faults.found:
        row.faults.say("parent", f"上级“{row.text['parent']}”在第 {coming[2].line} 行，那一行有错，要先改好。")


class AreaRegistry(Registry):
    """What both sheets of places share: the tree's own bulk writer, and undo."""

    keeps = looks = "manage_places"
    page = "grids:tree"
    label = "grids.area"

    def _book(self, user: Any, rows: list[Cells] | None) -> AreaBook:
        book = AreaBook(places=Places(user, self.looks if rows is None else self.keeps))
        typed = {cells.get("code", "") for cells in rows or ()} - {""}
        book.by_code = dict(Area.objects.valid().filter(code__in=typed).values_list("code", "pk"))
        for place in book.places.inside:
            book.by_name[(place.parent or 0, place.kind, one_form(place.name))].append(place)
        return book

    def _own(self, row: Row, book: AreaBook, found: list[Place], kind: str) -> Place | None:
        """Return the standing place that a row means: by its code, else by its name under its parent."""
        by_code = book.places.all.get(book.by_code.get(row.text.get("code", ""), 0))
        if by_code is not None and by_code.inside and by_code.kind == kind:
            return by_code
        return found[0] if found else None

    def kept_by(self, user: Any, verb: str) -> Q:
        """Take a new place out again with the right at its parent, where it was added."""
        return within_reach(user, self.keeps, "parent__scope_path" if verb == NEW else "scope_path")

    def enter(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Add the places, numbering the tree once."""
        above = {pk: Area(pk=pk) for pk in {row.data["parent"] for row in planned}}
        batch = [
            NewArea(
                key=row.key, parent=above[row.data["parent"]] if row.data["parent"] else row.data["above"],
                kind=row.data["kind"], name=row.data["name"], code=row.data.get("code") or "",
                phone=row.data.get("phone") or "", households=row.data.get("households"),
                sort_order=row.data.get("sort_order") or 0,
            )
            for row in planned
        ]  # fmt: skip
        made = load_areas(batch, actor=user)
        bulk.loaded(AREAS, list(made.values()), actor=user)
        return {row.line: (str(made[row.key].pk), {"name": row.data["name"]}) for row in planned}

    def lock(self, ids: list[str]) -> None:
        """Hold the tree until the transaction ends."""
        bulk.hold(AREAS, [])

    def change(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Change columns of places and keep what they were."""
        standing = bulk.hold(AREAS, [row.data["id"] for row in planned])
        changes, done = [], {}
        for row in planned:
            new = {name: _stored(name, row.data.get(name)) for name in FIELDS if name in row.data["changed"]}
            old = {name: getattr(standing[int(row.data["id"])], name) for name in new}
            changes.append((int(row.data["id"]), new, words(self, old), words(self, new)))
            done[row.line] = (row.data["id"], {"before": old, "after": new})
        bulk.change_areas(changes, actor=user)
        return done

    def take_back(self, verb: str, written: list[tuple[str, Values]], user: Any) -> list[tuple[str, str]]:
        """Give changed places their values back; take out new ones that nothing points at."""
        standing = bulk.hold(AREAS, [pk for pk, _ in written])
        if verb == NEW:
            renamed = {pk for pk, kept in written if (row := standing.get(int(pk))) and row.name != kept["name"]}
            ids = [int(pk) for pk, _ in written if int(pk) in standing and pk not in renamed]
            staying = {str(pk) for pk in bulk.take_out(AREAS, ids, actor=user)}
            return [(pk, "已经在用，或者下面还有别的，留着了。") for pk in staying] + [(pk, CHANGED) for pk in renamed]
        refused, changes = [], []
        for pk, kept in written:
            row = standing.get(int(pk))
            if row is None or any(getattr(row, name) != value for name, value in kept["after"].items()):
                refused.append((pk, CHANGED))
                continue
            changes.append((int(pk), kept["before"], words(self, kept["after"]), words(self, kept["before"])))
        bulk.change_areas(changes, actor=user)
        return refused


CHANGED = "导入以后又有人改过，留着了。"
RECODED = "代码要由上一级的负责人来改，请把这一格改回原来的。"


def _stored(name: str, value: Any) -> Any:
    """Return an emptied cell as the column keeps nothing."""
    return value if value is not None else {"households": None, "sort_order": 0}.get(name, "")


def words(registry: Registry, columns: Values) -> str:
    """Return changed columns in words for the trail."""
    titles = {column.key: column.title for column in registry.columns}
    return "；".join(f"{titles.get(name, name)}={'' if value is None else value}" for name, value in columns.items())


SHARED = (
    Column("code", "代码", most=32, hint="本区自己的编号，没有就留空", width=20, aliases=("编码",)),
    Column("households", "户数", "number", example="48", width=8, aliases=("住户数", "总户数")),
    Column("sort_order", "排序", "number", hint="数字小的排在前面", width=8),
)


class Areas(AreaRegistry):
    """Every level of places, each under its parent."""

    code, title = "areas", "区域"
    columns: tuple[Column, ...] = (
        Column(
            "parent", "上级", "reference", required=True, most=200, example="东街街道/槐荫社区", width=30,
            hint="从街道（镇）写起，用“/”隔开；也可以写上级的代码", aliases=("上级区域", "所属区域"),
        ),
        Column("kind", "级别", "choice", True, tuple(AREA_LABELS[k] for k in AREA_LABELS if k != "district"), width=8),
        Column("name", "名称", required=True, most=60, example="槐荫小区", width=24, aliases=("区域名称",)),
        Column("phone", "公开电话", most=20, example="0539-0000001", width=16),
        *SHARED,
    )  # fmt: skip

    def book(self, user: Any, rows: list[Cells] | None) -> AreaBook:
        """Read the places of the person's reach and the codes in use."""
        book = self._book(user, rows)
        book.labels["kind"] = {label: kind for kind, label in AREA_LABELS.items() if kind != "district"}
        for place in book.places.inside:
            above = book.places.all.get(place.parent or 0)
            if above is not None and (not above.inside or above.kind == AreaKind.DISTRICT):
                book.tops[one_form(book.places.words(above.id))] = above
            if place.kind != AreaKind.DISTRICT and above is not None:
                book.add(f"id:{place.id}", Known(str(place.id), self._cells(book.places, place)))
        return book

    def _cells(self, places: Places, place: Place) -> Cells:
        return {
            "parent": places.words(place.parent), "kind": AREA_LABELS[place.kind], "name": place.name,
            "phone": place.phone, "code": place.code,
            "households": "" if place.households is None else str(place.households),
            "sort_order": str(place.sort_order),
        }  # fmt: skip

    def meaning(self, row: Row, book: AreaBook) -> tuple[str, Values]:
        """Find parent and place; refuse a level that may not stand there and a move."""
        kind, name, text = row.values.get("kind"), row.text["name"], row.text["parent"]
        coming = book.coming.get(one_form(text))
        parent = self._parent(row, book, text) if text and coming is None else None
        say_broken(row, coming)
        parent_kind = parent.kind if parent else coming[1] if coming else None
        if kind and parent_kind:
            self._level(row, kind, parent_kind)
        found = book.by_name.get((parent.id, kind, name), []) if parent and kind else []
        seen = [place for place in found if not book.seen.get(f"id:{place.id}")]
        own = self._own(row, book, seen or found, kind or "")
        shared_faults(row, book, own)
        if own is not None and parent is not None and own.parent != parent.id:
            row.faults.say(
                "parent", f"“{own.name}”现在在“{book.places.words(own.parent)}”下面，要移过来请到区域树上移。"
            )
        above = coming[0] if coming else ""
        key = f"id:{own.id}" if own else f"new:{parent.id if parent else above}|{kind}|{name}"
        if own is None and kind:
            path = f"{book.places.words(parent.id)}/{name}" if parent and parent.kind != "district" else name
            book.coming.setdefault(one_form(path if not coming else f"{text}/{name}"), (key, kind, row))
        data = {**row.values, "name": name, "code": row.text.get("code", ""), "phone": row.text.get("phone", "")}
        self._only_given(row, data)
        return key, {**data, "parent": parent.id if parent else None, "above": above, "kind": kind}

    def _parent(self, row: Row, book: AreaBook, text: str) -> Place | None:
        # What the person keeps may stand right below what they do not; nothing new is put there.
        top = book.tops.get(text)
        if top is not None and (
            top.inside or book.by_name.get((top.id, row.values.get("kind") or "", row.text["name"]))
        ):
            return top
        found: Place | None = book.places.find(text, "parent", "上级", row.faults, book.guesses)
        return found

    def _level(self, row: Row, kind: str, parent_kind: str) -> None:
        try:
            check_area_level(kind, parent_kind)
        except Invalid as error:
            row.faults.say("kind", error.message)

    def _only_given(self, row: Row, data: Values) -> None:
        for name in ("code", "phone"):
            if name not in row.text:
                del data[name]


class Buildings(AreaRegistry):
    """The buildings of an estate by their numbers: what a community keeps most often."""

    code, title = "buildings", "楼栋"
    columns: tuple[Column, ...] = (
        Column(
            "community", "社区（村）", "reference", example="槐荫社区", hint="小区没有重名的可以不填", width=16,
            aliases=("社区名称", "所属社区", "所在社区"),
        ),
        Column(
            "estate", "小区", "reference", example="槐荫小区", hint="没有小区的填网格", width=20,
            aliases=("小区名称", "所属小区", "所在小区"),
        ),
        Column(
            "grid", "网格", "reference", example="第一网格", hint="还没有划网格的留空", width=20,
            aliases=("网格名称", "所属网格", "所在网格"),
        ),
        Column(
            "name", "楼号", required=True, most=60, example="3号楼", width=20,
            aliases=("楼栋号", "楼栋", "楼栋名称", "楼幢", "楼幢号", "幢号", "栋号"),
        ),
        *SHARED,
    )  # fmt: skip

    def book(self, user: Any, rows: list[Cells] | None) -> AreaBook:
        """Read the places of the person's reach, with the buildings of each estate by their usual number."""
        book = self._book(user, rows)
        for place in book.places.inside:
            if place.kind == AreaKind.BUILDING:
                book.add(f"id:{place.id}", Known(str(place.id), self._cells(book.places, place)))
                home = self._home(book.places, place)
                name = self._short(home, place.name)
                book.by_name[(home.id if home else 0, "", name)].append(place)
                if name == building_name(name) and name.endswith("号楼"):
                    book.styles.add(home.id if home else 0)
        for cells in rows or ():
            if cells.get("name", "").endswith("号楼"):
                book.styles.add((cells.get("community", ""), cells.get("estate", "")))
        return book

    @staticmethod
    def _home(places: Places, place: Place) -> Place | None:
        """Return what a building's number is unique in: its estate, or its grid where there is no estate."""
        parent = places.all.get(place.parent or 0)
        return places.above(parent, {AreaKind.ESTATE}) or places.above(parent, GRIDS)

    @staticmethod
    def _short(home: Place | None, name: str) -> str:
        name = one_form(name)
        return name[len(home.name) :] if home and name.startswith(home.name) and name != home.name else name

    def _cells(self, places: Places, place: Place) -> Cells:
        parent = places.all.get(place.parent or 0)
        estate, community = places.above(parent, {AreaKind.ESTATE}), places.above(parent, COMMUNITIES)
        return {
            "community": community.name if community else "", "estate": estate.name if estate else "",
            "grid": parent.name if parent and parent.kind in GRIDS else "", "name": place.name, "code": place.code,
            "households": "" if place.households is None else str(place.households),
            "sort_order": str(place.sort_order),
        }  # fmt: skip

    def meaning(self, row: Row, book: AreaBook) -> tuple[str, Values]:
        """Find estate, grid and building; refuse a number in an unusual form where the usual one is meant."""
        community = self._at(row, book, "community", COMMUNITIES, None)
        estate = self._at(row, book, "estate", {AreaKind.ESTATE}, community)
        grid = self._at(row, book, "grid", GRIDS, estate or community)
        if not row.text.get("estate") and not row.text.get("grid"):
            row.faults.say("estate", "小区和网格至少要填一个。")
        parent, home = grid or estate, estate or (book.places.above(grid, {AreaKind.ESTATE}) or grid)
        own = self._building(row, book, parent, home)
        shared_faults(row, book, own)
        data = {**row.values, "name": row.text["name"], "kind": AreaKind.BUILDING.value, "above": ""}
        if own is not None:
            # The estate's name before the number may be left out; that alone is no change.
            if self._short(home, own.name) == self._short(home, row.text["name"]):
                row.text["name"] = data["name"] = own.name
            self._fill(row, book, own, parent)
        return (f"id:{own.id}" if own else f"new:{home.id if home else ''}|{self._short(home, row.text['name'])}"), {
            **data, "parent": parent.id if parent else None,
        }  # fmt: skip

    def _at(self, row: Row, book: AreaBook, column: str, kinds: Any, inside: Place | None) -> Place | None:
        """Return the place that one of the three columns names, below the one to its left."""
        text = row.text.get(column, "")
        title = next(c.title for c in self.columns if c.key == column)
        if not text:
            return None
        if inside is None:
            return book.places.find(text, column, title, row.faults, book.guesses, kinds)
        found = self._below(book, inside, kinds)
        if text in found:
            return found[text]
        row.faults.say(
            column, f"“{inside.name}”里{title}“{text}”找不到", book.guesses.of(text, found, f"{column} {inside.id}")
        )
        return None

    def _below(self, book: AreaBook, inside: Place, kinds: Any) -> dict[str, Place]:
        key = f"{inside.id} {sorted(kinds)}"
        if key not in book.labels:
            below = (p for p in book.places.inside if p.kind in kinds and p.path.startswith(inside.path))
            book.labels[key] = {one_form(place.name): place for place in below}
        return book.labels[key]

    def _building(self, row: Row, book: AreaBook, parent: Place | None, home: Place | None) -> Place | None:
        if home is None or not row.text["name"]:
            return None
        name, usual = self._short(home, row.text["name"]), building_name(row.text["name"], one_form(home.name))
        found = book.by_name.get((home.id, "", name), [])
        free = [place for place in found if not book.seen.get(f"id:{place.id}")] or found
        own = self._own(row, book, free, AreaKind.BUILDING)
        if own is None and usual != name:
            standing = book.by_name.get((home.id, "", usual), [])
            style = home.id in book.styles or (row.text.get("community", ""), row.text.get("estate", "")) in book.styles
            if standing or style or "#" in name or name.isdigit():
                row.faults.say("name", f"楼号“{row.text['name']}”找不到", standing[0].name if standing else usual)
        if own is not None and parent is not None and own.parent != parent.id and row.text.get("grid"):
            there = book.places.all.get(own.parent or 0)
            where = f"“{there.name}”" if there else "别处"
            row.faults.say("grid", f"“{own.name}”现在在{where}下面，要移过来请到区域树上移。")
        return own

    def _fill(self, row: Row, book: AreaBook, own: Place, parent: Place | None) -> None:
        """Show columns that were left out because the rest says enough as they stand."""
        for name, text in self._cells(book.places, own).items():
            if name in ("community", "estate", "grid") and not row.text.get(name):
                row.text[name] = text
