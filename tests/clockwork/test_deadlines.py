"""Deadlines against a slow oracle that walks the calendar minute by minute."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from clockwork.models import CalendarDay
from clockwork.selectors import Calendar, NoWorkingDay, db_now, due_at, extended, latest_morning

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = ((time(9), time(12)), (time(13, 30), time(17, 30)))
MINUTE = timedelta(minutes=1)


def known():
    day, made = date(2025, 6, 1), {}
    while day < date(2026, 12, 31):
        made[day] = CalendarDay.Kind.WORKDAY if chinese_calendar.is_workday(day) else CalendarDay.Kind.REST
        day += timedelta(days=1)
    return made


CALENDAR = Calendar(known(), [])
# The bounds that hypothesis takes are naive; the zone is put on below.
moments = st.datetimes(datetime(2025, 9, 1), datetime(2026, 3, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=ZONE)
)
pauses = st.lists(st.tuples(moments, st.integers(0, 6 * 24 * 60)), max_size=3).map(
    lambda found: [(start, start + minutes * MINUTE) for start, minutes in found]
)
near_pauses = st.lists(st.tuples(st.integers(-3000, 9000), st.integers(0, 6000)), max_size=3)


def working(moment):
    local = moment.astimezone(ZONE)
    return chinese_calendar.is_workday(local.date()) and any(a <= local.time() < b for a, b in HOURS)


def halted(moment, gaps):
    return any(a <= moment < b for a, b in gaps)


def by_minutes(start, minutes, gaps, runs):
    moment = start
    while minutes:
        if runs(moment) and not halted(moment, gaps):
            minutes -= 1
        moment += MINUTE
    return moment


def by_days(start, amount, gaps):
    day = start.astimezone(ZONE).date()
    while amount:
        day += timedelta(days=1)
        end = datetime.combine(day, HOURS[1][1], ZONE)
        if chinese_calendar.is_workday(day) and not any(a < end <= b for a, b in gaps):
            amount -= 1
    return datetime.combine(day, HOURS[1][1], ZONE)


def around(start, near):
    return [(start + since * MINUTE, start + (since + length) * MINUTE) for since, length in near]


@settings(max_examples=150, deadline=None)
@given(start=moments, amount=st.integers(1, 60), near=near_pauses)
def test_natural_hours(start, amount, near):
    gaps = around(start, near)
    expected = by_minutes(start, amount * 60, gaps, lambda moment: True)
    assert due_at(start, amount, "natural_hour", pauses=gaps) == expected


@settings(max_examples=50, deadline=None)
@given(start=moments, amount=st.integers(1, 16), near=near_pauses)
def test_work_hours(start, amount, near):
    gaps = around(start, near)
    expected = by_minutes(start, amount * 60, gaps, working)
    assert due_at(start, amount, "work_hour", pauses=gaps, calendar=CALENDAR) == expected


@settings(max_examples=300, deadline=None)
@given(start=moments, amount=st.integers(1, 25), gaps=pauses)
def test_working_days(start, amount, gaps):
    assert due_at(start, amount, "working_day", pauses=gaps, calendar=CALENDAR) == by_days(start, amount, gaps)


@settings(max_examples=200, deadline=None)
@given(
    start=moments,
    amount=st.integers(1, 20),
    gaps=pauses,
    unit=st.sampled_from(["natural_hour", "work_hour", "working_day"]),
)
def test_laws(start, amount, gaps, unit):
    due = due_at(start, amount, unit, pauses=gaps, calendar=CALENDAR)
    assert due > start
    assert due_at(start, amount + 1, unit, pauses=gaps, calendar=CALENDAR) > due, "more time is later"
    assert due >= due_at(start, amount, unit, calendar=CALENDAR), "a pause never makes it earlier"
    assert due_at(start, amount, unit, pauses=[*gaps, *gaps], calendar=CALENDAR) == due, "a pause counts once"
    assert due_at(start + MINUTE, amount, unit, pauses=gaps, calendar=CALENDAR) >= due, (
        "a later start is not earlier due"
    )
    assert extended(due, 1, unit, calendar=CALENDAR) > due
    if unit != "natural_hour":
        assert chinese_calendar.is_workday(timezone.localtime(due, ZONE).date())


@settings(max_examples=100, deadline=None)
@given(
    start=moments, first=st.integers(1, 20), more=st.integers(1, 10), unit=st.sampled_from(["work_hour", "working_day"])
)
def test_an_extension_counts_on(start, first, more, unit):
    due = due_at(start, first, unit, calendar=CALENDAR)
    assert extended(due, more, unit, calendar=CALENDAR) == due_at(start, first + more, unit, calendar=CALENDAR)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        ("2026-11-24 10:00", 1, "working_day", "2026-11-25 17:30"),
        ("2026-11-24 22:00", 1, "working_day", "2026-11-25 17:30"),
        ("2026-11-27 16:00", 1, "working_day", "2026-11-30 17:30"),
        ("2026-09-30 16:00", 1, "working_day", "2026-10-08 17:30"),
        ("2026-10-08 16:00", 3, "working_day", "2026-10-12 17:30"),
        ("2026-11-24 11:00", 2, "work_hour", "2026-11-24 14:30"),
        ("2026-11-24 16:30", 1, "work_hour", "2026-11-24 17:30"),
        ("2026-11-24 17:00", 1, "work_hour", "2026-11-25 09:30"),
        ("2026-11-28 10:00", 1, "work_hour", "2026-11-30 10:00"),
        ("2026-11-24 23:00", 2, "natural_hour", "2026-11-25 01:00"),
    ],
)
def test_by_hand(start, amount, unit, due):
    began = datetime.strptime(start, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    expected = datetime.strptime(due, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    assert due_at(began, amount, unit, calendar=CALENDAR) == expected


def test_what_cannot_be_counted_is_refused():
    start = datetime(2026, 11, 24, 10, tzinfo=ZONE)
    for arguments in ((start, 0, "work_hour"), (start.replace(tzinfo=None), 1, "work_hour"), (start, 1, "fortnight")):
        with pytest.raises(ValueError):
            due_at(*arguments, calendar=CALENDAR)


@pytest.mark.django_db
def test_the_databases_clock():
    first = db_now()
    assert first.utcoffset() is not None
    assert db_now() >= first


@given(until=moments, amount=st.integers(1, 30), unit=st.sampled_from(["natural_hour", "work_hour", "working_day"]))
def test_the_latest_morning_is_in_time_and_no_later_one_is(until, amount, unit):
    morning = latest_morning(until, amount, unit, calendar=CALENDAR)
    assert due_at(morning, amount, unit, calendar=CALENDAR) <= until
    assert morning == CALENDAR.periods(timezone.localtime(morning).date())[0][0]
    following = CALENDAR.periods(next(CALENDAR.working_days(timezone.localtime(morning).date())))[0][0]
    assert following > until or due_at(following, amount, unit, calendar=CALENDAR) > until
    ahead = latest_morning(until, amount, unit, earlier=2, calendar=CALENDAR)
    days = CALENDAR.working_days(timezone.localtime(ahead).date())
    assert [next(days), next(days)][-1] == timezone.localtime(morning).date()


def test_where_nobody_ever_works_there_is_no_morning():
    idle = Calendar({date(2025, 1, 1) + timedelta(days=n): CalendarDay.Kind.REST for n in range(400)}, [])
    with pytest.raises(NoWorkingDay):
        latest_morning(datetime(2025, 12, 1, tzinfo=ZONE), 1, "working_day", calendar=idle)
