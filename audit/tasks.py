"""The worker's door: one task for all kinds of jobs."""

from typing import Any

from celery import shared_task
from django.db import close_old_connections

from audit.actions import DELIVER
from audit.imports import actions as imports
from audit.jobs.run import run
from audit.models import Event
from audit.registry import handler, job


@shared_task(name="audit.run_job")
def run_job(job_id: int) -> None:
    """Run the job with this id, if it is there to be run, on a connection that has outlived no database."""
    close_old_connections()
    run(job_id)


@job(DELIVER)
def deliver(payload: dict[str, Any]) -> None:
    """Hand one event to one handler."""
    handler(payload["handler"])(Event.objects.get(pk=payload["event"]))


@job(imports.PLAN_JOB)
def import_plan(payload: dict[str, Any]) -> None:
    """Look at every row of a large import."""
    imports.work(imports.PLAN_JOB, payload["run"])


@job(imports.WRITE_JOB)
def import_write(payload: dict[str, Any]) -> None:
    """Write a large import, whole or not at all."""
    imports.work(imports.WRITE_JOB, payload["run"])


@job(imports.UNDO_JOB)
def import_undo(payload: dict[str, Any]) -> None:
    """Take a large import back."""
    imports.work(imports.UNDO_JOB, payload["run"], payload["rest"])
