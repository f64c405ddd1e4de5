"""Party organisations as a table, with the areas that they cover."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q

from common.errors import Invalid
from common.tables.cells import day_text, one_form
from common.tables.registry import NEW, Book, Known, Registry, Row
from common.tables.sheet import Cells, Column, Planned, Values
from grids.models import PartyOrganization
from grids.permissions import within_reach
from grids.tables.areas import CHANGED, RECODED, say_broken, words
from grids.tables.places import Place, Places
from grids.trees import bulk
from grids.trees.levels import PARTY_LABELS, check_party_level
from grids.trees.load import NewParty, load_party_organizations
from grids.trees.numbers import PARTY

KINDS = {str(label): value for value, label in PartyOrganization.Kind.choices}
LEVELS = {label: level for level, label in PARTY_LABELS.items()}
FIELDS = ("name", "code", "kind", "established_on")


@dataclass(frozen=True, slots=True)
class Organization:
    """A valid organisation as it stands."""

    id: int
    parent: int | None
    level: str
    kind: str
    name: str
    code: str
    area: int
    established_on: date | None
    inside: bool


@dataclass(slots=True)
class PartyBook(Book):
    """Organisations by path, name and code; places; what is on its way in this file."""

    places: Any = None
    all: dict[int, Organization] = field(default_factory=dict)
    # Those within the person's reach and above: only they are found, by word or number.
    near: set[int] = field(default_factory=set)
    by_word: dict[str, list[Organization]] = field(default_factory=lambda: defaultdict(list))
    covers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_code: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    coming: dict[str, tuple[str, str, Row]] = field(default_factory=dict)

    def path(self, organization: Organization | None) -> str:
        """Return the names from the top down."""
        names: list[str] = []
        while organization is not None:
            names.append(organization.name)
            organization = self.all.get(organization.parent or 0)
        return "/".join(reversed(names))

    def keeps(self, area: int) -> bool:
        """Tell whether a place lies within the person's reach; what lies above it is only known."""
        return area in self.places.all and self.places.all[area].inside

    def words(self, pk: int | None) -> str:
        """Return an organisation as an export writes it: by its name where only one has it."""
        organization = self.all.get(pk or 0)
        if organization is None:
            return ""
        if len(self.by_word[one_form(organization.name)]) == 1:
            return organization.name
        path = self.path(organization)
        return path if len(self.by_word[one_form(path)]) == 1 else f"{path}（编号{organization.id}）"


