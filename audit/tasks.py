"""The worker's door: one task for all kinds of jobs."""

from typing import Any

from celery import shared_task
from django.db import close_old_connections

from audit.actions import DELIVER
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
