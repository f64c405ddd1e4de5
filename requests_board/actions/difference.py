"""Write what a plan changes, in bulk: proposals made, moved and let go; never what is held or promised.

Everything is guarded by versions: who was faster keeps what he did, and is only counted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import connection

from audit.actions import record_many
from audit.jobs import enqueue_many
from common.columns import as_hex
from grids.placed import hold_paths
from requests_board import workflow
from requests_board.actions import dispatch
from requests_board.actions.advance import advance_many
from requests_board.asking import Asking
from requests_board.backlog import Backlog, reasons
from requests_board.matching.batch import Plan
from requests_board.models import Allocation, ResourceRequest
from requests_board.permissions import ENGINE
from requests_board.workflow import AllocationStatus, Severity

# Never wait for a need that somebody works on: it has changed by the time it is free.
_LOCK = """
    SELECT replace(old.id::text, '-', '') FROM requests_board_resourcerequest AS old
    JOIN unnest(%s::uuid[], %s::int[]) AS seen(id, version) ON old.id = seen.id AND old.version = seen.version
    ORDER BY old.id FOR UPDATE OF old SKIP LOCKED
"""
_FREE = "SELECT id, capacity - used FROM partners_resourceslot WHERE id = ANY(%s)"
_INSERT = f"""
    INSERT INTO requests_board_allocation (id, area_id, scope_path, resource_request_id, resource_id, slot_id,
        partner_id, quantity, status, policy_version, reasons, asks, ask_at, decline_note, rating, comment, version)
    SELECT new.id, need.area_id, need.scope_path, need.id, slot.resource_id, slot.id, resource.partner_id,
           need.quantity, '{AllocationStatus.PROPOSED}', %s, new.reasons, 0, new.ask_at, '', 'none', '', 1
    FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::jsonb[], %s::timestamptz[])
         AS new(id, need, slot, reasons, ask_at)
    JOIN requests_board_resourcerequest AS need ON need.id = new.need
    JOIN partners_resourceslot AS slot ON slot.id = new.slot
    JOIN partners_resource AS resource ON resource.id = slot.resource_id
    RETURNING id::text, scope_path, version
"""  # noqa: S608  a constant of ours


@dataclass(frozen=True, slots=True)
class Difference:
    """What a plan changes: needs (indices) that get a first slot, another one, or none any more; `slot` for each."""

    slot: np.ndarray
    made: np.ndarray
    moved: np.ndarray
    dropped: np.ndarray
    hopeless: np.ndarray

    @classmethod
    def between(cls, backlog: Backlog, plan: Plan) -> Difference:
        """Compare a plan with what is proposed now."""
        slot = np.full(len(backlog.need_id), -1, dtype=np.int64)
        slot[plan.need] = plan.slot
        now, later = backlog.planned != -1, slot >= 0
        return cls(
            slot=slot, made=np.flatnonzero(later & ~now), moved=np.flatnonzero(later & now & (slot != backlog.planned)),
            dropped=np.flatnonzero(now & ~later), hopeless=np.flatnonzero(~plan.able),
        )  # fmt: skip

    @property
    def touched(self) -> np.ndarray:
        """Return every need that is changed."""
        return np.concatenate([self.made, self.moved, self.dropped])


@dataclass(slots=True)
class Written:
    """How many took their step, and how many had changed before they could."""

    made: int = 0
    moved: int = 0
    dropped: int = 0
    skipped: int = 0


def apply(backlog: Backlog, change: Difference, run: int) -> Written:
    """Write the difference inside the caller's transaction; skip what has changed since the read."""
    hold_paths()
    standing = _locked(backlog, change.touched)
    standing &= _roomy(backlog, change)
    pen = _Pen(backlog, change, run)
    written = Written(
        made=pen.make(change.made[standing[change.made]]),
        moved=pen.move(change.moved[standing[change.moved]]),
        dropped=pen.drop(change.dropped[standing[change.dropped]]),
    )
    written.skipped = len(change.touched) - written.made - written.moved - written.dropped
    pen.send_on(change.hopeless)
    return written


def _locked(backlog: Backlog, touched: np.ndarray) -> np.ndarray:
    """Lock the needs that are as they were read; return which."""
    keys = as_hex(backlog.need_id[touched])
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [keys, backlog.need_version[touched].tolist()])
        found = {key for (key,) in cursor.fetchall()}
    still = np.zeros(len(backlog.need_id), dtype=bool)
    still[touched[np.fromiter((key in found for key in keys), dtype=bool, count=len(keys))]] = True
    return still


def _roomy(backlog: Backlog, change: Difference) -> np.ndarray:
    """Return for which needs their new slot still has room, beside all others that the plan puts there."""
    new = np.concatenate([change.made, change.moved])
    fits = np.ones(len(backlog.need_id), dtype=bool)
    with connection.cursor() as cursor:
        cursor.execute(_FREE, [backlog.slot_id[np.unique(change.slot[new])].tolist()])
        now = dict(cursor.fetchall())
    left = {slot: now.get(int(backlog.slot_id[slot]), 0) for slot in np.unique(change.slot[new]).tolist()}
    fewer = {slot for slot, free in left.items() if free < backlog.problem.stock.free[slot]}
    quantity = backlog.problem.needs.quantity
    for need in np.flatnonzero(np.isin(change.slot, list(fewer))) if fewer else ():
        slot = int(change.slot[need])
        left[slot] -= int(quantity[need])
        fits[need] = left[slot] >= 0
    return fits


