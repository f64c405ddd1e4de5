"""Write a job in the transaction of the change that asks for it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from audit.jobs.bell import ring
from audit.jobs.payload import ids_and_numbers
from audit.models import Job

NO_DELAY = timedelta(0)
# A bell for each of very many would take longer than the sweeper does.
RUNG = 50

# ON CONFLICT leaves a known key alone without breaking the caller's transaction.
INSERT = """
    INSERT INTO audit_job (kind, key, payload, state, attempts, last_error, next_at, enqueued_at, created_at)
    VALUES (%(kind)s, %(key)s, %(payload)s::jsonb, 'pending', 0, '',
            coalesce(%(at)s::timestamptz, statement_timestamp() + %(delay)s),
            CASE WHEN %(ring)s THEN statement_timestamp() END, statement_timestamp())
    ON CONFLICT (key) DO NOTHING
    RETURNING *
"""

INSERT_MANY = """
    INSERT INTO audit_job (kind, key, payload, state, attempts, last_error, next_at, created_at)
    SELECT %(kind)s, new.key, new.payload, 'pending', 0, '', coalesce(new.at, statement_timestamp()),
           statement_timestamp()
    FROM unnest(%(keys)s::text[], %(payloads)s::jsonb[], %(at)s::timestamptz[]) AS new(key, payload, at)
    ON CONFLICT (key) DO NOTHING
    RETURNING id, next_at <= statement_timestamp()
"""


def enqueue_many(
    kind: str, keys: Sequence[str], payloads: Sequence[Mapping[str, Any]], at: Sequence[datetime | None]
) -> int:
    """Add many jobs of one kind in one statement, under the promises of `enqueue`; return how many are new.

    The first that are due at once are rung for, the sweeper rings for the others.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A job is written in the transaction of the change that asks for it.")
    if not keys:
        return 0
    written = [json.dumps(ids_and_numbers(payload)) for payload in payloads]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MANY, {"kind": kind, "keys": list(keys), "payloads": written, "at": list(at)})
        rows = cursor.fetchall()
    due = [pk for pk, now in rows if now][:RUNG]
    if due:
        transaction.on_commit(partial(ring, due), robust=True)
    return len(rows)


def enqueue(
    kind: str,
    key: str,
    payload: Mapping[str, Any] | None = None,
    *,
    delay: timedelta = NO_DELAY,
    at: datetime | None = None,
) -> Job | None:
    """Add the job `key` to the caller's transaction and ring for it after the commit.

    A known `key` stays as it is, and None comes back. Refused outside a transaction.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A job is written in the transaction of the change that asks for it.")
    at_once = at is None and not delay
    values = {
        "kind": kind,
        "key": key,
        "payload": json.dumps(ids_and_numbers(payload or {})),
        "at": at,
        "delay": delay,
        "ring": at_once,
    }
    job = next(iter(Job.objects.raw(INSERT, values)), None)
    if job is not None and at_once:
        transaction.on_commit(partial(ring, [job.pk]), robust=True)
    return job
