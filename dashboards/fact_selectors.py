"""Reads of what is known about places, for every place of a form at once, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from django.db.models import (
    CharField,
    Count,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat, Now, NullIf
from django.http import HttpRequest
from django.utils import timezone

from common import access, typed
from common.errors import NotFound
from common.search import holds_all, words_of
from dashboards.facts import COUNTS, NAMES, NOW, Item, Reading, read_items
from dashboards.figures import CALENDAR, Period, calendar_period, of_kind
from dashboards.models import FactForm
from dashboards.selectors import COMMUNITIES, MODELS
from grids.models import Area, AreaKind, PartyOrganization, Post
from grids.permissions import can, reach, within_reach
from partners.models import Pairing, Partner, PropertyService, in_force
from partners.workflow import Standing
from volunteering.models import VolunteerTeam

LOOKS = ("view_request", "view_dashboard")
FOUND, SHOWN = 20, 100
STREETS = (AreaKind.STREET, AreaKind.TOWN)
EACH: dict[str, tuple[str, ...]] = {
    FactForm.Each.STREET: STREETS,
    FactForm.Each.COMMUNITY: COMMUNITIES,
    FactForm.Each.ESTATE: (AreaKind.ESTATE,),
    FactForm.Each.GRID: (AreaKind.GRID,),
    FactForm.Each.BUILDING: (AreaKind.BUILDING,),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is about: the place, the period, the form (None where there is none), and all forms."""

    place: Any
    period: Period
    form: FactForm | None
    forms: list[FactForm]

    @property
    def items(self) -> list[Item]:
        """Return the lines of the form."""
        return read_items(self.form.items) if self.form else []

    def when(self, item: Item) -> str:
        """Return the moment, or the period, that a fact speaks of."""
        if item.fact is None:
            return ""
        return self.span if item.fact.by_period else f"截至 {timezone.localtime(self.place.as_of):%Y-%m-%d %H:%M}"

    @property
    def span(self) -> str:
        """Return the period with its days."""
        first, last = timezone.localtime(self.period.start), timezone.localtime(self.period.as_of)
        return f"{self.period.words}（{first:%Y-%m-%d} 至 {last:%Y-%m-%d}）"

    @property
    def one_place(self) -> bool:
        """Tell whether the form is about the place itself, not about those below it."""
        return self.form is None or self.form.each == FactForm.Each.ITEM


def _seen(user: Any) -> Q:
    found = Q(pk__in=[])
    for right in LOOKS:
        found |= within_reach(user, right)
    return found


def asked(request: HttpRequest) -> Asked:
    """Read place, form and period out of an address; a place outside the person's reach is not there.

    A form or a period that does not exist is taken for none.
    """
    place = _place(request.user, request.GET.get("area"))
    if place is None:
        raise NotFound
    forms = list(FactForm.objects.filter(active=True))
    code, span = request.GET.get("form", ""), request.GET.get("span", "")
    form = next((row for row in forms if row.code == code), forms[0] if forms else None)
    return Asked(place, calendar_period(place.as_of, span if span in CALENDAR else "month"), form, forms)


def _lying() -> QuerySet[Any]:
    """Return the places in use, each with the name of the community that it lies in, or of the place right above it."""
    above = Area.objects.filter(tree_id=OuterRef("tree_id"), lft__lt=OuterRef("lft"), rght__gt=OuterRef("rght"))
    above = above.filter(Q(kind__in=COMMUNITIES) | Q(pk=OuterRef("parent_id"))).order_by("lft")
    return Area.objects.valid().annotate(where=Subquery(above.values("name")[:1]))


def _place(user: Any, key: str | None) -> Any:
    """Return the place with this key, the top of the person's reach without one; it carries the moment of reading."""
    visible = _lying().filter(_seen(user)).annotate(as_of=Now())
    if key:
        pk = typed.whole(key)
        return visible.filter(pk=pk).first() if pk is not None else None
    tops = [path for right in LOOKS for path in reach(user, right)[:1]]
    return visible.filter(scope_path=tops[0]).first() if tops else None


def search(user: Any, text: str) -> list[Area]:
    """Return the places within reach that hold every word of `text`."""
    if not words_of(text):
        return []
    rows = Area.objects.valid().filter(_seen(user)).filter(holds_all(Area, text))
    return list(rows.select_related("parent").order_by("level", "lft")[:FOUND])


