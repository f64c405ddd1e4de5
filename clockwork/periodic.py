"""What comes round with the clock, by name.

Each run is a job with a key made of name and period: however many beats run, a period has one row. A period that
passed while nobody looked is caught up with once, and while a run is still open no further one is added behind it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.utils import timezone

from audit.jobs import enqueue
from audit.registry import job

PeriodFunction = Callable[[], object]
F = TypeVar("F", bound=PeriodFunction)

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """How often something comes round: so many seconds apart, or once a day at a local time."""

    name: str
    seconds: int = 0
    at: time | None = None

    @property
    def kind(self) -> str:
        """Return the kind of job that a run of this is."""
        return f"periodic.{self.name}"

    def start(self, now: datetime) -> datetime:
        """Return when the period that `now` lies in began."""
        if self.at is None:
            step = timedelta(seconds=self.seconds)
            return EPOCH + (now - EPOCH) // step * step
        local = timezone.localtime(now)
        today = local.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        return today if today <= local else today - timedelta(days=1)

    def key(self, now: datetime) -> str:
        """Return the key of the run for the period that `now` lies in."""
        return f"{self.kind}:{self.start(now).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


PERIODS: dict[str, Period] = {}


def every(name: str, *, seconds: int) -> Callable[[F], F]:
    """Run the decorated function once in each period of so many seconds."""
    if seconds < 1:
        raise ValueError("A period lasts at least one second.")
    return _add(Period(name, seconds=seconds))


def daily(name: str, *, at: str) -> Callable[[F], F]:
    """Run the decorated function once a day, from the local time `at` ("03:30") on."""
    return _add(Period(name, at=time.fromisoformat(at)))


def open_periods() -> list[str]:
    """Write the job rows of the periods that have begun, by the database's clock; return the new keys."""
    with transaction.atomic():
        now, busy = _look()
        # Sorted, so that several beats insert in the same order and never wait for each other in a ring.
        waiting = [period for _, period in sorted(PERIODS.items()) if period.kind not in busy]
        keys = [(period, period.key(now)) for period in waiting]
        return [key for period, key in keys if enqueue(period.kind, key) is not None]


def _look() -> tuple[datetime, frozenset[str]]:
    """Return the database's time and the kinds of periodic jobs that are not finished."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement_timestamp(), array(SELECT DISTINCT kind FROM audit_job"
            " WHERE state IN ('pending', 'running') AND kind = ANY(%s))",
            [[period.kind for period in PERIODS.values()]],
        )
        now, busy = cursor.fetchone()
    return now, frozenset(busy)


def _add(period: Period) -> Callable[[F], F]:
    def register(function: F) -> F:
        job(period.kind)(lambda payload: function())
        PERIODS[period.name] = period
        return function

    return register
