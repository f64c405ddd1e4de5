"""The only writers of calendar, hours of work and deadline policies."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from pathlib import Path

from django.db import transaction

from audit.actions import Actor, Person, keep, record
from clockwork.models import CalendarDay, DeadlinePolicy, WorkHours
from common.errors import Invalid
from common.versions import require_unchanged

DATA = Path(__file__).resolve().parent / "data"
Kind, Source = CalendarDay.Kind, CalendarDay.Source
Who = Actor | Person | None


def load_calendar(*, actor: Who = None) -> int:
    """Write the shipped years into the calendar and return how many days changed; local days stay as they are.

    Official days replace estimated ones. A change is told as `calendar.changed`; due times that were given stay.
    """
    return write_days(_shipped_days(), actor=actor, keep_local=True)


@transaction.atomic
def write_days(days: Iterable[CalendarDay], *, actor: Who = None, keep_local: bool = False) -> int:
    """Write `days` into the calendar, tell of the change, and return how many were new or different."""
    wanted = {day.date: day for day in days}
    present = {row.date: row for row in CalendarDay.objects.select_for_update().filter(date__in=wanted)}
    changed = [day for day in wanted.values() if _differs(day, present.get(day.date), keep_local)]
    CalendarDay.objects.bulk_create(
        changed,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["date"],
        update_fields=["kind", "source", "name"],
    )
    if changed:
        _tell(changed, actor)
    return len(changed)


@transaction.atomic
def change_day(
    day: date, kind: str, *, name: str = "", actor: Who = None, seen: str | None = None
) -> CalendarDay:
    """Set one day by hand, for a make-up day or a local break; refuse an unknown kind and a day changed since."""
    if kind not in Kind.values:
        raise Invalid("请选择这一天是上班还是休息。", field="kind")
    if seen is not None:
        require_unchanged(CalendarDay.objects.select_for_update().get(pk=day), seen)
    row = CalendarDay(date=day, kind=kind, name=name, source=Source.LOCAL)
    write_days([row], actor=actor)
    return row


def change_hours(row: WorkHours, *, actor: Who = None, seen: str | None = None) -> WorkHours:
    """Store hours of work and tell of the change; refuse times that are not in order."""
    keep(row, verb="work_hours.changed", actor=actor, seen=seen)
    return row


def change_policy(row: DeadlinePolicy, *, actor: Who = None, seen: str | None = None) -> DeadlinePolicy:
    """Store a deadline policy; limits already running keep what they were promised."""
    keep(row, verb="deadline_policy.changed", actor=actor, seen=seen)
    return row


@transaction.atomic
def load_policies(*, actor: Who = None) -> int:
    """Add the shipped hours of work and deadline policies that are missing; keep what was edited here."""
    made = 0
    if not WorkHours.objects.exists():
        for row in _rows("work_hours.csv"):
            clocks = {key: time.fromisoformat(row[key]) for key in row if key.endswith(("_start", "_end"))}
            months = {key: int(row[key]) for key in ("first_month", "last_month")}
            change_hours(WorkHours(name=row["name"], **months, **clocks), actor=actor)
            made += 1
    known = set(DeadlinePolicy.objects.values_list("code", flat=True))
    for row in _rows("deadline_policies.csv"):
        if row["code"] not in known:
            policy = DeadlinePolicy(code=row["code"], name=row["name"], amount=int(row["amount"]), unit=row["unit"])
            change_policy(policy, actor=actor)
            made += 1
    return made


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf8", newline="") as file:
        yield from csv.DictReader(file)


def _shipped_days() -> Iterator[CalendarDay]:
    special = {date.fromisoformat(row["date"]): row for row in _rows("calendar_days.csv")}
    for year in _rows("calendar_years.csv"):
        day = date(int(year["year"]), 1, 1)
        while day.year == int(year["year"]):
            row = special.get(day)
            weekday = Kind.WORKDAY if day.weekday() < 5 else Kind.REST
            kind, name = (row["kind"], row["name"]) if row else (weekday, "")
            yield CalendarDay(date=day, kind=kind, name=name, source=year["source"])
            day += timedelta(days=1)


def _differs(day: CalendarDay, present: CalendarDay | None, keep_local: bool) -> bool:
    if present is None:
        return True
    if keep_local and present.source == Source.LOCAL:
        return False
    return (present.kind, present.source, present.name) != (day.kind, day.source, day.name)


def _tell(changed: list[CalendarDay], actor: Who) -> None:
    first, last = min(day.date for day in changed), max(day.date for day in changed)
    record(
        actor=actor,
        verb="calendar.changed",
        target=min(changed, key=lambda day: day.date),
        after=f"{first} – {last}",
        data={"days": len(changed)},
    )
