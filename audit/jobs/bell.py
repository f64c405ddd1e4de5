"""The bell: tell a worker that a job waits. Nothing depends on its being heard."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import current_app
from kombu import Connection, Producer

logger = logging.getLogger(__name__)

TASK = "audit.run_job"
# After a failed ring this process stays silent for so long: the sweeper rings instead, and no page waits again.
SILENCE_SECONDS = 5.0

_guard = threading.Lock()
_silent_until = 0.0


def ring(job_ids: Iterable[int]) -> bool:
    """Send one message per job; return False, and never raise, when the broker does not take them."""
    if not _may_try():
        return False
    try:
        with current_app.producer_or_acquire() as producer:
            _send(producer, job_ids)
    except Exception as error:
        logger.warning("The broker does not answer (%s); the sweeper will ring.", type(error).__name__)
        _be_silent()
        return False
    _be_heard()
    return True


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection to the broker, for a process that rings for many jobs."""

    connection: Connection

    def waiting(self) -> int:
        """Return how many messages no worker has taken yet."""
        queue = current_app.conf.task_default_queue
        channel: Any = self.connection.default_channel  # declared as what all transports share, which is less
        return int(channel.queue_declare(queue=queue).message_count)

    def send(self, job_ids: Iterable[int]) -> None:
        """Send one message per job."""
        _send(current_app.amqp.Producer(self.connection), job_ids)


@contextmanager
def line() -> Iterator[Line]:
    """Open a fresh connection, so that a restarted broker is met anew; raise when there is none."""
    with current_app.connection_for_write() as connection:
        yield Line(connection)


def _send(producer: Producer, job_ids: Iterable[int]) -> None:
    for job_id in job_ids:
        current_app.send_task(TASK, (job_id,), producer=producer, retry=False, ignore_result=True)


def _may_try() -> bool:
    """Let one caller at a time knock while the bell is silent."""
    global _silent_until
    with _guard:
        now = time.monotonic()
        if not _silent_until:
            return True
        if now < _silent_until:
            return False
        # Moved on before the attempt: while this caller waits for a timeout, no other one does.
        _silent_until = now + SILENCE_SECONDS
        return True


def _be_silent() -> None:
    global _silent_until
    with _guard:
        _silent_until = time.monotonic() + SILENCE_SECONDS


def _be_heard() -> None:
    global _silent_until
    with _guard:
        _silent_until = 0.0
