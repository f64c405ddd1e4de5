"""Ring again for what was not heard, and bury what has killed its worker too often.

Every predicate is open-ended ("older than"): however long everything was down, nothing falls out of a window.
Any number of sweepers may run; each skips the rows that another one or a worker has locked.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from audit.jobs import bell
from audit.jobs.limits import LOUD_ENOUGH, MAX_ATTEMPTS, SWEEP_LIMIT

logger = logging.getLogger(__name__)

DUE = """
    state IN ('pending', 'running') AND next_at <= statement_timestamp() AND attempts < %(most)s
    AND (lease_until IS NULL OR lease_until < statement_timestamp())
"""
# As many messages as jobs that are due are enough: more would be second ones for the same jobs, and the workers, who
# are behind, would have to hear them out. Those rung for longest ago come first, so that after an outage nobody is
# rung for twice before everybody was once.
COLLECT = f"""
    UPDATE audit_job SET enqueued_at = statement_timestamp()
    WHERE id IN (
        SELECT id FROM audit_job
        WHERE {DUE} AND (enqueued_at IS NULL OR enqueued_at < statement_timestamp() - %(again)s)
        ORDER BY enqueued_at NULLS FIRST, next_at
        LIMIT least(%(limit)s, greatest(0, (SELECT count(*) FROM audit_job WHERE {DUE}) - %(waiting)s))
        FOR UPDATE SKIP LOCKED)
    RETURNING id
"""  # noqa: S608  DUE is a constant of ours
# A job that ends its worker never gets to say so: its last lease simply runs out.
BURY = """
    UPDATE audit_job
    SET state = 'dead', lease_until = NULL, last_error = coalesce(nullif(last_error, ''), 'WorkerLost')
    WHERE id IN (
        SELECT id FROM audit_job
        WHERE state = 'running' AND attempts >= %(most)s AND lease_until < statement_timestamp()
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


def sweep() -> int:
    """Do one round and return how many jobs were rung for; raise when database or broker do not answer."""
    for job_id in _write(BURY, SWEEP_LIMIT):
        logger.error("Job %s stopped after %s attempts that ended its worker.", job_id, MAX_ATTEMPTS)
    # Asked before any row is marked as rung for: with a dead broker all of them stay due for the next round.
    with bell.line() as line:
        waiting = line.waiting()
        room = min(SWEEP_LIMIT, LOUD_ENOUGH - waiting)
        if room <= 0:
            return 0
        job_ids = _write(COLLECT, room, waiting)
        line.send(job_ids)
    return len(job_ids)


def _write(statement: str, limit: int, waiting: int = 0) -> list[int]:
    again = settings.JOB_RING_AGAIN
    values: dict[str, Any] = {"most": MAX_ATTEMPTS, "again": again, "limit": limit, "waiting": waiting}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]
