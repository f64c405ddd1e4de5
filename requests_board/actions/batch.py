"""Allot the whole backlog of a district anew (统筹): read, solve, write only the difference, in one transaction.

Killed at any point it leaves nothing; done twice under one key it is done once; two at once: the second one leaves.
"""

import time
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from audit.actions import record
from audit.jobs import enqueue
from clockwork.selectors import db_now
from common.columns import as_hex
from common.errors import Conflict
from grids.models import Area
from grids.permissions import require
from requests_board.actions.advance import write
from requests_board.actions.difference import Difference, Written, apply
from requests_board.backlog import Backlog, read
from requests_board.matching import batch
from requests_board.models import DispatchPolicy, DispatchRun
from requests_board.permissions import ENGINE, Engine

JOB = "requests_board.batch"
_ALONE = (0x6472, 1)
# So many changes of each kind are kept by name for the report; the counts count all.
NAMED = 100
# Reading again once takes up what changed during the first time; what changes again waits for the next run.
ROUNDS = 2


def order(*, key: str, actor: Any, area: Area, dry: bool = False) -> DispatchRun:
    """Write a run down and let the worker do it; the same key orders one run."""
    if not isinstance(actor, Engine):
        require(actor, "settle_at_district", area)
    with transaction.atomic():
        person = None if isinstance(actor, Engine) else actor
        row, new = DispatchRun.objects.get_or_create(key=key, defaults={"area": area, "dry": dry, "ordered_by": person})
        if new:
            record(actor=person, verb="dispatch_run.ordered", target=row, data={"dry": dry})
            enqueue(JOB, f"batch:{row.pk}", {"run": row.pk})
    return row


def run(*, key: str, actor: Any, area: Area, dry: bool = False) -> DispatchRun:
    """Do a run now; return the one that was done under this key before, if there is one.

    Refused with Conflict while another run is at work.
    """
    row = order(key=key, actor=actor, area=area, dry=dry)
    return carry_out(row.pk)


@transaction.atomic
def carry_out(pk: int) -> DispatchRun:
    """Do an ordered run, unless it is done."""
    _alone()
    row = DispatchRun.objects.select_for_update(of=("self",)).select_related("area").get(pk=pk)
    if row.done_at is not None:
        return row
    began = time.perf_counter()
    backlog, plan, change = _plan(row.area)
    values = _figures(backlog, plan, change)
    if not row.dry:
        written = apply(backlog, change, row.pk)
        for _ in range(ROUNDS - 1):
            if not written.skipped:
                break
            written = _and_then(written, _again(row))
        values |= {
            "proposed": written.made, "moved": written.moved, "dropped": written.dropped, "skipped": written.skipped
        }  # fmt: skip
    write(row, **values, done_at=db_now(), seconds=round(time.perf_counter() - began, 3))
    record(
        actor=row.ordered_by, verb="dispatch_run.done", target=row, data={"dry": row.dry, "skipped": row.skipped}
    )  # fmt: skip
    return row


def order_due() -> list[DispatchRun]:
    """Order the runs whose time of day has come, one for each district and time, where proposals wait to be asked."""
    policy = DispatchPolicy.current()
    latest = _latest(policy.batch_times)
    if policy.ask_days_ahead is None or latest is None:
        return []
    districts = Area.objects.filter(parent=None)
    return [order(key=f"clock:{area.pk}:{latest:%Y-%m-%dT%H:%M}", actor=ENGINE, area=area) for area in districts]


def _latest(times: str) -> datetime | None:
    """Return the latest of these times of day that has passed today, by the database's clock."""
    now = timezone.localtime(db_now())
    moments = [
        now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        for hour, minute in (text.split(":") for text in times.split())
    ]
    return max((moment for moment in moments if moment <= now), default=None)


def _alone() -> None:
    """Keep every other run out until the transaction ends, and let this one think longer than a page may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _ALONE)
        if not cursor.fetchone()[0]:
            raise Conflict("已经有一次统筹在算，请等它算完再点。")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '4min'; SET LOCAL statement_timeout = '2min'")


def _plan(area: Area) -> tuple[Backlog, batch.Plan, Difference]:
    backlog = read(area)
    plan = batch.solve(backlog.problem, fairness=backlog.policy.fairness)
    return backlog, plan, Difference.between(backlog, plan)


def _again(row: DispatchRun) -> Written:
    backlog, _, change = _plan(row.area)
    return apply(backlog, change, row.pk)


def _and_then(first: Written, second: Written) -> Written:
    return Written(first.made + second.made, first.moved + second.moved, first.dropped + second.dropped, second.skipped)


def _figures(backlog: Backlog, plan: batch.Plan, change: Difference) -> dict[str, Any]:
    """Return what a run says of itself: how much, how good, how even, before and after."""
    problem = backlog.problem
    stands = backlog.planned >= 0
    before = batch.shares(problem, problem.needs.quantity * stands, plan.able)
    return {
        "policy_version": backlog.policy.version, "needs": len(problem.needs), "slots": len(problem.stock),
        "served_before": int(stands.sum()), "served_after": len(plan.need),
        "proposed": len(change.made), "moved": len(change.moved), "dropped": len(change.dropped),
        "hopeless": len(change.hopeless), "worth": plan.worth, "bound": plan.bound,
        "evenness_before": batch.evenness(before), "evenness_after": plan.evenness,
        "worst_before": batch.worst(before), "worst_after": batch.worst(plan.shares),
        "changes": _changes(backlog, change),
    }  # fmt: skip


def _changes(backlog: Backlog, change: Difference) -> list[list[Any]]:
    """Return the first changes of each kind as [need, slot before, slot after], 0 for none."""
    some = np.concatenate([part[:NAMED] for part in (change.moved, change.dropped, change.made)])
    before, after = _slot_ids(backlog, backlog.planned[some]), _slot_ids(backlog, change.slot[some])
    return [list(row) for row in zip(as_hex(backlog.need_id[some]), before, after, strict=True)]


def _slot_ids(backlog: Backlog, slots: np.ndarray) -> list[int]:
    return [int(backlog.slot_id[slot]) if slot >= 0 else 0 for slot in slots.tolist()]
