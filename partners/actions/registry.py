"""What is kept about partners and the pool: who they are, what they offer, whom they are paired with.

Each verb asks the right at the place where the row lies, before and after the change, and refuses a row that is no
longer the one that was seen (`seen`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import models, transaction

from audit.actions import Actor, Person, keep, record, remove
from common.errors import Conflict, Invalid
from grids.models import Area
from grids.permissions import require, require_kept
from grids.selectors import today
from partners.models import Pairing, Partner, PropertyService, Resource, ResourceSlot, ResourceType
from partners.workflow import Category, ResourceStatus, Standing

Who = Actor | Person | None
Rows = Iterable[models.Model]


def keep_partner(
    row: Partner, *, actor: Who = None, seen: str | None = None, reason: str = "", kept: Rows = (), gone: Rows = ()
) -> Partner:
    """Add or change a partner, with what only departments have."""
    verb = "partner.added" if row._state.adding else "partner.changed"
    check = _keeper_of(row, actor, "manage_partner")
    keep(row, verb=verb, actor=actor, seen=seen, reason=reason, kept=kept, gone=gone, check=check)
    return row


@transaction.atomic
def set_standing(row: Partner, standing: str, *, actor: Who = None, reason: str = "") -> Partner:
    """Suspend a partner, take it up again or let it go; refuse what it already is."""
    locked = Partner.objects.select_for_update(of=("self",)).get(pk=row.pk)
    _keeper(actor, "manage_partner")(locked)
    if locked.status == standing:
        raise Conflict(f"已经是“{Standing(standing).label}”了。")
    before, locked.status = locked.get_status_display(), standing
    locked.save(update_fields=["status"])
    after = locked.get_status_display()
    record(actor=actor, verb="partner.standing_changed", target=locked, before=before, after=after, reason=reason)
    return locked


def keep_resource(
    row: Resource, *, actor: Who = None, seen: str | None = None, reason: str = "", kept: Rows = (), gone: Rows = ()
) -> Resource:
    """Add or change an entry of the pool, with the areas it serves and its days without service."""
    verb = "resource.added" if row._state.adding else "resource.changed"
    check = _keeper_of(row, actor, "manage_pool")
    keep(row, verb=verb, actor=actor, seen=seen, reason=reason, kept=kept, gone=gone, check=check)
    return row


@transaction.atomic
def set_resource_status(row: Resource, status: str, *, actor: Who = None, reason: str = "") -> Resource:
    """Pause a resource, open it again or retire it; refuse what it already is."""
    locked = Resource.objects.select_for_update(of=("self",)).get(pk=row.pk)
    _keeper(actor, "manage_pool")(locked)
    if locked.status == status:
        raise Conflict(f"已经是“{ResourceStatus(status).label}”了。")
    before, locked.status = locked.get_status_display(), status
    locked.save(update_fields=["status"])
    after = locked.get_status_display()
    record(actor=actor, verb="resource.status_changed", target=locked, before=before, after=after, reason=reason)
    return locked


def keep_slot(row: ResourceSlot, *, actor: Who = None, seen: str | None = None) -> ResourceSlot:
    """Add or change a time window; what is used of it is written by dispatch alone."""
    check = _keeper(actor, "manage_pool")
    check(row.resource)
    verb = "slot.added" if row._state.adding else "slot.changed"
    keep(row, verb=verb, actor=actor, seen=seen, check=lambda stored: check(stored.resource))  # type: ignore[attr-defined]
    return row


@transaction.atomic
def remove_slot(row: ResourceSlot, *, actor: Who = None) -> None:
    """Remove a time window that nobody was ever asked for."""
    locked = ResourceSlot.objects.select_for_update(of=("self",)).get(pk=row.pk)
    _keeper(actor, "manage_pool")(locked.resource)
    if locked.used:
        raise Conflict("这个档期已经有人约了，不能删除。")
    remove(locked, verb="slot.removed", actor=actor)


def keep_type(row: ResourceType, *, actor: Who = None, seen: str | None = None) -> ResourceType:
    """Add or change a kind of resource; refuse a third level."""
    if row.parent is not None and (row.parent.parent_id is not None or row.parent_id == row.pk):
        raise Invalid("资源类型只有两级，请选一个一级类型做上级。", field="parent")
    keep(row, verb="resource_type.kept", actor=actor, seen=seen)
    return row


def keep_pairing(row: Pairing, *, actor: Who = None, seen: str | None = None) -> Pairing:
    """Pair a department with a community; refuse a term that overlaps one they already have."""
    if row.department.category != Category.DEPARTMENT:
        raise Invalid("结对的一方要是部门。", field="department")
    if row.community.kind not in {"community", "village"}:
        raise Invalid("结对的一方要是社区或者村。", field="community")
    _keep_term(row, "pairing.made", ("department", "community"), actor=actor, seen=seen)
    return row


def keep_property_service(row: PropertyService, *, actor: Who = None, seen: str | None = None) -> PropertyService:
    """Say which firm serves an estate for a term; refuse two firms at a time."""
    if row.partner.category != Category.PROPERTY:
        raise Invalid("请选一家物业企业。", field="partner")
    _keep_term(row, "property_service.made", ("partner", "area"), actor=actor, seen=seen)
    return row


def end_pairing(row: Pairing, *, actor: Who = None, reason: str = "") -> Pairing:
    """End a pairing today."""
    _end_term(row, "pairing.ended", ("department", "community"), actor=actor, reason=reason)
    return row


def end_property_service(row: PropertyService, *, actor: Who = None, reason: str = "") -> PropertyService:
    """End a firm's service today."""
    _end_term(row, "property_service.ended", ("partner", "area"), actor=actor, reason=reason)
    return row


