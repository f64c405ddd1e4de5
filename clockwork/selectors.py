"""When is it due: working days, hours of work and deadlines, all by the database's calendar and clock."""

import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.db import connection
from django.utils import timezone

from clockwork.models import CalendarDay, DeadlinePolicy, WorkHours

logger = logging.getLogger(__name__)
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
# Used only while the table of work hours is empty, so that a bare installation can still count.
_BARE_HOURS = ((time(9), time(12)), (time(13, 30), time(17, 30)))
# Nothing official lets a period of 60 days pass without a working day; beyond that the calendar is broken.
_LONGEST_REST = 60


class NoWorkingDay(LookupError):
    """Tell that the calendar holds no working day for two months on end."""


class Calendar:
    """The work calendar of a span of days, read once; days it does not know are Monday to Friday.

    Pass one to `due_at` when many deadlines are counted in a row.
    """

    def __init__(self, known: dict[date, str], hours: Sequence[WorkHours]) -> None:
        self._known, self._hours = known, hours

    @classmethod
    def load(cls, first: date, last: date) -> "Calendar":
        """Read the days from `first` to `last` and the hours of work."""
        days = CalendarDay.objects.filter(date__range=(first, last)).values_list("date", "kind")
        return cls(dict(days), list(WorkHours.objects.all()))

    def is_working_day(self, day: date) -> bool:
        """Tell whether people work on `day`; guess Monday to Friday, with a warning, where the calendar ends."""
        kind = self._known.get(day)
        if kind is None:
            self._warn(day)
            return day.weekday() < 5
        return kind in CalendarDay.WORKING

    def working_days(self, after: date) -> Iterator[date]:
        """Walk the working days behind `after`, without end."""
        day, resting = after, 0
        while resting <= _LONGEST_REST:
            day, resting = day + DAY, resting + 1
            if self.is_working_day(day):
                resting = 0
                yield day
        raise NoWorkingDay(f"The calendar has no working day in the {_LONGEST_REST} days up to {day}.")

    def periods(self, day: date) -> list[Span]:
        """Return the hours of work of `day`, empty on a day of rest."""
        if not self.is_working_day(day):
            return []
        zone = timezone.get_current_timezone()
        return [
            (datetime.combine(day, start, zone), datetime.combine(day, end, zone))
            for start, end in self._hours_of[day.month]
        ]

    def end_of_work(self, day: date) -> datetime:
        """Return the end of the hours of work of the working day `day`."""
        return self.periods(day)[-1][1]

    @cached_property
    def _hours_of(self) -> dict[int, Sequence[tuple[time, time]]]:
        chosen: dict[int, Sequence[tuple[time, time]]] = {}
        for month in range(1, 13):
            fitting = [row for row in self._hours if month in row.months]
            row = min(fitting, key=lambda one: (len(one.months), one.pk), default=None)
            chosen[month] = (
                _BARE_HOURS
                if row is None
                else (
                    (row.morning_start, row.morning_end),
                    (row.afternoon_start, row.afternoon_end),
                )
            )
        return chosen

    @cached_property
    def _warned(self) -> set[int]:
        return set()

    def _warn(self, day: date) -> None:
        if day.year not in self._warned:
            self._warned.add(day.year)
            logger.warning("The work calendar does not cover %s; Monday to Friday are taken as working days.", day.year)


