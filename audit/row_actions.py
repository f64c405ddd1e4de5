"""Many rows of one registry written at once, each with its event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import models, transaction

from audit.actions import DELIVER, who
from audit.jobs import enqueue
from audit.jobs.payload import ids_and_numbers
from audit.models import Event, PersonalDataRead
from audit.registry import handlers_of
from common.rows import insert_rows

_BATCH = 1000
Words = Callable[[Any], str]


def record_rows(
    *, verb: str, rows: Iterable[tuple[models.Model, str, str]], actor: Any, data: dict[str, Any] | None = None
) -> None:
    """Add one event for each (row, before, after) to the caller's transaction."""
    actor_id, actor_label = who(actor)
    events = [
        Event(
            actor_id=actor_id, actor_label=actor_label, verb=verb, target_type=row._meta.label_lower,
            target_id=str(row.pk), before=before, after=after, scope_path=getattr(row, "scope_path", "") or "",
            data=ids_and_numbers(data or {}),
        )
        for row, before, after in rows
    ]  # fmt: skip
    insert_rows(events)
    for event in events:
        for name in handlers_of(verb):
            enqueue(DELIVER, f"event:{event.pk}:{name}", {"event": event.pk, "handler": name})


@transaction.atomic
def add_rows(rows: Sequence[Any], *, verb: str, actor: Any, words: Words = str) -> None:
    """Insert rows that have their keys."""
    if rows:
        # Through the manager: rows of a place learn there where they lie.
        type(rows[0])._default_manager.bulk_create(rows, batch_size=_BATCH)
        record_rows(verb=verb, rows=((row, "", words(row)) for row in rows), actor=actor)


@transaction.atomic
def change_rows(changed: Sequence[tuple[Any, str, str]], *, fields: Iterable[str], verb: str, actor: Any) -> None:
    """Write `fields` of rows that the caller has locked, each with the words of its event (before, after).

    Goes through an insert that finds its row there, because sealed columns are written through instances only.
    """
    if not changed:
        return
    rows = [row for row, _, _ in changed]
    names = sorted({*fields})
    if names:
        model = type(rows[0])
        key = model._meta.pk.name
        model._default_manager.bulk_create(
            rows, batch_size=_BATCH, update_conflicts=True, unique_fields=[key], update_fields=names
        )
    record_rows(verb=verb, rows=changed, actor=actor)


@transaction.atomic
def remove_rows(rows: Sequence[Any], *, verb: str, actor: Any, words: Words = str) -> None:
    """Delete rows that nothing points at, and what belongs to them."""
    if rows:
        record_rows(verb=verb, rows=[(row, words(row), "") for row in rows], actor=actor)
        type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows]).delete()


def record_reads(*, actor: Any, subject_type: str, reads: Iterable[tuple[Any, str]], purpose: str) -> None:
    """Note that `actor` is about to see many personal values (id, field), and commit before they are shown."""
    actor_id, actor_label = who(actor)
    with transaction.atomic(durable=True):
        PersonalDataRead.objects.bulk_create(
            [
                PersonalDataRead(
                    actor_id=actor_id, actor_label=actor_label, subject_type=subject_type, subject_id=str(key),
                    field=field, purpose=purpose,
                )
                for key, field in reads
            ],
            batch_size=_BATCH,
        )  # fmt: skip