# Facts --------------------------------------------------------------------------------------------------------------


def may(user: Any, item: Item, place: Area) -> bool:
    """Tell whether the person may see a fact at this place."""
    rights = item.fact.right if item.fact else ()
    return not rights or any(access.holds(user, right) and can(user, right, place) for right in rights)


def places_of(about: Asked, most: int | None = None) -> list[Any]:
    """Return the places that the form has a line for, in the tree's order, and one more than `most`."""
    if about.form is None or about.one_place:
        return [about.place]
    rows = _lying().filter(scope_path__startswith=about.place.scope_path, kind__in=EACH[about.form.each])
    rows = rows.order_by("lft")
    return list(rows if most is None else rows[: most + 1])


def readings(about: Asked, places: list[Any], items: Iterable[Item]) -> list[Reading]:
    """Read what `items` need for all `places`, one statement for each part."""
    facts = [item.fact for item in items if item.fact]
    wanted = {part: {fact.code for fact in facts if fact.part == part} for part in {fact.part for fact in facts}}
    read = {place.pk: Reading(place) for place in places}
    depths = sorted({_depth(place) for place in places})
    for part, codes in wanted.items() if places else ():
        if part == COUNTS:
            for reading, key, n in _by_place(_counts(about.place), depths, read):
                reading.counts[key] = n or 0
        elif part == NAMES:
            for reading, key, name in sorted(_by_place(_named(about.place, codes), depths, read), key=itemgetter(2)):
                reading.names.setdefault(key, []).append(name)
        elif part in MODELS:
            _figures(read, part, codes, about, depths)
    return list(read.values())


def _depth(place: Area) -> int:
    """Return which part of the path of a row below it names `place`."""
    return len(place.scope_path.strip("/").split("/")) + 1


def _subject(path: str, depth: int) -> Cast:
    part = Func(F(path), Value("/"), Value(depth), function="split_part", output_field=CharField())
    return Cast(NullIf(part, Value("")), IntegerField())


# Rows, the path of their place, what they count for, and how much: counted for each place on the way to them.
Source = Callable[[int], QuerySet[Any]]


def _by_place(sources: list[Source], depths: list[int], read: dict[int, Reading]) -> list[tuple[Reading, str, Any]]:
    """Ask all sources in one statement, and return what lies at one of the places or below it."""
    first, *rest = [source(depth) for source in sources for depth in depths]
    return [(read[place], key, value) for place, key, value in first.union(*rest, all=True) if place in read]


def _tally(rows: QuerySet[Any], key: Any, n: Any = None, path: str = "scope_path") -> Source:
    """Return rows as (place, key, how many)."""
    code = Value(key, output_field=TextField()) if isinstance(key, str) else Cast(key, TextField())
    return lambda depth: (
        rows.order_by()
        .annotate(of_place=_subject(path, depth), as_key=code)
        .values_list("of_place", "as_key")
        .annotate(of_all=n or Count("pk"))
    )


def _counts(root: Area) -> list[Source]:
    """Return everything that is counted below a place."""
    path = root.scope_path
    areas = Area.objects.within(path)
    valid = areas.valid()
    held = Post.objects.current()
    led = held.filter(role="building_leader").values("area_id")
    staffed = held.filter(role="grid_worker").values("area_id")
    kinds = {
        "streets": STREETS, "communities": COMMUNITIES, "estates": (AreaKind.ESTATE,), "grids": (AreaKind.GRID,),
        "buildings": (AreaKind.BUILDING,),
    }  # fmt: skip
    pairs = Pairing.objects.filter(in_force(), community__scope_path__startswith=path)
    return [
        *(_tally(valid.filter(kind__in=of), key) for key, of in kinds.items()),
        _tally(areas.filter(kind__in=COMMUNITIES), "homes", Sum("households")),
        _tally(valid.filter(kind=AreaKind.BUILDING), "units", Sum("units")),
        _tally(valid.filter(kind=AreaKind.BUILDING, pk__in=led), "led"),
        _tally(valid.filter(kind=AreaKind.GRID, pk__in=staffed), "staffed"),
        _tally(PartyOrganization.objects.valid().within(path), F("level")),
        _tally(
            Partner.objects.filter(status=Standing.ACTIVE).within(path), Concat(Value("partner_"), F("category"))
        ),
        _tally(pairs, "pairings", Count("department", distinct=True), "community__scope_path"),
        _tally(VolunteerTeam.objects.filter(active=True).within(path), "teams"),
    ]


