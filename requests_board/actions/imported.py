"""Requests that another system took in first: written in bulk, corrected while they are open, nobody is told."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from audit.row_actions import change_rows, record_rows
from clockwork.selectors import db_now, deadline, due_at
from common.errors import Conflict, Invalid
from common.tables.cells import one_form
from grids.permissions import within_reach
from requests_board import workflow
from requests_board.actions.advance import ALPHABET, TRIES, broken
from requests_board.actions.requests import submit_request
from requests_board.models import RequestCategory, ServiceRequest
from requests_board.workflow import Channel, Severity

_BATCH = 500
# Sealed columns take their blind indexes with them.
_WITH_INDEX = {"phone": ("phone", "phone_index", "phone_last4_index")}


class Limits:
    """The limits for getting things done, asked once for each kind of matter and each day."""

    def __init__(self) -> None:
        self.now = db_now()
        self.accept = deadline("request.accept", self.now)
        self.categories = RequestCategory.objects.in_bulk()
        self._known: dict[Any, datetime] = {}

    def resolve(self, code: str | None, severity: str, start: datetime) -> datetime:
        """Return until when a matter that came in at `start` is to be done; counted from its quarter of an hour."""
        start = start.replace(minute=start.minute - start.minute % 15, second=0, microsecond=0)
        key = (code, severity == Severity.URGENT, start)
        if key not in self._known:
            self._known[key] = self._resolve(self.categories.get(code or ""), severity, start)
        return self._known[key]

    @staticmethod
    def _resolve(category: RequestCategory | None, severity: str, start: datetime) -> datetime:
        if severity == Severity.URGENT:
            return deadline("request.resolve_urgent", start)
        if category is None:
            return deadline("request.resolve", start)
        return due_at(start, category.limit_amount, category.limit_unit)


def take_in_once(*, actor: Any, source: str, external_id: str, **details: Any) -> tuple[ServiceRequest, bool]:
    """Take in what another system took in first, once under its number; tell whether it is new.

    Under a number that is known nothing is written. Refuse a system without a number, a number without a system, and a
    number that is known elsewhere.
    """
    source, external_id = one_form(source), one_form(external_id)
    if not (source and external_id):
        missing = "external_id" if source else "source"
        raise Invalid("来源系统和外部编号要一起写。", field=missing)
    known = ServiceRequest.objects.filter(source=source, external_id=external_id)
    if not known.exists():
        try:
            with transaction.atomic():
                return submit_request(actor=actor, source=source, external_id=external_id, **details), True
        except IntegrityError as error:
            # Somebody else was faster by a moment; whatever else is wrong stays wrong.
            if broken(error) != "request_external_once":
                raise
    found = known.filter(within_reach(actor, "handle_request")).first()
    if found is None:
        raise Conflict(f"外部编号“{external_id}”已经登记在别的地方了，请核对。", field="external_id")
    return found, False


@transaction.atomic
def take_in_many(rows: Sequence[ServiceRequest], *, actor: Any) -> None:
    """Insert requests of another system; what is due counts from now, because now we have them."""
    limits = Limits()
    numbers = _numbers(len(rows))
    for row, number in zip(rows, numbers, strict=True):
        row.number, row.channel, row.recorded_by = number, Channel.IMPORT, actor
        row.created_at = row.created_at if isinstance(row.created_at, datetime) else limits.now
        row.due_at, row.resolve_due_at = limits.accept, limits.resolve(row.category_id, row.severity, limits.now)
    ServiceRequest.objects.bulk_create(rows, batch_size=_BATCH)
    record_rows(verb=workflow.SUBMIT.verb, rows=[(row, "", row.status) for row in rows], actor=actor,
                data={"version": 1, "imported": 1})  # fmt: skip


@transaction.atomic
def correct_many(
    changed: Sequence[tuple[ServiceRequest, str, str]], *, fields: set[str], verb: str, actor: Any
) -> None:
    """Write what the other system says now about open requests that the caller has locked."""
    limits = Limits()
    for row, _, _ in changed:
        row.version += 1
        if fields & {"category_id", "severity"}:
            follows = row.due_at == row.resolve_due_at
            row.resolve_due_at = limits.resolve(row.category_id, row.severity, row.created_at)
            row.due_at = row.resolve_due_at if follows else row.due_at
    names = {name for field in fields for name in _WITH_INDEX.get(field, (field,))}
    names |= {"version", "resolve_due_at", "due_at"}
    change_rows(changed, fields=names, verb=verb, actor=actor)


def _numbers(amount: int) -> list[str]:
    """Return fresh numbers of date and random letters."""
    day, found = f"{localtime(db_now()):%m%d}", set[str]()
    for _ in range(TRIES):
        while len(found) < amount:
            found.add(f"{day}-" + "".join(secrets.choice(ALPHABET) for _ in range(5)))
        taken = ServiceRequest.objects.filter(number__startswith=f"{day}-").filter(number__in=found)
        used = set(taken.values_list("number", flat=True))
        if not used:
            return list(found)
        found -= used
    raise Conflict("编号正忙，请再导入一次。")