class Party(Registry):
    """The party's tree; an organisation is found by its code, else by its name under its parent."""

    code, title = "party", "党组织"
    keeps = looks = "manage_places"
    label, page = "grids.partyorganization", "grids:party_tree"
    columns: tuple[Column, ...] = (
        Column(
            "parent", "上级组织", "reference", example="槐荫社区党总支", hint="最上一级留空", width=26,
            aliases=("上级党组织",),
        ),
        Column("level", "层级", "choice", True, tuple(LEVELS), width=10),
        Column(
            "name", "名称", required=True, most=80, example="槐荫小区党支部", width=26,
            aliases=("党组织名称", "组织名称"),
        ),
        Column("kind", "类型", "choice", choices=tuple(KINDS), hint="留空就是“区域”", width=14),
        Column("area", "所在区域", "reference", True, most=200, example="东街街道/槐荫社区", width=30),
        Column(
            "covers", "覆盖区域", most=4000, example="槐荫小区、柳青小区", width=36,
            hint="用“、”隔开；留空就是所在区域",
        ),
        Column("established_on", "成立日期", "date", example="2021-07-01", width=12, aliases=("成立时间",)),
        Column("code", "代码", most=32, width=16),
    )  # fmt: skip

    def book(self, user: Any, rows: list[Cells] | None) -> PartyBook:
        """Read the organisations within the person's reach, those above them, places and codes in use."""
        right = self.looks if rows is None else self.keeps
        book = PartyBook(places=Places(user, right), labels={"level": dict(LEVELS), "kind": dict(KINDS)})
        self._read(book, user, right)
        typed = {cells.get("code", "") for cells in rows or ()} - {""}
        valid = PartyOrganization.objects.filter(valid_to=None, code__in=typed)
        book.by_code = dict(valid.values_list("code", "pk"))
        links = PartyOrganization.covers.through.objects.order_by("area__tree_id", "area__lft")
        for pk, area in links.values_list("partyorganization_id", "area_id"):
            book.covers[pk].append(area)
        for one in book.all.values():
            if one.inside:
                book.add(f"id:{one.id}", Known(str(one.id), self._cells(book, one)))
        return book

    @staticmethod
    def _read(book: PartyBook, user: Any, right: str) -> None:
        columns = ("pk", "parent_id", "level", "kind", "name", "code", "area_id", "established_on")
        valid = PartyOrganization.objects.filter(valid_to=None).order_by("tree_id", "lft")
        inside = set(valid.filter(within_reach(user, right)).values_list("pk", flat=True))
        values: Any
        for values in valid.values_list(*columns):
            book.all[values[0]] = Organization(*values, values[0] in inside)  # type: ignore[call-arg]  # one by one
        # Of the others it is not even told that they are there.
        book.near = set(inside)
        for pk in inside:
            while (pk := book.all[pk].parent or 0) in book.all and pk not in book.near:
                book.near.add(pk)
        for one in (book.all[pk] for pk in book.all if pk in book.near):
            for word in {one_form(one.name), one_form(book.path(one)), one.code} - {""}:
                book.by_word[word].append(one)

    def _cells(self, book: PartyBook, one: Organization) -> Cells:
        return {
            "parent": book.words(one.parent), "level": PARTY_LABELS[one.level], "name": one.name,
            "kind": PartyOrganization.Kind(one.kind).label, "area": book.places.words(one.area),
            "covers": self._covers(book, book.covers[one.id]), "established_on": day_text(one.established_on),
            "code": one.code,
        }  # fmt: skip

    @staticmethod
    def _covers(book: PartyBook, areas: Iterable[int]) -> str:
        return "、".join(book.places.words(area) for area in sorted(areas) if book.keeps(area))

    # Planning ---------------------------------------------------------------------------------------------------

    def meaning(self, row: Row, book: PartyBook) -> tuple[str, Values]:
        """Find parent, organisation and places; refuse a wrong level, a code in use and a move."""
        level, name = row.values.get("level"), row.text["name"]
        parent, coming = self._parent(row, book)
        say_broken(row, coming)
        self._level(row, level, parent.level if parent else coming[1] if coming else None)
        area = self._place(row, book, row.text["area"], "area", "所在区域") if row.text["area"] else None
        own = self._own(row, book, parent, name)
        if own is None and parent is not None and not parent.inside:
            row.faults.say("parent", f"“{parent.name}”不归您管，它下面的党组织请找上一级的负责人添加。")
        self._code(row, book, own)
        covers = self._covered(row, book, area, own)
        if own is not None and "parent" in row.text and own.parent != (parent.id if parent else None) and not coming:
            row.faults.say("parent", f"“{own.name}”现在在“{book.words(own.parent)}”下面，要移过来请到党组织树上移。")
        if row.text.get("kind") == "":
            row.text["kind"], row.values["kind"] = PartyOrganization.Kind.AREA.label, PartyOrganization.Kind.AREA.value
        key = f"id:{own.id}" if own else f"new:{parent.id if parent else coming[0] if coming else ''}|{level}|{name}"
        if own is None and level:
            book.coming.setdefault(one_form(name), (key, level, row))
        data = {**row.values, "name": name, "level": level, "area_id": area.id if area else None, "covers": covers}
        return key, {**data, "parent": parent.id if parent else None, "above": coming[0] if coming else ""}

    def _parent(self, row: Row, book: PartyBook) -> tuple[Organization | None, tuple[str, str, Row] | None]:
        text = row.text.get("parent", "")
        if not text:
            return None, None
        by_id = re.fullmatch(r".*（编号(\d{1,18})）", text)
        found = [book.all[int(by_id[1])]] if by_id and int(by_id[1]) in book.near else book.by_word.get(text, [])
        if len(found) == 1:
            return found[0], None
        if found:
            ways = "、".join(book.path(one) for one in found[:3])
            row.faults.say("parent", f"上级组织“{text}”有 {len(found)} 个，请写全，比如：{ways}。")
            return None, None
        if text in book.coming:
            return None, book.coming[text]
        guess = book.guesses.of(text, lambda: (one.name for one in book.all.values() if one.inside), "party")
        row.faults.say("parent", f"上级组织“{text}”找不到", guess)
        return None, None

    @staticmethod
    def _level(row: Row, level: str | None, above: str | None) -> None:
        if level and not row.faults.about("parent"):
            try:
                check_party_level(level, above)
            except Invalid as error:
                row.faults.say("level", error.message)

    @staticmethod
    def _place(row: Row, book: PartyBook, text: str, column: str, title: str) -> Place | None:
        found: Place | None = book.places.find(text, column, title, row.faults, book.guesses)
        return found

    @staticmethod
    def _own(row: Row, book: PartyBook, parent: Organization | None, name: str) -> Organization | None:
        by_code = book.all.get(book.by_code.get(row.text.get("code", ""), 0))
        if by_code is not None and by_code.inside:
            return by_code
        named = [one for one in book.by_word.get(one_form(name), []) if one.inside and one_form(one.name) == name]
        named = [one for one in named if one.parent == (parent.id if parent else None)]
        free = [one for one in named if not book.seen.get(f"id:{one.id}")] or named
        return free[0] if free else None

    @staticmethod
    def _code(row: Row, book: PartyBook, own: Organization | None) -> None:
        code, pk = row.text.get("code", ""), own.id if own else None
        above = book.all.get(own.parent or 0) if own else None
        if own is not None and above is not None and not above.inside and row.text.get("code", own.code) != own.code:
            row.faults.say("code", RECODED)
        if code and book.by_code.get(code, pk) != pk:
            row.faults.say("code", f"代码“{code}”已经有别的在用，请核对代码。")
        elif code and book.codes.setdefault(code, row.line) != row.line:
            row.faults.say("code", f"代码“{code}”和第 {book.codes[code]} 行的一样，请核对。")

    def _covered(self, row: Row, book: PartyBook, area: Place | None, own: Organization | None) -> list[int] | None:
        """Return the covered areas; those outside the person's reach stay as they are."""
        if "covers" not in row.text:
            return None
        names = [name for name in re.split(r"[、,，;；\n]+", row.text["covers"]) if name.strip()]
        outside = [pk for pk in book.covers[own.id] if not book.keeps(pk)] if own else []
        found = [self._place(row, book, name.strip(), "covers", "覆盖区域") for name in names]
        ids = {place.id for place in found if place} or ({area.id} if area and not outside else set())
        row.text["covers"] = self._covers(book, ids) or row.text["covers"]
        return sorted({*ids, *outside})

    # Writing ----------------------------------------------------------------------------------------------------

    def enter(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Add the organisations, numbering the tree once."""
        batch = [
            NewParty(
                key=row.key, level=row.data["level"], name=row.data["name"], area=row.data["area_id"],
                parent=PartyOrganization(pk=row.data["parent"]) if row.data["parent"] else row.data["above"] or None,
                kind=row.data.get("kind") or PartyOrganization.Kind.AREA, code=row.data.get("code") or "",
                covers=row.data["covers"] or (), established_on=_day(row.data.get("established_on")),
            )
            for row in planned
        ]  # fmt: skip
        made = load_party_organizations(batch, actor=user)
        bulk.loaded(PARTY, list(made.values()), actor=user)
        return {row.line: (str(made[row.key].pk), {"name": row.data["name"]}) for row in planned}

    def kept_by(self, user: Any, verb: str) -> Q:
        """Take a new organisation out again with the right at its parent, too, as it was added."""
        here = within_reach(user, self.keeps)
        above = Q(parent=None) | within_reach(user, self.keeps, "parent__scope_path")
        return here & above if verb == NEW else here

    def lock(self, ids: list[str]) -> None:
        """Hold the tree until the transaction ends."""
        bulk.hold(PARTY, [])

    def change(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Change columns and covered areas, and keep what they were."""
        standing = bulk.hold(PARTY, [row.data["id"] for row in planned])
        covered = bulk.covers_of(standing)
        done = {}
        for row in planned:
            pk, changed = int(row.data["id"]), row.data["changed"]
            new = {name: _plain(row.data.get(name), name) for name in FIELDS if name in changed}
            if "area" in changed:
                new["area_id"] = row.data["area_id"]
            old = {name: _as_json(getattr(standing[pk], name)) for name in new}
            if "covers" in changed:
                old["covers"], new["covers"] = covered.get(pk, []), row.data["covers"]
            done[row.line] = (row.data["id"], {"before": old, "after": new})
        self._put([(int(pk), kept["before"], kept["after"]) for pk, kept in done.values()], user)
        return done

    def _put(self, changes: list[tuple[int, Values, Values]], user: Any) -> None:
        """Write (id, before, after)."""
        columns = [
            (pk, {n: _day(v) if n == "established_on" else v for n, v in new.items() if n != "covers"},
             words(self, old), words(self, new))
            for pk, old, new in changes
        ]  # fmt: skip
        covers = {pk: new["covers"] for pk, _, new in changes if "covers" in new}
        bulk.change_party_organizations(columns, covers, actor=user)

    def take_back(self, verb: str, written: list[tuple[str, Values]], user: Any) -> list[tuple[str, str]]:
        """Give changed organisations their values back; take out new ones that nothing points at."""
        standing = bulk.hold(PARTY, [pk for pk, _ in written])
        if verb == NEW:
            renamed = {pk for pk, kept in written if (one := standing.get(int(pk))) and one.name != kept["name"]}
            ids = [int(pk) for pk, _ in written if int(pk) in standing and pk not in renamed]
            staying = {str(pk) for pk in bulk.take_out(PARTY, ids, actor=user)}
            return [(pk, "已经在用，或者下面还有别的，留着了。") for pk in staying] + [(pk, CHANGED) for pk in renamed]
        covered, refused, changes = bulk.covers_of(standing), [], []
        for pk, kept in written:
            now = standing.get(int(pk))
            if now is None or self._stand(now, covered, kept["after"]) != kept["after"]:
                refused.append((pk, CHANGED))
            else:
                changes.append((int(pk), kept["after"], kept["before"]))
        self._put(changes, user)
        return refused

    @staticmethod
    def _stand(row: Any, covered: dict[int, list[int]], names: Values) -> Values:
        """Return these columns of an organisation as they are now."""
        return {n: covered.get(row.pk, []) if n == "covers" else _as_json(getattr(row, n)) for n in names}


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _plain(value: Any, name: str) -> Any:
    return value if value is not None or name == "established_on" else ""