def _list(rows: QuerySet[Any], key: str, name: Any, path: str = "scope_path") -> Source:
    """Return the names of rows as (place, key, name), each once."""
    code = Value(key, output_field=TextField())
    return lambda depth: (
        rows.order_by()
        .annotate(of_place=_subject(path, depth), as_key=code, as_name=Cast(name, TextField()))
        .values_list("of_place", "as_key", "as_name")
        .distinct()
    )


def _named(root: Area, codes: set[str]) -> list[Source]:
    """Return those lists of names below a place that are wanted; nothing else is read."""
    path = root.scope_path
    holder = Coalesce(NullIf("user__display_name", Value("")), "user__username")
    held = Post.objects.current().within(path)
    pairs = Pairing.objects.filter(in_force(), community__scope_path__startswith=path)
    firms = PropertyService.objects.filter(in_force(), area__scope_path__startswith=path)
    lists = {
        "leaders": _list(held.filter(role="building_leader"), "leaders", holder),
        "workers": _list(held.filter(role="grid_worker"), "workers", holder),
        "paired": _list(pairs, "paired", F("department__name"), "community__scope_path"),
        "firms": _list(firms, "firms", F("partner__name"), "area__scope_path"),
    }
    return [source for code, source in lists.items() if code in codes]


def _figures(read: dict[int, Reading], kind: str, codes: set[str], about: Asked, depths: list[int]) -> None:
    """Count the figures of one kind of row as the district's page does, and put them to their places."""
    moment = Period(about.place.as_of, about.period.days)
    wanted = [figure for figure in of_kind(kind) if figure.code in codes]
    counts: dict[str, Any] = {}
    for figure in wanted:
        period = moment if figure.code in NOW else about.period
        counts[figure.code] = Count("pk", filter=figure.rows(period))
        if figure.among:
            counts[f"{figure.code}_among"] = Count("pk", filter=figure.among(period))
    rows = MODELS[kind]._default_manager.filter(scope_path__startswith=about.place.scope_path).order_by()

    def grouped(depth: int) -> QuerySet[Any]:
        return rows.annotate(of_place=_subject("scope_path", depth)).values("of_place").annotate(**counts)

    first, *rest = map(grouped, depths)
    for row in first.union(*rest, all=True):
        if row["of_place"] in read:
            found = {one.code: (row[one.code], row.get(f"{one.code}_among", 0)) for one in wanted}
            read[row["of_place"]].figures |= found


# The form filled in -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One fact about one place: its value, "" where there is none, and what is to be said about it."""

    item: Item
    place: Any
    value: int | str
    note: str
    withheld: bool = False

    @property
    def text(self) -> str:
        """Return the value as text."""
        return str(self.value)

    @property
    def missing(self) -> bool:
        """Tell whether the value was never registered."""
        return not (self.text or self.note or self.withheld)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form with its values: a line of cells for each place, and whether there are more places than were read."""

    about: Asked
    lines: list[list[Cell]] = field(default_factory=list)
    more: bool = False


def fill(about: Asked, user: Any, most: int | None = None) -> Filled:
    """Fill the form in for at most `most` places; what the person may not see is not read."""
    places = places_of(about, most)
    shown = places if most is None else places[:most]
    open_to = {item: may(user, item, about.place) for item in about.items}
    read = readings(about, shown, [item for item, seen in open_to.items() if seen])
    lines = [[_cell(item, seen, reading) for item, seen in open_to.items()] for reading in read]
    return Filled(about, lines, len(places) > len(shown))


def _cell(item: Item, seen: bool, reading: Reading) -> Cell:
    if item.fact is None:
        return Cell(item, reading.area, "", "没有这个数据项了，请改这张表")
    if not seen:
        names = "或者".join(f"“{access.right_labels().get(right, right)}”" for right in item.fact.right)
        return Cell(item, reading.area, "", f"看不到：要在这里有{names}的权限", withheld=True)
    value = item.fact.read(reading)
    return Cell(item, reading.area, "" if value is None else value, item.fact.note(reading))