def db_now() -> datetime:
    """Return the time by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def is_working_day(day: date) -> bool:
    """Tell whether people work on `day`."""
    return Calendar.load(day, day).is_working_day(day)


def add_working_days(day: date, amount: int) -> date:
    """Return the `amount`-th working day behind `day`; refuse less than one."""
    if amount < 1:
        raise ValueError("Count at least one working day.")
    walk = _calendar_from(day, amount).working_days(day)
    return next(found for number, found in enumerate(walk, 1) if number == amount)


def due_at(
    start: datetime, amount: int, unit: str, *, pauses: Iterable[Span] = (), calendar: Calendar | None = None
) -> datetime:
    """Return when `amount` units behind `start` are over, the pauses not counted.

    A limit in working days ends with the hours of work of the n-th following working day; an end of work that
    falls into a pause does not count. Refuse a start without a time zone, less than one unit and unknown units.
    """
    if timezone.is_naive(start) or amount < 1:
        raise ValueError("A deadline needs a start with a time zone and at least one unit.")
    gaps = _merged(pauses)
    if unit == DeadlinePolicy.Unit.NATURAL_HOUR:
        return _natural(start, timedelta(hours=amount), gaps)
    paused = sum((until - since for since, until in gaps), timedelta())
    calendar = calendar or _calendar_from(_local_date(start), amount + paused.days)
    if unit == DeadlinePolicy.Unit.WORK_HOUR:
        return _work_hours(start, timedelta(hours=amount), gaps, calendar)
    if unit == DeadlinePolicy.Unit.WORKING_DAY:
        return _working_days(start, amount, gaps, calendar)
    raise ValueError(f"There is no unit {unit!r}.")


def deadline(code: str, start: datetime, *, pauses: Iterable[Span] = (), calendar: Calendar | None = None) -> datetime:
    """Return when the step that the policy `code` limits is due; refuse an unknown code."""
    policy = DeadlinePolicy.objects.get(code=code)
    return due_at(start, policy.amount, policy.unit, pauses=pauses, calendar=calendar)


def latest_morning(
    until: datetime, amount: int, unit: str, *, earlier: int = 0, calendar: Calendar | None = None
) -> datetime:
    """Return the latest beginning of a working day from which `amount` units are over by `until`.

    `earlier` goes so many working days further back.
    """
    day = _local_date(until)
    calendar = calendar or Calendar.load(day - timedelta(days=2 * (amount + earlier) + 60), day)
    for _ in range(2 * (amount + earlier) + _LONGEST_REST):
        periods = calendar.periods(day)
        fits = periods and due_at(periods[0][0], amount, unit, calendar=calendar) <= until
        if fits and not earlier:
            return periods[0][0]
        earlier -= bool(fits)
        day -= DAY
    raise NoWorkingDay(f"The calendar has no working day long enough before {until}.")


def extended(due: datetime, amount: int, unit: str, *, calendar: Calendar | None = None) -> datetime:
    """Return a due date moved by `amount` units: an extension counts from the old due date on."""
    return due_at(due, amount, unit, calendar=calendar)


def estimated_from() -> date | None:
    """Return the first day from which the calendar only guesses, None for an empty calendar."""
    guessed = CalendarDay.objects.filter(source=CalendarDay.Source.ESTIMATED).order_by("date").first()
    if guessed:
        return guessed.date
    last = CalendarDay.objects.order_by("-date").first()
    return last.date + DAY if last else None


def _local_date(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _calendar_from(first: date, amount: int) -> Calendar:
    # Twice the amount and the longest break: a short read; days behind it would only count as unknown.
    return Calendar.load(first, first + timedelta(days=2 * amount + 60))


def _merged(pauses: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for since, until in sorted(pause for pause in pauses if pause[0] < pause[1]):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


def _running(span: Span, gaps: Sequence[Span]) -> Iterator[Span]:
    """Walk the parts of `span` in which the clock runs."""
    since, until = span
    for gap_since, gap_until in gaps[max(bisect_left(gaps, (since, since)) - 1, 0) :]:
        if gap_until <= since:
            continue
        if gap_since >= until:
            break
        if since < gap_since:
            yield since, gap_since
        since = gap_until
    if since < until:
        yield since, until


def _natural(start: datetime, left: timedelta, gaps: Sequence[Span]) -> datetime:
    moment = start
    for since, until in gaps:
        if until <= moment:
            continue
        if since >= moment + left:
            break
        left -= max(since - moment, timedelta())
        moment = until
    return moment + left


def _work_hours(start: datetime, left: timedelta, gaps: Sequence[Span], calendar: Calendar) -> datetime:
    for day in calendar.working_days(_local_date(start) - DAY):
        for since, until in calendar.periods(day):
            for part_since, part_until in _running((max(since, start), until), gaps):
                if part_until - part_since >= left:
                    return part_since + left
                left -= part_until - part_since
    raise NoWorkingDay  # unreachable: the walk over working days ends only by raising


def _working_days(start: datetime, amount: int, gaps: Sequence[Span], calendar: Calendar) -> datetime:
    for day in calendar.working_days(_local_date(start)):
        end = calendar.end_of_work(day)
        if not any(since < end <= until for since, until in gaps):
            amount -= 1
        if not amount:
            return end
    raise NoWorkingDay  # unreachable: the walk over working days ends only by raising
