"""The only writers of the trail, of signs of life, and of what an official may do to a job."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError

from audit.jobs import enqueue, enqueue_many
from audit.jobs.bell import ring
from audit.jobs.payload import ids_and_numbers
from audit.models import Event, Heartbeat, IdempotencyKey, Job, JobState, PersonalDataRead
from audit.registry import handlers_of
from common import access
from common.errors import Conflict, Invalid
from common.fields import EncryptedTextField
from common.versions import require_unchanged

DELIVER = "audit.deliver"
SYSTEM = "系统"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts without an account, such as a resident who holds a tracking link."""

    id: UUID | None
    label: str


class Person(Protocol):
    """A user account, as far as the trail needs to know it."""

    pk: Any

    def get_username(self) -> str:
        """Return the name to sign in with."""
        ...


def record(
    *,
    verb: str,
    target: models.Model | None,
    actor: Actor | Person | None = None,
    before: str = "",
    after: str = "",
    reason: str = "",
    on_behalf_of: str = "",
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Add an event to the caller's transaction, and one delivery for each handler that listens to `verb`.

    Refused outside a transaction. `data` takes ids and numbers only.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("An event is recorded in the transaction of the change it tells of.")
    actor_id, actor_label = who(actor)
    event = Event.objects.create(
        actor_id=actor_id,
        actor_label=actor_label,
        on_behalf_of=on_behalf_of,
        verb=verb,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        before=before,
        after=after,
        reason=reason,
        scope_path=getattr(target, "scope_path", "") or "",
        data=ids_and_numbers(data or {}),
    )
    for name in handlers_of(verb):
        enqueue(DELIVER, f"event:{event.pk}:{name}", {"event": event.pk, "handler": name})
    return event


_RECORD_MANY = """
    INSERT INTO audit_event (at, actor_id, actor_label, on_behalf_of, verb, target_type, target_id, before, after,
                             reason, scope_path, data)
    SELECT statement_timestamp(), %(actor_id)s::uuid, %(actor_label)s, '', %(verb)s, %(target_type)s, new.id,
           %(before)s, %(after)s, %(reason)s, new.path, %(data)s::jsonb || jsonb_build_object('version', new.version)
    FROM unnest(%(ids)s::text[], %(paths)s::text[], %(versions)s::int[]) AS new(id, path, version)
    RETURNING id
"""


def record_many(
    rows: Sequence[tuple[object, str, int]], *, verb: str, model: type[models.Model],
    actor: Actor | Person | None = None, before: str = "", after: str = "", reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> int:  # fmt: skip
    """Add the same event for many rows of one model, each (key, scope path, version), under the promises of `record`.

    Return how many. One statement for the events and one for each handler that listens, however many rows.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("An event is recorded in the transaction of the change it tells of.")
    if not rows:
        return 0
    actor_id, actor_label = who(actor)
    keys, paths, versions = zip(*rows, strict=True)
    values = {
        "actor_id": str(actor_id) if actor_id else None, "actor_label": actor_label, "verb": verb, "before": before,
        "after": after, "reason": reason, "target_type": model._meta.label_lower, "ids": [str(key) for key in keys],
        "paths": list(paths), "versions": list(versions), "data": json.dumps(ids_and_numbers(data or {})),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_MANY, values)
        events = [pk for (pk,) in cursor.fetchall()]
    for name in handlers_of(verb):
        payloads = [{"event": pk, "handler": name} for pk in events]
        enqueue_many(DELIVER, [f"event:{pk}:{name}" for pk in events], payloads, [None] * len(events))
    return len(events)


@transaction.atomic
def keep(
    row: models.Model,
    *,
    verb: str,
    actor: Actor | Person | None = None,
    seen: str | None = None,
    reason: str = "",
    kept: Iterable[models.Model] = (),
    gone: Iterable[models.Model] = (),
    check: Callable[[models.Model], None] = lambda stored: None,
) -> models.Model:
    """Store a row as it is filled in, with rows below it (`kept`, `gone`), and tell which columns changed.

    Refuses what the row's own rules refuse, and a row that is no longer the one that was seen (`seen` is its
    fingerprint). `check` is asked about the stored row, under its lock, before anything is written.
    """
    before = _locked(row)
    if before is not None:
        require_unchanged(before, seen)
        check(before)
    changed = [field for field in row._meta.concrete_fields if before is None or _differs(field, before, row)]
    below = [*kept, *gone]
    if before is not None and not changed and not below:
        return row
    _store(row, [] if before is None else [field.name for field in changed], kept, gone)
    shown = [field for field in changed if before is not None and field.editable]
    record(
        actor=actor,
        verb=verb,
        target=row,
        before=_words(shown, before) if before is not None else "",
        after=_words(shown, row) if before is not None else str(row),
        reason=reason,
        data={"rows": len(below)} if below else None,
    )
    return row


@transaction.atomic
def remove(row: models.Model, *, verb: str, actor: Actor | Person | None = None, reason: str = "") -> None:
    """Delete a set-up row that nothing points at; refuse one that is in use."""
    record(actor=actor, verb=verb, target=row, before=str(row), reason=reason)
    try:
        with transaction.atomic():
            row.delete()
    except IntegrityError as error:
        raise Conflict(f"“{row}”还有地方在用，不能删除。") from error


def _locked(row: models.Model) -> Any:
    if row._state.adding:
        return None
    return type(row)._default_manager.select_for_update(of=("self",)).filter(pk=row.pk).first()


def _differs(field: Any, before: Any, row: Any) -> bool:
    return bool(getattr(before, field.attname) != getattr(row, field.attname))


def _store(
    row: models.Model, columns: list[str], kept: Iterable[models.Model], gone: Iterable[models.Model]
) -> None:
    try:
        row.full_clean()
        with transaction.atomic():
            if row._state.adding:
                row.save(force_insert=True)
            elif columns:
                row.save(update_fields=columns)
            for child in gone:
                child.delete()
            for child in kept:
                child.save()
    except ValidationError as error:
        name, sentences = next(iter(error.message_dict.items()))
        raise Invalid(sentences[0], field="" if name == "__all__" else name) from error
    except IntegrityError as error:
        raise Conflict("和已有的内容冲突，没有保存。请刷新页面，看过最新内容再改。") from error


def _words(fields: Iterable[Any], row: Any) -> str:
    """Return columns and values for people to read; what is sealed stays unsaid."""
    return "；".join(
        f"{field.verbose_name}：{'（不显示）' if isinstance(field, EncryptedTextField) else _said(field, row)}"
        for field in fields
    )


def _said(field: Any, row: Any) -> str:
    value = getattr(row, field.name)
    return str(dict(field.flatchoices).get(value, "—" if value in {None, ""} else value))


def record_read(
    *, actor: Actor | Person, subject_type: str, subject_id: object, field: str, purpose: str
) -> PersonalDataRead:
    """Note that `actor` is about to see a personal value, and commit before it is shown.

    Refused inside a transaction: a rollback would take the trace away but not what was seen.
    """
    actor_id, actor_label = who(actor)
    with transaction.atomic(durable=True):
        return PersonalDataRead.objects.create(
            actor_id=actor_id,
            actor_label=actor_label,
            subject_type=subject_type,
            subject_id=str(subject_id),
            field=field,
            purpose=purpose,
        )


def who(actor: Actor | Person | None) -> tuple[UUID | None, str]:
    """Return id and label of `actor`; nobody is the system itself."""
    if actor is None:
        return None, SYSTEM
    if isinstance(actor, Actor):
        return actor.id, actor.label
    label = getattr(actor, "display_name", "") or actor.get_username()
    if key := access.narrowing_of(actor):
        label = f"{label}（令牌：{key.label}）"
    return (actor.pk if isinstance(actor.pk, UUID) else None), label[:150]


def retry(job: Job, *, actor: Actor | Person) -> bool:
    """Give a dead job ten new attempts; return False when it is not dead (any more)."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state=JobState.DEAD).update(
            state=JobState.PENDING, attempts=0, next_at=Now(), enqueued_at=Now(), lease_until=None
        )
        if changed:
            record(actor=actor, verb="job.retried", target=job, before=JobState.DEAD, after=JobState.PENDING)
            transaction.on_commit(partial(ring, [job.pk]), robust=True)
    return bool(changed)


def beat(name: str, detail: str = "") -> None:
    """Leave a sign of life of the process kind `name`, by the database's clock."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now(), detail=detail[:200])],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "detail"],
    )


def forget_done_jobs(*, kinds: str = "", older_than: timedelta = timedelta(days=30)) -> int:
    """Delete done jobs whose kind begins with `kinds`; their keys are free again afterwards."""
    old = Job.objects.filter(state=JobState.DONE, done_at__lt=Now() - older_than, kind__startswith=kinds)
    return old.delete()[0]


def keep_answer(actor_id: UUID, key: str, fingerprint: str, status: int, headers: dict[str, str], body: str) -> None:
    """Keep what a call was answered, in the transaction of its effect."""
    IdempotencyKey.objects.create(
        actor_id=actor_id, key=key, fingerprint=fingerprint, status=status, headers=headers, body=body
    )


def forget_key(row: IdempotencyKey) -> None:
    """Give a key free whose time is over."""
    row.delete()


def forget_old_keys() -> int:
    """Delete the answers whose time is over."""
    return IdempotencyKey.objects.filter(expires_at__lt=Now()).delete()[0]
