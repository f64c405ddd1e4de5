"""The sweeper: what was not heard is rung for again, whatever its age; outages do not end it."""

import threading

import pytest
from django.core.management import call_command
from django.db import InterfaceError, connection, transaction

from audit.jobs import bell, enqueue, run, sweep
from audit.jobs.limits import MAX_ATTEMPTS
from audit.management.commands import sweep as command
from audit.models import Heartbeat, Job, JobState
from audit.registry import job
from tests.audit.conftest import silence

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_registry", "own_queue")]


def write(count: int = 1) -> list[Job]:
    with transaction.atomic():
        rows = [enqueue("test.note", f"job {number}") for number in range(count)]
    silence()
    return [row for row in rows if row is not None]


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture(autouse=True)
def note_job(own_registry: None) -> None:
    job("test.note")(lambda payload: None)


def test_a_fresh_job_is_left_to_its_own_ring():
    write()
    assert sweep.sweep() == 0


@pytest.mark.parametrize("age", ["6 seconds", "1 hour", "400 days"])
def test_an_unheard_job_is_rung_for_at_any_age(age):
    write()
    execute(f"UPDATE audit_job SET enqueued_at = now() - interval '{age}', next_at = now() - interval '{age}'")
    assert sweep.sweep() == 1
    assert sweep.sweep() == 0
    with bell.line() as line:
        assert line.waiting() == 1


def test_a_job_that_is_not_due_is_left_alone():
    write()
    execute("UPDATE audit_job SET enqueued_at = NULL, next_at = now() + interval '1 hour'")
    assert sweep.sweep() == 0


def test_a_job_whose_worker_died_is_rung_for_when_its_lease_ends(no_lease):
    row = write()[0]
    assert run.claim(row.pk)
    execute("UPDATE audit_job SET enqueued_at = now() - interval '1 minute'")
    assert sweep.sweep() == 1
    assert run.run(row.pk)


def test_a_job_under_lease_or_done_is_left_alone():
    first, second = write(2)
    run.run(first.pk)
    run.claim(second.pk)
    execute("UPDATE audit_job SET enqueued_at = now() - interval '1 hour'")
    assert sweep.sweep() == 0


def test_a_job_that_ends_its_worker_ten_times_is_buried(no_lease):
    row = write()[0]
    for _ in range(MAX_ATTEMPTS):
        assert run.claim(row.pk)
    assert run.claim(row.pk) is None
    sweep.sweep()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == (JobState.DEAD, MAX_ATTEMPTS, "WorkerLost")


def test_two_sweepers_share_the_work():
    """What one has locked, the other neither waits for nor rings for."""
    write(30)
    execute("UPDATE audit_job SET enqueued_at = NULL")
    with transaction.atomic():
        execute("SELECT id FROM audit_job ORDER BY id LIMIT 10 FOR UPDATE")
        assert in_another_connection() == 20


def in_another_connection() -> int:
    found: list[int] = []

    def work() -> None:
        found.append(sweep.sweep())
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def test_a_loud_bell_is_not_rung_again(monkeypatch):
    monkeypatch.setattr(sweep, "LOUD_ENOUGH", 3)
    write(10)
    execute("UPDATE audit_job SET enqueued_at = NULL")
    assert [sweep.sweep(), sweep.sweep()] == [3, 0]
    silence()
    assert sweep.sweep() == 3


def test_nobody_is_rung_for_twice_while_there_are_messages_enough():
    """Behind, not deaf: one message for each job that is due is what the workers have to hear."""
    with transaction.atomic():
        for number in range(5):
            enqueue("test.note", f"job {number}")
    execute("UPDATE audit_job SET enqueued_at = now() - interval '1 hour'")
    assert sweep.sweep() == 0
    silence()
    assert sweep.sweep() == 5


def test_whoever_was_rung_for_longest_ago_comes_first(monkeypatch):
    monkeypatch.setattr(sweep, "LOUD_ENOUGH", 1)
    first, second, third = write(3)
    for row, minutes in ((first, 1), (second, 3), (third, 2)):
        execute(f"UPDATE audit_job SET enqueued_at = now() - interval '{minutes} min' WHERE id = {row.pk}")
    rung = []
    for _ in range(3):
        sweep.sweep()
        rung.append(Job.objects.order_by("-enqueued_at")[0].pk)
        silence()
    assert rung == [second.pk, third.pk, first.pk]


def test_with_a_dead_broker_every_job_stays_due(monkeypatch):
    write(3)
    execute("UPDATE audit_job SET enqueued_at = NULL")

    def nobody(self: bell.Line) -> int:
        raise ConnectionError

    with monkeypatch.context() as outage:
        outage.setattr(bell.Line, "waiting", nobody)
        rounds = command.Rounds()
        rounds.turn()
        assert rounds.outage == "ConnectionError"
        assert Heartbeat.objects.get(name="sweeper").detail == "ConnectionError"
    assert not Job.objects.exclude(enqueued_at=None).exists()
    rounds.turn()
    assert rounds.outage == ""
    assert Job.objects.exclude(enqueued_at=None).count() == 3


def test_a_lost_database_connection_does_not_end_the_sweeper(monkeypatch):
    rounds = command.Rounds()

    def gone() -> int:
        raise InterfaceError

    with monkeypatch.context() as outage:
        outage.setattr(command, "sweep", gone)
        rounds.turn()
    rounds.turn()
    assert rounds.outage == ""


def test_one_round_on_request():
    write()
    execute("UPDATE audit_job SET enqueued_at = NULL")
    call_command("sweep", once=True)
    assert Job.objects.exclude(enqueued_at=None).exists()
