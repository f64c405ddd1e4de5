"""The periodic runs of the lowest rooms, and the scheduler that `celery beat` runs with."""

import logging
import time
from datetime import timedelta
from typing import Any

from celery.beat import Scheduler
from django.db import Error as DatabaseError
from django.db import connection

from audit.actions import beat, forget_done_jobs, forget_old_keys
from audit.imports.actions import forget_old
from clockwork.periodic import daily, every, open_periods

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
BEAT_SECONDS = 10.0


@every("clockwork.heartbeat", seconds=20)
def heartbeat() -> None:
    """Show that the whole way from beat over the jobs table to a worker is open."""
    beat("worker")


@daily("clockwork.forget_jobs", at="03:30")
def forget_jobs() -> None:
    """Keep the table of jobs small: periodic runs for two days, everything else for a month."""
    forget_done_jobs(kinds="periodic.", older_than=timedelta(days=2))
    forget_done_jobs()


@daily("clockwork.forget_imports", at="03:40")
def forget_imports() -> None:
    """Clear what was in the files of old imports."""
    forget_old()


@every("clockwork.forget_keys", seconds=3600)
def forget_keys() -> None:
    """Let go of the answers that were kept for calls sent twice."""
    forget_old_keys()


class PeriodScheduler(Scheduler):
    """Let beat write job rows instead of sending messages; it needs the database and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.beaten = 0.0

    def setup_schedule(self) -> None:
        """Keep no entries: the table of periods stands in clockwork.periodic."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Open the periods that have begun; an outage of the database only delays them."""
        try:
            open_periods()
            if time.monotonic() - self.beaten >= BEAT_SECONDS:
                beat("beat")
                self.beaten = time.monotonic()
        except DatabaseError as error:
            logger.warning("No period can be opened: %s.", type(error).__name__)
            connection.close()
            return BEAT_SECONDS / 2
        return TICK_SECONDS
