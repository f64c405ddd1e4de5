"""Who acts for which partner. What a person may do changes with it, so their sessions end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.actions import end_sessions
from audit.actions import keep, record
from common.errors import Conflict, Invalid, NotAllowed
from grids.permissions import forget, require
from grids.selectors import today
from partners.models import Membership
from partners.workflow import Category, MemberRole


@transaction.atomic
def keep_membership(row: Membership, *, actor: Any = None, seen: str | None = None) -> Membership:
    """Let a person act for a partner, or change the term; refuse one's own, and a liaison of what is no department."""
    _may_name(actor, row)
    if row.role == MemberRole.DEPARTMENT_LIAISON and row.partner.category != Category.DEPARTMENT:
        raise Invalid("只有部门才有联络员，请选“合伙人工作人员”。", field="role")
    if row.valid_to is not None and row.valid_to < row.valid_from:
        raise Invalid("结束日期不能早于开始日期。", field="valid_to")
    verb = "membership.given" if row._state.adding else "membership.changed"
    keep(row, verb=verb, actor=actor, seen=seen, check=lambda stored: _may_name(actor, stored))
    _access_changed(row)
    return row


@transaction.atomic
def end_membership(row: Membership, *, actor: Any = None, reason: str = "") -> Membership:
    """Let a person act for a partner no longer, at once; their sessions end with it."""
    locked = Membership.objects.select_for_update(of=("self",)).get(pk=row.pk)
    _may_name(actor, locked)
    # Both days of a term count, so what ends now ended yesterday.
    day = today() - timedelta(days=1)
    if locked.valid_to is not None and locked.valid_to <= day:
        raise Conflict("已经结束了。")
    locked.valid_to = day
    locked.save(update_fields=["valid_to"])
    record(actor=actor, verb="membership.ended", target=locked, after=str(day), reason=reason)
    _access_changed(locked)
    return locked


def _may_name(actor: Any, row: Any) -> None:
    if actor is None:
        return
    require(actor, "manage_partner", row.partner)
    if actor.pk == row.user_id:
        raise NotAllowed("不能给自己安排身份，请由另一位同事来办。")


def _access_changed(row: Membership) -> None:
    forget(row.user)
    end_sessions(row.user)
