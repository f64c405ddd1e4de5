"""Run one job: claim it, do it and mark it done in one transaction, or write down why it failed.

Only the database's clock counts. Two things keep a job from taking effect twice: while it runs its row is locked,
so that nobody else can claim it; and it may be marked done only under the attempt number it was claimed with.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from audit.jobs.limits import BACKOFF, MAX_ATTEMPTS
from audit.registry import function_for

logger = logging.getLogger(__name__)

# SKIP LOCKED: a row that somebody is working on is not worth waiting for.
CLAIM = """
    UPDATE audit_job
    SET state = 'running', attempts = attempts + 1, lease_until = statement_timestamp() + %(lease)s
    WHERE id = (
        SELECT id FROM audit_job
        WHERE id = %(id)s AND next_at <= statement_timestamp() AND attempts < %(most)s
          AND (state = 'pending' OR (state = 'running' AND lease_until < statement_timestamp()))
        FOR UPDATE SKIP LOCKED)
    RETURNING attempts, kind, payload::text
"""
HOLD = "SELECT id FROM audit_job WHERE id = %(id)s AND state = 'running' AND attempts = %(token)s FOR UPDATE"
FINISH = """
    UPDATE audit_job
    SET state = 'done', done_at = clock_timestamp(), lease_until = NULL, last_error = ''
    WHERE id = %(id)s AND state = 'running' AND attempts = %(token)s
"""
# %(error)s is cut by the caller; enqueued_at is emptied so that the sweeper rings as soon as the job is due.
FAIL = f"""
    UPDATE audit_job
    SET state = CASE WHEN attempts >= %(most)s THEN 'dead' ELSE 'pending' END,
        next_at = statement_timestamp() + {BACKOFF}, lease_until = NULL, enqueued_at = NULL, last_error = %(error)s
    WHERE id = %(id)s AND state = 'running' AND attempts = %(token)s
"""  # noqa: S608  BACKOFF is a constant of ours


class LostClaim(Exception):
    """Somebody else holds the job by now: what was done here must be rolled back."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to finish one job, as long as no younger claim exists."""

    job_id: int
    token: int
    kind: str
    payload: dict[str, Any]


def run(job_id: int) -> bool:
    """Do the job once; return False when it is not there to be done, failed, or the database went away."""
    try:
        mine = claim(job_id)
        return mine is not None and _attempt(mine)
    except (OperationalError, InterfaceError) as error:
        # One line and no trace: during an outage every message in the queue meets it within the same second.
        logger.warning("Job %s: no database (%s); the sweeper will ring.", job_id, type(error).__name__)
        return False


def _attempt(mine: Claim) -> bool:
    """Do what was claimed, or write down why it failed; raise only when not even that can be written."""
    try:
        perform(mine)
    except LostClaim:
        return False
    except Exception as error:
        name = type(error).__name__
        logger.warning("Job %s (%s), attempt %s: %s", mine.job_id, mine.kind, mine.token, name, exc_info=True)
        fail(mine, error)
        return False
    return True


def claim(job_id: int) -> Claim | None:
    """Take the job if it is due and nobody works on it."""
    values: dict[str, Any] = {"id": job_id, "lease": settings.JOB_LEASE, "most": MAX_ATTEMPTS}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        row = cursor.fetchone()
    return Claim(job_id, row[0], row[1], json.loads(row[2])) if row else None


def perform(mine: Claim) -> None:
    """Do the job's effect and mark it done, both or neither; raise LostClaim when another claim is younger."""
    with transaction.atomic():
        _must_change_one(HOLD, mine)
        _allow_long_work()
        function_for(mine.kind)(mine.payload)
        _must_change_one(FINISH, mine)


def fail(mine: Claim, error: Exception) -> None:
    """Put the job back for later, or bury it after the last attempt."""
    # Some errors quote the row they met; the class and the place are enough, the full text is in the worker's log.
    values: dict[str, Any] = {"id": mine.job_id, "token": mine.token, "most": MAX_ATTEMPTS, "error": describe(error)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FAIL, values)


def describe(error: Exception) -> str:
    """Say what went wrong without quoting data: the error's class and the line it came from."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{code.co_qualname if hasattr(code, 'co_qualname') else code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} @ {place}"


def _allow_long_work() -> None:
    """Give a job's statements more time than a page's; the worker's hard time limit still ends it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '230s'")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")


def _must_change_one(statement: str, mine: Claim) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": mine.job_id, "token": mine.token})
        if cursor.rowcount != 1:
            raise LostClaim(mine.job_id)
