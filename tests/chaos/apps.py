"""What the harness changes inside the processes it starts; the product has no switch for any of it."""

import os
import random
from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig

TRIPLED = 0.2

# The jobs engine without its guard: no look at state and lease, no lock on the row, no fencing token.
CLAIM = """
    UPDATE audit_job SET state = 'running', attempts = attempts + 1, lease_until = statement_timestamp() + %(lease)s
    WHERE id = %(id)s RETURNING attempts, kind, payload::text
"""
HOLD = "SELECT id FROM audit_job WHERE id = %(id)s"
FINISH = "UPDATE audit_job SET state = 'done', done_at = clock_timestamp(), lease_until = NULL WHERE id = %(id)s"


class Guarded(AppConfig):
    """The product as it is; only the bell rings three times for every fifth job."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        """Put the loud bell in place of the real one."""
        from audit.jobs import bell

        bell._send = loud(bell._send)


class Unguarded(Guarded):
    """The control: whoever gets a message does the job."""

    def ready(self) -> None:
        """Take the guard away."""
        from audit.jobs import run

        super().ready()
        run.CLAIM, run.HOLD, run.FINISH = CLAIM, HOLD, FINISH


def loud(send: Any) -> Any:
    """Return `send` with every fifth job's message sent three times; the seed says which."""
    seed = os.environ.get("CHAOS_SEED", "0")

    def times(job_id: int) -> int:
        return 3 if random.Random(f"{seed}:{job_id}").random() < TRIPLED else 1

    def send_loudly(producer: Any, job_ids: Iterable[int]) -> None:
        send(producer, (job_id for job_id in job_ids for _ in range(times(job_id))))

    return send_loudly
