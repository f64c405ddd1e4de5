"""Give the eighteen months their shape: what is said when, and what becomes of it. Pure, no database."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

from hedong.demo.tables import rows

HISTORY_DAYS = 548
WINTER, SUMMER = (11, 12, 1, 2, 3), (7, 8)
# The heating runs from 15 November to 15 March; nobody speaks of it outside.
HEATING = ((11, 15), (3, 15))
# Heating lifts November to March; drains, mosquitoes and noise lift July and August.
_MONTH_WEIGHT = {month: 1.35 if month in WINTER else 1.3 if month in SUMMER else 0.85 for month in range(1, 13)}
_SUMMER_LIFT, _SUMMER_REST, _WINTER_LIFT = 1.6, 0.88, 1.6
_HOUR_WEIGHT = (1, 1, 0.5, 0.5, 0.5, 1, 3, 6, 8, 7, 6, 6, 5, 4, 5, 5, 6, 8, 13, 14, 12, 7, 4, 2)

# Each way in with its share and its hours: nobody answers the telephone or the door at night.
CHANNELS = (("qr", 46, 0, 24), ("web", 14, 0, 24), ("phone", 18, 7, 22), ("visit", 14, 8, 18), ("desk", 20, 8, 18))


@dataclass(frozen=True, slots=True)
class Mix:
    """A category's share of all requests, its season and how it is taken."""

    code: str
    share: float
    season: str
    severity: str


@cache
def mix() -> tuple[Mix, ...]:
    """Return the shares of the categories."""
    return tuple(Mix(row["code"], float(row["share"]), row["season"], row["severity"]) for row in rows("mix"))


@dataclass(frozen=True, slots=True)
class Said:
    """When something is said, of which category, and by which way it comes in."""

    at: datetime
    code: str
    severity: str
    channel: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request that has come to its end."""

    returned: bool
    reopened: bool
    answered: bool
    satisfied: str
    on_spot: bool
    late: bool


def _lift(season: str, month: int, heated: bool) -> float:
    if season == "winter":
        return _WINTER_LIFT if heated else 0.0
    if season == "summer":
        return _SUMMER_LIFT if month in SUMMER else _SUMMER_REST
    return 1.0


@cache
def _season_weights(month: int, heated: bool) -> tuple[float, ...]:
    return tuple(one.share * _lift(one.season, month, heated) for one in mix())


def _days(first: date, last: date) -> tuple[list[date], list[float]]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return days, [_MONTH_WEIGHT[day.month] * (0.85 if day.weekday() > 4 else 1.0) for day in days]


def moments(rng: random.Random, first: date, last: date, count: int, now: datetime) -> list[datetime]:
    """Return `count` moments between the two days, none later than `now`, in the shape of the year and the day."""
    days, weights = _days(first, last)
    found: list[datetime] = []
    while len(found) < count:
        for day in rng.choices(days, weights, k=count - len(found)):
            hour = rng.choices(range(24), _HOUR_WEIGHT)[0]
            at = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), now.tzinfo)
            if at < now:
                found.append(at)
    return sorted(found)


def said(rng: random.Random, at: datetime) -> Said:
    """Tell what is said at a moment."""
    begin, end = HEATING
    heated = (at.month, at.day) >= begin or (at.month, at.day) <= end
    one = rng.choices(mix(), _season_weights(at.month, heated))[0]
    return Said(at, one.code, one.severity, channel(rng, at))


def channel(rng: random.Random, at: datetime) -> str:
    """Tell by which way something comes in at a moment."""
    open_now = [(name, share) for name, share, since, until in CHANNELS if since <= at.hour < until]
    names, weights = zip(*open_now, strict=True)
    return str(rng.choices(names, weights)[0])


def fates(rng: random.Random, count: int) -> Iterator[Fate]:
    """Yield what becomes of `count` requests: 6 % returned once, 8 % reopened, 45 % answer the follow-up."""
    returned = set(rng.sample(range(count), round(count * 0.06)))
    reopened = set(rng.sample(range(count), round(count * 0.08)))
    answered = set(rng.sample(range(count), round(count * 0.45)))
    for number in range(count):
        plain = number not in returned and number not in reopened
        yield Fate(
            returned=number in returned,
            reopened=number in reopened,
            answered=number in answered,
            satisfied=rng.choices(("good", "fair", "poor"), (78, 15, 7))[0],
            on_spot=plain and rng.random() < 0.8,
            late=rng.random() < 0.09,
        )
