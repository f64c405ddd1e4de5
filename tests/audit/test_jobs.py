"""One job: written with its change, claimed by one, finished once, repeated later, buried in the end."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from audit.actions import forget_done_jobs
from audit.jobs import enqueue
from audit.jobs import run as jobs
from audit.jobs.limits import MAX_ATTEMPTS
from audit.models import Event, Job, JobState
from audit.registry import UnknownName, function_for, job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_registry", "own_queue")]


def write(kind: str = "test.note", key: str = "a", payload: dict[str, Any] | None = None, **when: Any) -> Job:
    with transaction.atomic():
        row = enqueue(kind, key, payload or {}, **when)
    assert row is not None
    return row


def note(verb: str = "noted") -> None:
    """The effect of the tests' jobs: a row that would show twice if it happened twice."""
    Event.objects.create(actor_label="test", verb=verb)


@pytest.fixture(autouse=True)
def note_job(own_registry: None) -> None:
    job("test.note")(lambda payload: note())

    @job("test.fails")
    def fails(payload: dict[str, Any]) -> None:
        note("half done")
        raise ValueError("张三 13800000000")


def due_now(row: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_job SET next_at = now() - interval '1 s' WHERE id = %s", [row.pk])


def test_a_job_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        enqueue("test.note", "a")


def test_a_rolled_back_change_leaves_no_job():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("test.note", "a")
        raise ZeroDivisionError
    assert not Job.objects.exists()


def test_a_known_key_gives_no_second_row_and_does_not_break_the_transaction():
    write(key="same")
    with transaction.atomic():
        assert enqueue("test.note", "same") is None
        assert enqueue("test.note", "other") is not None
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    "payload", [{"name": "张三"}, {"phone": "13800001111"}, {"a": {"b": ["two words"]}}, {"x": object()}]
)
def test_a_payload_with_words_about_people_is_refused(payload):
    with pytest.raises(ValueError, match="Only ids"), transaction.atomic():
        enqueue("test.note", "a", payload)


def test_a_job_runs_once_however_often_it_is_rung_for():
    row = write()
    assert [jobs.run(row.pk) for _ in range(3)] == [True, False, False]
    assert Event.objects.filter(verb="noted").count() == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.lease_until) == (JobState.DONE, 1, None)
    assert row.done_at is not None


def test_an_unknown_id_is_nobodys_job():
    assert jobs.run(0) is False


def test_a_later_job_waits_for_the_databases_clock():
    row = write(delay=timedelta(hours=1))
    assert row.enqueued_at is None
    assert not jobs.run(row.pk)
    due_now(row)
    assert jobs.run(row.pk)


def test_a_failed_job_leaves_no_effect_and_comes_back_later():
    row = write("test.fails")
    assert not jobs.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.enqueued_at) == (JobState.PENDING, 1, None)
    assert not Event.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_at > now() FROM audit_job")
        assert cursor.fetchone() == (True,)


def test_an_error_is_kept_without_the_data_it_quotes():
    row = write("test.fails")
    jobs.run(row.pk)
    row.refresh_from_db()
    assert row.last_error.startswith("ValueError @ ")
    assert "张三" not in row.last_error
    assert "138" not in row.last_error


def test_a_poisoned_job_stops_at_ten():
    row = write("test.fails")
    for _ in range(MAX_ATTEMPTS + 5):
        due_now(row)
        jobs.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (JobState.DEAD, MAX_ATTEMPTS)


def test_a_kind_that_this_release_does_not_know_fails_and_stays():
    with pytest.raises(UnknownName):
        function_for("test.gone")
    row = write("test.gone")
    assert not jobs.run(row.pk)
    row.refresh_from_db()
    assert row.state == JobState.PENDING


def test_a_claim_is_held_by_one_until_its_lease_runs_out():
    row = write()
    assert jobs.claim(row.pk) is not None
    assert jobs.claim(row.pk) is None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_job SET lease_until = now() - interval '1 s'")
    second = jobs.claim(row.pk)
    assert second is not None
    assert second.token == 2


def test_an_old_claim_can_neither_finish_nor_fail(no_lease):
    row = write()
    old, young = jobs.claim(row.pk), jobs.claim(row.pk)
    assert old is not None
    assert young is not None
    with pytest.raises(jobs.LostClaim):
        jobs.perform(old)
    jobs.fail(old, ValueError())
    jobs.perform(young)
    assert Event.objects.filter(verb="noted").count() == 1
    with pytest.raises(jobs.LostClaim):
        jobs.perform(young)
    assert Event.objects.filter(verb="noted").count() == 1


def test_without_the_token_an_old_claim_does_it_twice(no_lease, monkeypatch):
    """The control: with the guard off, the test above would see two effects."""
    row = write()
    old, young = jobs.claim(row.pk), jobs.claim(row.pk)
    monkeypatch.setattr(jobs, "_must_change_one", lambda statement, mine: None)
    assert old is not None
    assert young is not None
    jobs.perform(young)
    jobs.perform(old)
    assert Event.objects.filter(verb="noted").count() == 2


def test_nobody_claims_a_job_that_is_being_done(no_lease):
    """However long the work takes: the lock on the row counts, not the lease."""
    inside, leave = threading.Event(), threading.Event()

    @job("test.slow")
    def slow(payload: dict[str, Any]) -> None:
        note()
        inside.set()
        leave.wait(20)

    row = write("test.slow")
    worker = threading.Thread(target=in_own_connection, args=(row.pk,))
    worker.start()
    assert inside.wait(20)
    assert jobs.claim(row.pk) is None
    leave.set()
    worker.join()
    assert Event.objects.filter(verb="noted").count() == 1
    assert Job.objects.get().state == JobState.DONE


def test_eight_workers_and_one_job():
    row = write()
    threads = [threading.Thread(target=in_own_connection, args=(row.pk,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Event.objects.filter(verb="noted").count() == 1


def in_own_connection(job_id: int) -> None:
    try:
        jobs.run(job_id)
    finally:
        connection.close()


@pytest.mark.parametrize("moment", ["claim", "perform"])
def test_without_a_database_a_job_is_left_to_the_sweeper(moment, monkeypatch, caplog):
    """One line for each message, whatever it met: the queue may hold thousands when the database goes away."""
    row = write()

    def end_own_connection(*_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as outage:
        outage.setattr(jobs, moment, end_own_connection)
        outage.setattr(jobs, "fail", end_own_connection)
        assert not jobs.run(row.pk)
    assert caplog.records[-1].exc_info is None
    assert caplog.text.count("the sweeper will ring") == 1
    connection.close()
    row.refresh_from_db()
    assert row.state == (JobState.PENDING if moment == "claim" else JobState.RUNNING)


def test_old_done_jobs_are_forgotten_and_open_ones_never():
    done, waiting, fresh = write(key="done"), write(key="waiting"), write(key="fresh")
    jobs.run(done.pk)
    jobs.run(fresh.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_job SET done_at = now() - interval '31 days' WHERE id = %s", [done.pk])
        cursor.execute("UPDATE audit_job SET created_at = now() - interval '99 days'")
    assert forget_done_jobs() == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {waiting.pk, fresh.pk}


def test_two_functions_for_one_kind_are_refused():
    with pytest.raises(ValueError, match="Two functions"):
        job("test.note")(lambda payload: None)
