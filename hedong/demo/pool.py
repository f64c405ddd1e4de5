"""Invent the resource pool (资源库): what departments lend and send, and eight weeks of time windows."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from hedong.demo import names
from hedong.demo.copying import copy_in, copy_rows
from hedong.demo.scale import Scale
from hedong.demo.tables import generator, rows
from hedong.demo.world import Board, Place, World
from partners.models import Partner, Resource, ResourceBlackout, ResourceServedArea, ResourceSlot, ResourceType

Window = tuple[datetime, datetime]
NUMERALS = ("", *"一二三四五六七八九")
MORNING, AFTERNOON = (time(9), time(11, 30)), (time(14), time(16, 30))
EVENING, ALL_DAY = (time(18, 30), time(20, 30)), (time(8, 30), time(17, 30))


def load_pool(board: Board, scale: Scale) -> int:
    """Write the resources, where they serve, their slots and the days on which they are not to be had."""
    rng = generator("pool")
    partners = {one.code: one for one in board.partners.values() if one.category == "department"}
    types = dict(ResourceType.objects.values_list("code", "pk"))
    made: list[tuple[Resource, list[Place], str, int]] = []
    for row in rows("pool"):
        for serial, owner in enumerate(_owners(row["owners"], partners, scale)):
            made.append(_resource(rng, board.world, row, owner, types[row["type"]], len(made), serial))
    copy_in(Resource, [one[0] for one in made])
    copy_rows(ResourceServedArea, ("resource_id", "area_id"), ((r.id, a.id) for r, areas, _, _ in made for a in areas))
    days = scale.weeks * 7
    copy_rows(
        ResourceSlot,
        ("resource_id", "starts_at", "ends_at", "capacity", "used"),
        (
            (resource.id, since, until, capacity, 0)
            for resource, _, rhythm, capacity in made
            for since, until in windows(rng, board, rhythm, days)
        ),
    )
    _blackouts(rng, board, [one[0] for one in made])
    return len(made)


def _owners(text: str, partners: dict[str, Partner], scale: Scale) -> Iterator[Partner]:
    for word in text.split():
        code, amount = word.split(":")
        if code in partners:
            yield from [partners[code]] * min(int(amount), scale.alike)


def _resource(
    rng: random.Random, world: World, row: dict[str, str], owner: Partner, kind: int, number: int, serial: int
) -> tuple[Resource, list[Place], str, int]:
    """Make one resource; a site stands in a community and serves its street, a group serves a street of its own."""
    communities, streets = world.of("community"), [*world.of("street"), *world.of("town")]
    community = communities[(serial * 5) % len(communities)]
    home = community if row["spread"] == "site" else streets[serial % len(streets)]
    served: list[Place] = []
    if row["spread"] == "site":
        served = [world.places[community.street or community.id]]
    elif row["spread"] == "street":
        # Groups share the streets between them, so that every street has several to ask.
        served = [streets[(serial + step) % len(streets)] for step in range(min(4, len(streets)))]
    label = row["label"].format(地=community.name, 号=_numeral(serial + 1))
    resource = Resource(
        id=names.row_id(rng), area_id=home.id, scope_path=home.path, partner_id=owner.id, type_id=kind,
        name=_named(label, owner, row["type"]), unit_kind=row["unit_kind"], unit_label=row["unit_label"],
        whole_district=not served, notice_days=int(row["notice"]), min_quantity=1, max_quantity=int(row["most"]),
        conditions=row["conditions"], contact_name=names.person(rng), contact_phone=names.phone(3000 + number),
    )  # fmt: skip
    return resource, served, row["rhythm"], int(row["capacity"])


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    return (NUMERALS[tens] if tens > 1 else "") + ("十" if tens else "") + NUMERALS[ones]


def _named(label: str, owner: Partner, kind: str) -> str:
    """Put the owner's name before what many departments have alike."""
    return f"{owner.name}{label}" if kind in ("1101", "0403", "1001") else label


def windows(rng: random.Random, board: Board, rhythm: str, days: int) -> Iterator[Window]:
    """Yield the time windows of a rhythm from today on; what has begun already is left out, a running week is not."""
    name, _, number = rhythm.partition(":")
    first, zone = board.now.date(), board.now.tzinfo
    for week in range(-(-days // 7)):
        monday = first - timedelta(days=first.weekday()) + timedelta(weeks=week)
        if name == "weeks":
            yield datetime.combine(monday, time(9), zone), datetime.combine(monday + timedelta(days=6), time(17), zone)
            continue
        for day, (since, until) in sorted(_RHYTHMS[name](rng, board, monday, int(number or 0))):
            begin = datetime.combine(day, since, zone)
            if board.now < begin and day < first + timedelta(days=days):
                yield begin, datetime.combine(day, until, zone)


DayWindow = tuple[date, tuple[time, time]]


def _week(board: Board, monday: date, working: bool) -> list[date]:
    days = [monday + timedelta(days=number) for number in range(7)]
    return [day for day in days if not working or board.hours.calendar.is_working_day(day)]


def _open_days(rng: random.Random, board: Board, monday: date, number: int) -> list[DayWindow]:
    return [(day, span) for day in _week(board, monday, False) if day.weekday() for span in (MORNING, AFTERNOON)]


def _workdays(rng: random.Random, board: Board, monday: date, number: int) -> list[DayWindow]:
    return [(day, ALL_DAY) for day in _week(board, monday, True)]


def _halfdays(rng: random.Random, board: Board, monday: date, number: int) -> list[DayWindow]:
    days = _week(board, monday, True)
    chosen = rng.sample(days, min(number, len(days)))
    return [(day, rng.choice((MORNING, AFTERNOON))) for day in chosen]


def _evenings(rng: random.Random, board: Board, monday: date, number: int) -> list[DayWindow]:
    return [(day, EVENING) for day in rng.sample(_week(board, monday, False), number)]


def _spare_time(rng: random.Random, board: Board, monday: date, number: int) -> list[DayWindow]:
    found: list[DayWindow] = []
    for day in _week(board, monday, False):
        if board.hours.calendar.is_working_day(day):
            found.append((day, EVENING))
        else:
            found += [(day, MORNING), (day, AFTERNOON)]
    return found


_RHYTHMS = {
    "open_days": _open_days,
    "workdays": _workdays,
    "halfdays": _halfdays,
    "weekly": _halfdays,
    "evenings": _evenings,
    "spare_time": _spare_time,
}


def _blackouts(rng: random.Random, board: Board, made: list[Resource]) -> None:
    reasons = ("年度检修", "集中培训", "专项行动", "盘点")
    chosen = rng.sample(made, max(1, len(made) // 14))
    spans = []
    for resource in chosen:
        first = board.now.date() + timedelta(days=rng.randint(6, 40))
        spans.append((resource.id, first, first + timedelta(days=rng.randint(0, 3)), rng.choice(reasons)))
    copy_rows(ResourceBlackout, ("resource_id", "first_day", "last_day", "reason"), spans)