class _Pen:
    """Writes the three kinds of change."""

    def __init__(self, backlog: Backlog, change: Difference, run: int) -> None:
        self.backlog, self.change = backlog, change
        self.data = {"run": run, "policy": backlog.policy.version}
        self.asking = Asking.of(backlog.policy)
        self.released: set[int] = set()

    def make(self, some: np.ndarray) -> int:
        """Propose for needs that had nothing."""
        if not len(some):
            return 0
        backlog, slots = self.backlog, self.change.slot[some]
        ids, needs, asks = [uuid4().hex for _ in some], as_hex(backlog.need_id[some]), self._ask_times(some)
        told = reasons(backlog, some, slots)
        with connection.cursor() as cursor:
            values = [backlog.policy.version, ids, needs, backlog.slot_id[slots].tolist(), told, asks]
            cursor.execute(_INSERT, values)
            rows = cursor.fetchall()
        proposed = AllocationStatus.PROPOSED
        record_many(rows, verb="allocation.proposed", model=Allocation, after=proposed, data=self.data)
        self._step(ResourceRequest, workflow.MATCH, some, needs, backlog.need_version)
        self._will_ask(list(zip(ids, [1] * len(ids), needs, asks, strict=True)))
        return len(rows)

    def move(self, some: np.ndarray) -> int:
        """Put proposals on other slots."""
        if not len(some):
            return 0
        backlog, slots, asks = self.backlog, self.change.slot[some], self._ask_times(some)
        offers = [backlog.offers[row] for row in backlog.problem.stock.resource[slots]]
        columns = {
            "slot_id": ("bigint", backlog.slot_id[slots].tolist()),
            "resource_id": ("uuid", [offer.pk.hex for offer in offers]),
            "partner_id": ("uuid", [offer.partner_id.hex for offer in offers]),
            "reasons": ("jsonb", reasons(backlog, some, slots)), "ask_at": ("timestamptz", asks),
            "policy_version": ("int", [backlog.policy.version] * len(some)),
        }  # fmt: skip
        keys = as_hex(backlog.allocation_id[some])
        taken = self._step(Allocation, workflow.MOVE, some, keys, backlog.allocation_version, columns)
        versions = (backlog.allocation_version[some] + 1).tolist()
        rows = zip(keys, versions, as_hex(backlog.need_id[some]), asks, strict=True)
        self._will_ask([row for row in rows if row[0] in taken])
        return len(taken)

    def drop(self, some: np.ndarray) -> int:
        """Let proposals go for the good of others; their needs wait for the next run."""
        if not len(some):
            return 0
        backlog = self.backlog
        keys = as_hex(backlog.allocation_id[some])
        taken = self._step(Allocation, workflow.DROP, some, keys, backlog.allocation_version)
        # A need keeps its version while its allocation is held: only those whose proposal did go are set free.
        free = some[np.fromiter((key in taken for key in keys), dtype=bool, count=len(keys))]
        self._step(ResourceRequest, workflow.RELEASE, free, as_hex(backlog.need_id[free]), backlog.need_version)
        self.released |= set(free.tolist())
        return len(free)

    def send_on(self, hopeless: np.ndarray) -> None:
        """Let the online way deal with needs that nothing can serve, and with those that no later run would take up."""
        backlog = self.backlog
        again = set(hopeless[backlog.planned[hopeless] == -1].tolist()) | (set(hopeless.tolist()) & self.released)
        if not backlog.policy.batch_times:
            again |= self.released
        some = np.array(sorted(again), dtype=np.int64)
        keys = [_uuid(key) for key in as_hex(backlog.need_id[some])]
        versions = [int(backlog.need_version[at]) + (at in self.released) for at in some.tolist()]
        names = [f"dispatch:{key}:{version}" for key, version in zip(keys, versions, strict=True)]
        enqueue_many(dispatch.JOB, names, [{"need": key} for key in keys], [None] * len(keys))

    def _step(
        self, model: type, step: Any, some: np.ndarray, keys: list[str], versions: np.ndarray, columns: Any = None
    ) -> set[str]:
        rows = dict(zip(keys, versions[some].tolist(), strict=True))
        return advance_many(model, step, rows, actor=ENGINE, reason="统筹调整", data=self.data, columns=columns)

    def _ask_times(self, some: np.ndarray) -> list[datetime]:
        backlog = self.backlog
        slots = self.change.slot[some]
        urgent = backlog.urgent[some].tolist()
        starts, resource = backlog.starts[slots].tolist(), backlog.problem.stock.resource[slots].tolist()
        return [
            self.asking.at(
                Severity.URGENT if urgent[at] else Severity.ROUTINE, datetime.fromtimestamp(starts[at] / 1e6, UTC),
                backlog.offers[resource[at]].notice_days,
            ) or backlog.now
            for at in range(len(some))
        ]  # fmt: skip

    def _will_ask(self, rows: list[tuple[str, int, str, datetime]]) -> None:
        """Write the job that asks for each (allocation, version, need, time)."""
        names = [dispatch.ask_key(_uuid(key), version) for key, version, _, _ in rows]
        payloads = [{"need": _uuid(need)} for _, _, need, _ in rows]
        enqueue_many(dispatch.JOB, names, payloads, [at for _, _, _, at in rows])


def _uuid(key: str) -> str:
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