def _keep_term(row: Any, verb: str, ends: tuple[str, str], *, actor: Who, seen: str | None) -> None:
    if row.valid_to is not None and row.valid_to < row.valid_from:
        raise Invalid("结束日期不能早于开始日期。", field="valid_to")
    check = _keeper(actor, "manage_partner")
    for name in ends:
        check(getattr(row, name))

    def also_before(stored: Any) -> None:
        for name in ends:
            check(getattr(stored, name))

    keep(row, verb=verb if row._state.adding else f"{verb.partition('.')[0]}.changed", actor=actor, seen=seen,
         check=also_before)  # fmt: skip


@transaction.atomic
def _end_term(row: Any, verb: str, ends: tuple[str, str], *, actor: Who, reason: str) -> None:
    """End what runs; what ends at a day still holds on it, what has not begun is shortened to its first day."""
    locked = type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)
    check = _keeper(actor, "manage_partner")
    for name in ends:
        check(getattr(locked, name))
    day = max(today(), locked.valid_from)
    if locked.valid_to is not None and locked.valid_to <= day:
        raise Conflict("已经结束了。")
    before, locked.valid_to = str(locked.valid_to or "—"), day
    locked.save(update_fields=["valid_to"])
    record(actor=actor, verb=verb, target=locked, before=before, after=str(day), reason=reason)


def _keeper(actor: Who, right: str) -> Callable[[Any], None]:
    """Return what raises NotAllowed unless `actor` keeps the place of a row; the system itself (None) does."""

    def check(placed: Area | models.Model) -> None:
        if actor is not None:
            require(actor, right, placed)

    return check


def _keeper_of(row: Partner | Resource, actor: Who, right: str) -> Callable[[Any], None]:
    """Return what raises NotAllowed unless `actor` keeps the row as it is stored; a new one is asked about at once."""
    if row._state.adding:
        _keeper(actor, right)(row.area)

    def check(stored: models.Model) -> None:
        if actor is not None:
            require_kept(actor, right, stored, row)

    return check
