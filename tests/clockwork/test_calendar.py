"""The calendar equals two independent packages on every day, and guesses with a warning where it ends."""

import logging
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest

from audit.models import Event
from clockwork import actions
from clockwork.models import CalendarDay, DeadlinePolicy, WorkHours
from clockwork.selectors import (
    Calendar,
    NoWorkingDay,
    add_working_days,
    deadline,
    due_at,
    estimated_from,
    is_working_day,
)
from common.errors import Invalid

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
FIRST, LAST = date(2021, 1, 1), date(2026, 12, 31)


def days(first, last):
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.fixture
def loaded():
    actions.load_policies()
    return actions.load_calendar()


def test_every_day_equals_two_packages(loaded):
    calendar = Calendar.load(FIRST, LAST)
    other = holidays.China(years=range(2021, 2027))
    wrong = [
        day
        for day in days(FIRST, LAST)
        if not (calendar.is_working_day(day) == chinese_calendar.is_workday(day) == other.is_working_day(day))
    ]
    assert len(days(FIRST, LAST)) == 2191
    assert wrong == []


def test_the_comparison_notices_a_wrong_day(loaded):
    """Control: one make-up day turned into a day of rest is found."""
    actions.change_day(date(2026, 10, 10), CalendarDay.Kind.REST)
    calendar = Calendar.load(FIRST, LAST)
    wrong = [day for day in days(FIRST, LAST) if calendar.is_working_day(day) != chinese_calendar.is_workday(day)]
    assert wrong == [date(2026, 10, 10)]


def test_kinds_and_sources(loaded):
    assert loaded == (date(2028, 1, 1) - FIRST).days
    kinds = {str(day): CalendarDay.objects.get(date=day).kind for day in ("2026-02-14", "2026-02-17", "2026-02-28")}
    assert kinds == {"2026-02-14": "makeup", "2026-02-17": "holiday", "2026-02-28": "makeup"}
    assert set(CalendarDay.objects.filter(date__year__lte=2026).values_list("source", flat=True)) == {"official"}
    assert set(CalendarDay.objects.filter(date__year=2027).values_list("source", flat=True)) == {"estimated"}
    assert estimated_from() == date(2027, 1, 1)


def test_2027_is_estimated_from_the_statute(loaded):
    other = holidays.China(years=2027)
    for day in days(date(2027, 1, 1), date(2027, 12, 31)):
        assert is_working_day(day) == (day.weekday() < 5 and day not in other), day


def test_an_unknown_year_is_guessed_with_a_warning(loaded, caplog):
    with caplog.at_level(logging.WARNING, logger="clockwork.selectors"):
        assert is_working_day(date(2031, 3, 3))
        assert not is_working_day(date(2031, 3, 1))
    assert "does not cover 2031" in caplog.text


def test_known_years_do_not_warn(loaded, caplog):
    with caplog.at_level(logging.WARNING, logger="clockwork.selectors"):
        due_at(datetime(2026, 11, 24, 9, tzinfo=ZONE), 20, "working_day")
        due_at(datetime(2026, 11, 24, 9, tzinfo=ZONE), 80, "work_hour")
    assert not caplog.records


def test_a_due_date_crosses_the_new_year(loaded):
    assert add_working_days(date(2026, 12, 30), 3) == date(2027, 1, 5)
    end = due_at(datetime(2026, 12, 31, 16, tzinfo=ZONE), 1, "working_day")
    assert end == datetime(2027, 1, 4, 17, 30, tzinfo=ZONE)


def test_an_empty_calendar_still_counts():
    assert estimated_from() is None
    assert due_at(datetime(2026, 11, 27, 9, tzinfo=ZONE), 1, "working_day") == datetime(
        2026, 11, 30, 17, 30, tzinfo=ZONE
    )


def test_loading_again_changes_nothing(loaded):
    events = Event.objects.count()
    assert (actions.load_calendar(), actions.load_policies()) == (0, 0)
    assert Event.objects.count() == events


def test_local_days_survive_a_new_load(loaded):
    actions.change_day(date(2026, 12, 7), CalendarDay.Kind.REST, name="本地停水")
    assert not is_working_day(date(2026, 12, 7))
    assert actions.load_calendar() == 0
    row = CalendarDay.objects.get(date=date(2026, 12, 7))
    assert (row.kind, row.source, row.name) == ("rest", "local", "本地停水")


def test_official_days_replace_estimated_ones(loaded):
    official = [CalendarDay(date=date(2027, 2, 20), kind="makeup", source="official", name="春节调休")]
    assert actions.write_days(official, keep_local=True) == 1
    assert is_working_day(date(2027, 2, 20))


def test_a_change_is_told(loaded):
    before = Event.objects.filter(verb="calendar.changed").count()
    actions.change_day(date(2026, 12, 7), CalendarDay.Kind.REST)
    event = Event.objects.filter(verb="calendar.changed").latest("id")
    assert Event.objects.filter(verb="calendar.changed").count() == before + 1
    assert event.target_id == "2026-12-07"
    assert event.data == {"days": 1}
    actions.change_day(date(2026, 12, 7), CalendarDay.Kind.REST)
    assert Event.objects.filter(verb="calendar.changed").count() == before + 1


def test_an_unknown_kind_is_refused(loaded):
    with pytest.raises(Invalid, match="上班还是休息"):
        actions.change_day(date(2026, 12, 7), "party")


def test_a_calendar_without_working_days_says_so(loaded):
    CalendarDay.objects.update(kind="holiday")
    with pytest.raises(NoWorkingDay):
        add_working_days(date(2026, 1, 1), 1)


def test_policies(loaded):
    start = datetime(2026, 11, 24, 10, tzinfo=ZONE)
    assert deadline("request.accept", start) == datetime(2026, 11, 25, 17, 30, tzinfo=ZONE)
    assert deadline("request.resolve", start) == datetime(2026, 12, 1, 17, 30, tzinfo=ZONE)
    assert deadline("allocation.answer_urgent", start) == start + timedelta(hours=2)
    with pytest.raises(DeadlinePolicy.DoesNotExist):
        deadline("no.such", start)


def test_edited_policies_survive_a_new_load(loaded):
    policy = DeadlinePolicy.objects.get(code="request.resolve")
    policy.amount = 3
    actions.change_policy(policy)
    assert actions.load_policies() == 0
    assert DeadlinePolicy.objects.get(code="request.resolve").amount == 3
    event = Event.objects.filter(verb="deadline_policy.changed").latest("id")
    assert (event.before, event.after) == ("多少：5", "多少：3")


def test_summer_hours(loaded):
    from datetime import time

    actions.change_hours(
        WorkHours(
            name="夏季",
            first_month=6,
            last_month=9,
            morning_start=time(8, 30),
            morning_end=time(12),
            afternoon_start=time(14, 30),
            afternoon_end=time(18),
        )
    )
    assert due_at(datetime(2026, 7, 1, 9, tzinfo=ZONE), 1, "working_day") == datetime(2026, 7, 2, 18, tzinfo=ZONE)
    assert due_at(datetime(2026, 9, 30, 9, tzinfo=ZONE), 1, "working_day") == datetime(2026, 10, 8, 17, 30, tzinfo=ZONE)


def test_months_may_wrap_round_the_year():
    assert WorkHours(first_month=11, last_month=2).months == {11, 12, 1, 2}
