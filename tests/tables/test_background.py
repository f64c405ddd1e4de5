"""Large imports on a real database with commits: death in the middle, two at once, and the two times promised."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.urls import reverse

from audit.imports import actions
from audit.imports.models import ImportPolicy, ImportRun, RunState
from audit.jobs.run import run as do
from audit.models import Event, Job
from common.errors import Conflict
from tests.people import make_town
from tests.tables import small
from tests.tables.conftest import book, some
from volunteering.models import ServiceType

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def clerk(transactional_db: None) -> Any:
    """The clerk, committed."""
    return make_town().community_worker


def rows() -> int:
    return ServiceType.objects.filter(code__startswith="T").count()


def elsewhere(act: Any) -> int:
    """Do something in a process of its own, with its own connection; return its exit code."""
    connections.close_all()
    child = FORK.Process(target=act)
    child.start()
    child.join(60)
    return child.exitcode


def job_of(run: ImportRun) -> Job:
    run.refresh_from_db()
    return Job.objects.get(key=run.job_key)


def lease_over(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_job SET lease_until = now() - interval '1 second' WHERE id = %s", [job.pk])


def written_in_background(clerk: Any, count: int) -> ImportRun:
    """Return an import that waits to be written by the background."""
    ImportPolicy.objects.update_or_create(pk=1, defaults={"rows_at_once": 2})
    run = actions.begin(actor=clerk, sheet=small.SHEET, file_name="大.xlsx", data=book(*some(count)))
    assert do(job_of(run).pk)
    actions.write(run, actor=clerk)
    return run


def test_a_worker_that_dies_in_the_middle_leaves_no_row_and_its_successor_writes_all_once(clerk, monkeypatch):
    run = written_in_background(clerk, 50)
    job = job_of(run)

    def die() -> None:
        # Everything is written, nothing is committed: the worst moment.
        small.ServiceSheet.in_the_middle = lambda self: os._exit(9 if rows() == 50 else 8)
        do(job.pk)

    assert elsewhere(die) == 9
    assert rows() == 0
    run.refresh_from_db()
    assert run.state == RunState.WRITING
    assert run.progress > 0, "told on the way, past the transaction that died"
    lease_over(job)
    assert do(job.pk)
    run.refresh_from_db()
    assert (run.state, run.written, rows()) == (RunState.DONE, 50, 50)
    assert not do(job.pk), "the job is done"
    assert Event.objects.filter(verb="import.written").count() == 1


def test_control_without_the_one_transaction_the_rows_stay(clerk, monkeypatch):
    run = written_in_background(clerk, 50)

    def die() -> None:
        small.ServiceSheet.in_the_middle = lambda self: os._exit(9)
        actions.transaction = SimpleNamespace(atomic=nullcontext)
        user = type(clerk).objects.get(pk=clerk.pk)
        actions._write(ImportRun.objects.get(pk=run.pk), small.SHEET, user, lambda done: None, False)

    assert elsewhere(die) == 9
    assert rows() == 50


def test_an_error_of_ours_in_the_middle_is_tried_again_and_leaves_no_row(clerk, monkeypatch):
    run = written_in_background(clerk, 50)
    job = job_of(run)
    monkeypatch.setattr(small.ServiceSheet, "in_the_middle", lambda self: 1 / 0)
    assert not do(job.pk)
    run.refresh_from_db()
    assert (run.state, rows()) == (RunState.WRITING, 0)
    monkeypatch.undo()
    Job.objects.filter(pk=job.pk).update(next_at="2026-01-01T00:00:00Z")
    assert do(job.pk)
    assert rows() == 50


def test_while_one_import_writes_another_into_the_same_registry_waits(clerk):
    run = written_in_background(clerk, 50)
    # Somebody else's import holds the registry on a connection of its own.
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('import'), hashtext(%s))", [small.CODE])
    first = job_of(run)
    assert do(first.pk)
    assert rows() == 0
    again = job_of(run)
    assert again.pk != first.pk, "it comes again by a job of its own"
    assert again.next_at > first.next_at
    ImportPolicy.objects.update(rows_at_once=100)
    quick = actions.begin(actor=clerk, sheet=small.SHEET, file_name="小.xlsx", data=book(*some(3)))
    with pytest.raises(Conflict, match="另一次导入正在写"):
        actions.write(quick, actor=clerk)
    quick.refresh_from_db()
    assert quick.state == RunState.PLANNED
    other.close()
    Job.objects.filter(pk=again.pk).update(next_at="2026-01-01T00:00:00Z")
    assert do(again.pk)
    assert rows() == 50


def test_the_same_file_written_twice_at_the_same_time_is_written_once(clerk):
    runs = [actions.begin(actor=clerk, sheet=small.SHEET, file_name="小.xlsx", data=book(*some(200))) for _ in range(2)]
    connections.close_all()
    gate = FORK.Barrier(2)

    def press(run: ImportRun) -> None:
        user = type(clerk).objects.get(pk=clerk.pk)
        gate.wait(30)
        try:
            actions.write(run, actor=user)
        except Conflict:
            os._exit(3)

    crew = [FORK.Process(target=press, args=(run,)) for run in runs]
    for child in crew:
        child.start()
    for child in crew:
        child.join(60)
    states = []
    for run in runs:
        run.refresh_from_db()
        states.append(run.state)
    assert sorted(states) == [RunState.DONE, RunState.PLANNED]
    assert rows() == 200
    assert Event.objects.filter(verb="import.written").count() == 1


def test_500_rows_at_the_page_and_20_000_through_the_job_in_the_promised_time(clerk, client):
    """The two figures that were promised: 500 rows in 10 seconds, 20,000 in 60."""
    client.force_login(clerk)
    began = time.monotonic()
    sent = SimpleUploadedFile("服务.xlsx", book(*some(500)))
    page = client.post(reverse("audit:import_registry", args=[small.CODE]), {"file": sent}, follow=True)
    assert "导入全部 500 行" in page.content.decode()
    run = ImportRun.objects.get()
    client.post(reverse("audit:import_step", args=[run.pk, "write"]))
    assert rows() == 500
    assert time.monotonic() - began < 10
    large = book(*some(20_000))
    began = time.monotonic()
    sent = SimpleUploadedFile("大.xlsx", large)
    client.post(reverse("audit:import_registry", args=[small.CODE]), {"file": sent})
    run = ImportRun.objects.get(rows=20_000)
    assert do(job_of(run).pk)
    client.post(reverse("audit:import_step", args=[run.pk, "write"]))
    assert do(job_of(run).pk)
    run.refresh_from_db()
    assert (run.state, run.new, run.same, rows()) == (RunState.DONE, 19_500, 500, 20_000)
    assert time.monotonic() - began < 60
