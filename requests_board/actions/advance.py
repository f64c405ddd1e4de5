"""The one way along the tables of `workflow`: lock, check rule and right, write what changed, leave a trace."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, models, transaction
from django.utils.timezone import localtime

from audit.actions import Actor, record, record_many
from clockwork.selectors import db_now
from common.errors import Conflict
from common.workflow import Step
from requests_board.permissions import Engine, LinkHolder, require_step

M = TypeVar("M", bound=Any)

# No letters or digits that are mistaken for one another when read out over the phone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
TRIES = 8
# More of a reason nobody reads, and every page that tells the story would carry it.
MAX_REASON = 500


@transaction.atomic
def advance(row: M, step: Step, *, actor: Any, reason: str = "", version: int | None = None, **changes: Any) -> M:
    """Take one step with `row` and return it as it stands now.

    Refuse with StepNotAllowed (state), NotAllowed (right) or Conflict (`version` is not the newest).
    """
    locked = type(row)._default_manager.select_for_update(of=("self",)).get(pk=row.pk)
    if version is not None and locked.version != version:
        raise Conflict
    step.check(locked.status)
    require_step(actor, step.permission, locked)
    before = locked.status
    values = {"status": step.target, "version": locked.version + 1, **changes}
    if step.stamp:
        values[step.stamp] = db_now()
    write(locked, **values)
    trace(locked, step.verb, actor=actor, before=before, reason=reason)
    return locked


def advance_many(
    model: type[models.Model], step: Step, rows: Mapping[str, int], *, actor: Any, reason: str = "", data: Any = None,
    columns: Mapping[str, tuple[str, Sequence[Any]]] | None = None,
) -> set[str]:  # fmt: skip
    """Take one step with many rows at once, each given as key and the version it must still have.

    Return the keys (32 hex digits) of those that took it; the others have changed meanwhile and are left alone.
    `columns` names further columns with their type and a value for each row. Only for steps of the engine.
    """
    require_step(actor, step.permission, None)
    (before,) = step.sources
    more = columns or {}
    sets = "".join(f", {name} = new.{name}" for name in more) + (f", {step.stamp} = now()" if step.stamp else "")
    statement = (
        f"UPDATE {model._meta.db_table} AS old SET status = %s, version = old.version + 1{sets}"  # noqa: S608
        f" FROM unnest(%s::uuid[], %s::int[]{''.join(f', %s::{kind}[]' for kind, _ in more.values())})"
        f" AS new(id, version{''.join(f', {name}' for name in more)})"
        " WHERE old.id = new.id AND old.version = new.version AND old.status = %s"
        " RETURNING old.id::text, old.scope_path, old.version"
    )
    further = [list(each) for _, each in more.values()]
    values: list[Any] = [step.target, list(rows), list(rows.values()), *further, before]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        taken = cursor.fetchall()
    record_many(
        taken, verb=step.verb, model=model, actor=_named(actor), before=before, after=step.target,
        reason=reason[:MAX_REASON], data=data,
    )  # fmt: skip
    return {key.replace("-", "") for key, _, _ in taken}


def write(row: models.Model, **values: Any) -> None:
    """Write just these columns of a row that the caller has locked."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def trace(row: Any, verb: str, *, actor: Any, before: str = "", reason: str = "", data: Any = None) -> None:
    """Record the event of a step, in the name of a person, of a link's holder or of the system."""
    person = _named(actor)
    behalf = getattr(row, "on_behalf_of", "")
    record(
        actor=person, verb=verb, target=row, before=before, after=row.status, reason=reason[:MAX_REASON],
        on_behalf_of=behalf, data={"version": row.version, **(data or {})},
    )  # fmt: skip


def _named(actor: Any) -> Any:
    if isinstance(actor, Engine):
        return None
    return Actor(None, actor.label) if isinstance(actor, LinkHolder) else actor


def once(model: type[M], key: UUID | None, same: Callable[[M], bool], make: Callable[[UUID], M]) -> M:
    """Make a row under the key of its form, unless that form has made it before: pressed twice, there is one row.

    A form that came back with other content (`same` says no) makes a row of its own.
    """
    rows = model._default_manager.filter(pk=key)
    known = rows.first() if key else None
    if key and known is None:
        try:
            return make(key)
        except IntegrityError:
            # The other press was faster by a moment; whatever else is wrong stays wrong.
            known = rows.first()
            if known is None:
                raise
    return known if known is not None and same(known) else make(uuid4())


def broken(error: IntegrityError) -> str:
    """Return the name of the constraint that refused a row; the database's words also hold what people wrote."""
    return str(getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or "")


def insert_numbered(row: M, prefix: str = "") -> M:
    """Insert `row` under a fresh number of date and random letters; try again when the number is taken."""
    for _ in range(TRIES):
        row.number = f"{prefix}{localtime(db_now()):%m%d}-" + "".join(secrets.choice(ALPHABET) for _ in range(5))
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if not broken(error).endswith("_number_key"):
                raise
        else:
            return row
    raise Conflict("编号正忙，请再点一次提交。")
