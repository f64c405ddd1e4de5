"""Give the eighteen months their shape: what is said when, and what becomes of it. Pure, no database."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

from hedong.demo.tables import rows

HISTORY_DAYS = 548
WINTER, SUMMER = (11, 12, 1, 2, 3), (7, 8)
# Heating lifts November to March; drains, mosquitoes and noise lift July and August.
_MONTH_WEIGHT = {month: 1.35 if month in WINTER else 1.3 if month in SUMMER else 0.85 for month in range(1, 13)}
_SEASON_WEIGHT = {"winter": (WINTER, 2.2, 0.05), "summer": (SUMMER, 1.6, 0.88), "": ((), 1.0, 1.0)}
_HOUR_WEIGHT = (1, 1, 0.5, 0.5, 0.5, 1, 3, 6, 8, 7, 6, 6, 5, 4, 5, 5, 6, 8, 13, 14, 12, 7, 4, 2)

NARROW_CHANNELS = (("qr", 46), ("web", 14), ("phone", 16), ("visit", 10), ("desk", 14))


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


@cache
def _season_weights(month: int) -> tuple[float, ...]:
    weights = []
    for one in mix():
        months, inside, outside = _SEASON_WEIGHT[one.season]
        weights.append(one.share * (inside if month in months else outside))
    return tuple(weights)


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
    one = rng.choices(mix(), _season_weights(at.month))[0]
    names, weights = zip(*NARROW_CHANNELS, strict=True)
    return Said(at, one.code, one.severity, rng.choices(names, weights)[0])


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
            on_spot=plain and rng.random() < 0.18,
            late=rng.random() < 0.09,
        )
