"""Periodic runs: one row per period, however many beats; one catch-up, however long the pause."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import InterfaceError, connection

from audit import registry
from audit.jobs.run import run
from audit.models import Heartbeat, Job, JobState
from clockwork import periodic, tasks
from clockwork.periodic import Period
from hedong.celery import app

NOON = datetime(2026, 11, 24, 12, 0, 7, tzinfo=UTC)


@pytest.fixture
def own_periods(monkeypatch):
    monkeypatch.setattr(periodic, "PERIODS", {})
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))


@pytest.mark.parametrize(
    ("seconds", "later", "same"),
    [(20, 12, True), (20, 13, False), (86400, 3600, True), (86400, 12 * 3600, False)],
)
def test_a_period_has_one_key(seconds, later, same):
    period = Period("x", seconds=seconds)
    assert (period.key(NOON) == period.key(NOON + timedelta(seconds=later))) is same


def test_a_day_begins_at_its_local_time():
    period = Period("x", at=datetime(2000, 1, 1, 3, 30, tzinfo=UTC).time())
    assert period.start(datetime(2026, 11, 23, 19, 29, tzinfo=UTC)) == datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
    assert period.start(datetime(2026, 11, 23, 19, 30, tzinfo=UTC)) == datetime(2026, 11, 23, 19, 30, tzinfo=UTC)
    assert period.key(NOON) == "periodic.x:2026-11-23T19:30:00Z"


def test_a_period_of_no_length_is_refused():
    with pytest.raises(ValueError, match="one second"):
        periodic.every("x", seconds=0)


def see_clock(monkeypatch: pytest.MonkeyPatch, hours: dict[str, datetime]) -> None:
    """Let the scheduler see another time; what is unfinished still comes from the database."""
    real = periodic._look
    monkeypatch.setattr(periodic, "_look", lambda: (hours["now"], real()[1]))


def run_open() -> None:
    for row in Job.objects.filter(state=JobState.PENDING):
        assert run(row.pk)


@pytest.mark.django_db(transaction=True)
def test_three_beats_and_fifty_periods_are_fifty_runs(own_periods, monkeypatch):
    done: list[int] = []
    periodic.every("test.tick", seconds=20)(lambda: done.append(1))
    clock = {"now": NOON}
    see_clock(monkeypatch, clock)
    for _ in range(50):
        beats = [threading.Thread(target=open_in_own_connection) for _ in range(3)]
        for each in beats:
            each.start()
        for each in beats:
            each.join()
        run_open()
        periodic.open_periods()
        clock["now"] += timedelta(seconds=20)
    assert Job.objects.filter(kind="periodic.test.tick").count() == 50
    assert len(done) == 50


@pytest.mark.parametrize(
    ("key", "rows"),
    [(Period.key, 1), (lambda period, now: f"{period.kind}:{uuid4()}", 3)],
    ids=["one key per period", "control: a key of its own for each beat"],
)
@pytest.mark.django_db(transaction=True)
def test_three_beats_that_look_before_any_of_them_writes(own_periods, monkeypatch, key, rows):
    periodic.every("test.tick", seconds=3600)(lambda: None)
    gate, look = threading.Barrier(3), periodic._look

    def look_and_wait() -> tuple[datetime, frozenset[str]]:
        seen = look()
        gate.wait(20)
        return seen

    monkeypatch.setattr(periodic, "_look", look_and_wait)
    monkeypatch.setattr(Period, "key", key)
    beats = [threading.Thread(target=open_in_own_connection) for _ in range(3)]
    for each in beats:
        each.start()
    for each in beats:
        each.join()
    assert Job.objects.count() == rows


def open_in_own_connection() -> None:
    try:
        periodic.open_periods()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_after_twenty_minutes_without_a_beat_there_is_one_run(own_periods, monkeypatch):
    done: list[int] = []
    periodic.every("test.tick", seconds=20)(lambda: done.append(1))
    clock = {"now": NOON}
    see_clock(monkeypatch, clock)
    periodic.open_periods()
    run_open()
    clock["now"] += timedelta(minutes=20)
    for _ in range(3):
        periodic.open_periods()
        run_open()
    assert len(done) == 2


@pytest.mark.django_db(transaction=True)
def test_while_a_run_is_open_none_is_added_behind_it(own_periods, monkeypatch):
    periodic.every("test.tick", seconds=20)(lambda: None)
    clock = {"now": NOON}
    see_clock(monkeypatch, clock)
    for _ in range(5):
        periodic.open_periods()
        clock["now"] += timedelta(seconds=20)
    assert Job.objects.count() == 1
    run_open()
    assert periodic.open_periods() != []


@pytest.mark.django_db(transaction=True)
def test_the_products_own_periods_open_and_the_worker_beats():
    assert "periodic.clockwork.heartbeat" in {key.partition(":")[0] for key in periodic.open_periods()}
    run(Job.objects.get(kind="periodic.clockwork.heartbeat").pk)
    assert Heartbeat.objects.filter(name="worker").exists()
    run(Job.objects.get(kind="periodic.clockwork.forget_jobs").pk)


@pytest.mark.django_db(transaction=True)
def test_beat_opens_periods_and_outlives_an_outage(own_periods, monkeypatch):
    periodic.every("test.tick", seconds=3600)(lambda: None)
    scheduler = tasks.PeriodScheduler(app, lazy=False)
    assert scheduler.schedule == {}

    def gone() -> list[str]:
        raise InterfaceError

    with monkeypatch.context() as outage:
        outage.setattr(tasks, "open_periods", gone)
        assert scheduler.tick() > 0
    assert not Heartbeat.objects.exists()
    assert scheduler.tick() == tasks.TICK_SECONDS
    assert Job.objects.count() == 1
    assert Heartbeat.objects.get().name == "beat"
