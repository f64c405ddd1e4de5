"""Rights beside the posts: granted at a place, or as an exception on one row; each may run out and is told of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models.functions import Now

from accounts.actions import end_sessions
from accounts.models import User
from audit.actions import record, who
from clockwork.selectors import db_now
from common.errors import Conflict, Invalid, NotAllowed
from grids import grants_selectors, permissions, roles, selectors
from grids.grants_selectors import GRANTS
from grids.models import Area, AreaGroupPermission, AreaUserPermission, Grant, RowGrant

Holder = User | Group
# How many of each kind are removed in one run; the next run goes on.
EXPIRED_AT_ONCE = 500


@transaction.atomic
def grant(
    holder: Holder,
    permission: str,
    area: Area,
    *,
    actor: User | None = None,
    until: datetime | None = None,
    reason: str = "",
) -> AreaGroupPermission | AreaUserPermission:
    """Give a person, or everybody in a group, one right at a place and below it; given again, the new term holds.

    Refuses a right that stays with an office, a retired place, a term that is over, and one's own grant.
    """
    check_grant(holder, permission, area, actor=actor, until=until, reason=reason)
    rows: Any = AreaGroupPermission.objects if isinstance(holder, Group) else AreaUserPermission.objects
    row, _ = rows.update_or_create(
        **_to(holder), permission=permission_row(permission), content_object=area, defaults=_terms(actor, until, reason)
    )
    _tell_of_grant("grant.given", row, actor=actor, after=permission, reason=reason)
    _holders_changed(row)
    return row


def check_grant(
    holder: Holder, permission: str, area: Area, *, actor: User | None, until: datetime | None, reason: str
) -> None:
    """Refuse what `grant` refuses, naming the field."""
    if permission not in roles.GRANTED:
        raise Invalid("这项权限不能单独授权，请从列表里选。", field="permission")
    if area.valid_to is not None:
        raise Invalid(f"“{area.name}”已经停用，请换一个区域。", field="place")
    _check_terms(holder, area, actor, until, reason)


@transaction.atomic
def make_exception(
    holder: Holder, permission: str, row: Any, *, until: datetime, reason: str, actor: User | None = None
) -> RowGrant:
    """Let a person or a group see, or handle, one row outside their places; made again, the new term holds.

    Refuses a right that such a row does not know, a term beyond what the district allows, and one's own exception.
    """
    check_exception(holder, permission, row, until=until, reason=reason, actor=actor)
    made, _ = RowGrant.objects.update_or_create(
        **_to(holder), right=permission, content_type=ContentType.objects.get_for_model(row), object_pk=str(row.pk),
        defaults={**_terms(actor, until, reason), "label": str(row)[:80]},
    )  # fmt: skip
    _tell_of_exception("exception.made", made, row, actor=actor, after=permission, reason=reason)
    _holders_changed(made)
    return made


def check_exception(
    holder: Holder, permission: str, row: Any, *, until: datetime | None, reason: str, actor: User | None
) -> None:
    """Refuse what `make_exception` refuses, naming the field."""
    if permission not in roles.GRANTED or permission not in row.exceptional:
        raise Invalid("对这一类没有这项权限，请从列表里选。", field="right")
    if until is None:
        raise Invalid("例外必须有截止时间，请填到哪一天。", field="expires_at")
    _check_terms(holder, row, actor, until, reason)
    last = selectors.today() + timedelta(days=selectors.profile().exception_days)
    if (grants_selectors.last_day(until) or last) > last:
        raise Invalid(f"例外最晚只能给到 {last:%Y-%m-%d}，请改早一些。", field="expires_at")


@transaction.atomic
def end_grant(row: Grant, *, actor: User | None = None, reason: str = "") -> None:
    """End a grant or an exception at once; its holders' sessions end with it. Refuses one that has ended already."""
    found = _locked(row)
    if found is None:
        raise Conflict("这一条已经结束了，请刷新页面。")
    if actor is not None:
        require_reason(reason)
        require_keeper(actor, [grants_selectors.subject(found)])
    end_row(found, "ended", actor=actor, reason=reason)
    _holders_changed(found)


@transaction.atomic
def expire_grants() -> int:
    """Remove the grants and exceptions that have run out, each with its event; return how many there were."""
    over = [
        row
        for model in GRANTS
        for row in model._default_manager.select_for_update(skip_locked=True, of=("self",)).filter(
            expires_at__lte=Now()
        )[:EXPIRED_AT_ONCE]
    ]
    for row in over:
        end_row(row, "expired")
    return len(over)


@transaction.atomic
def cut(user: User, *, actor: User | None = None, reason: str = "", groups: bool = False) -> None:
    """End everything that was given to this person by name, and with `groups` their places in groups too."""
    for model in (AreaUserPermission, RowGrant):
        for row in model._default_manager.select_for_update(of=("self",)).filter(user=user):
            end_row(row, "ended", actor=actor, reason=reason)
    for group in user.groups.all() if groups else ():
        record(actor=actor, verb="group.left", target=group, reason=reason, data={"user": str(user.pk)})
    if groups:
        user.groups.clear()
    permissions.forget(user)


def _check_terms(holder: Holder, place: Any, actor: User | None, until: datetime | None, reason: str) -> None:
    if until is not None and until <= db_now():
        raise Invalid("截止时间已经过去了，请改成以后的时间。", field="expires_at")
    if isinstance(holder, User) and not holder.is_active:
        raise Invalid("这个账号已经停用，不能再给权限。", field="holder")
    if actor is None:
        return
    require_reason(reason)
    require_keeper(actor, [place])
    if actor == holder or (isinstance(holder, Group) and holder.user_set.filter(pk=actor.pk).exists()):
        raise NotAllowed("不能给自己或者自己所在的组权限，请由另一位安全管理员来办。", field="holder")


def require_reason(reason: str) -> None:
    """Refuse a step for which nobody says why."""
    if not reason.strip():
        raise Invalid("请写明原因。", field="reason")


def require_keeper(actor: User, places: Iterable[Any]) -> None:
    """Refuse whoever does not keep posts at these places; where a row is gone, anywhere is enough."""
    if not permissions.reach(actor, "manage_posts"):
        raise NotAllowed(permission="manage_posts")
    for place in places:
        if place is not None:
            permissions.require(actor, "manage_posts", place)


def _to(holder: Holder) -> dict[str, Any]:
    return {"group": holder} if isinstance(holder, Group) else {"user": holder}


def _terms(actor: User | None, until: datetime | None, reason: str) -> dict[str, Any]:
    return {"expires_at": until, "granted_by": who(actor)[1][:80], "granted_at": Now(), "reason": reason[:200]}


def _locked(row: Grant) -> Grant | None:
    rows: Any = type(row)._default_manager.select_for_update(of=("self",))
    found: Grant | None = rows.filter(pk=row.pk).first()
    return found


def end_row(row: Any, how: str, *, actor: User | None = None, reason: str = "") -> None:
    """Remove a grant or an exception that the caller has locked, and tell how it came to its end."""
    subject = grants_selectors.subject(row)
    if isinstance(row, RowGrant):
        _tell_of_exception(f"exception.{how}", row, subject, actor=actor, before=row.right, reason=reason)
    else:
        _tell_of_grant(f"grant.{how}", row, actor=actor, before=row.permission.codename, reason=reason)
    row.delete()


def _tell_of_grant(verb: str, row: Any, **told: Any) -> None:
    """Record the event beside the grant, where it belongs: the place's own story is read by whoever looks at it, and
    who was trusted with what, and why, is for those who keep posts.
    """
    row.scope_path = row.content_object.scope_path
    record(verb=verb, target=row, data={**_about(row), "area": row.content_object_id}, **told)


def _tell_of_exception(verb: str, row: RowGrant, subject: Any, **told: Any) -> None:
    """Record the event beside the row that it is about: the row's own story is read by whoever works on it."""
    row.scope_path = getattr(subject, "scope_path", "")  # type: ignore[attr-defined]  # where the event belongs
    model = row.content_type.model_class()
    kind = model._meta.label_lower if model else row.content_type.model
    record(verb=verb, target=row, data={**_about(row), "kind": kind, "row": row.object_pk}, **told)


def _about(row: Any) -> dict[str, Any]:
    group, user = getattr(row, "group_id", None), getattr(row, "user_id", None)
    return {"group": group} if group else {"user": str(user)}


def _holders_changed(row: Any) -> None:
    group, user = getattr(row, "group_id", None), getattr(row, "user_id", None)
    for holder in User.objects.filter(**({"groups": group} if group else {"pk": user})):
        access_changed(holder)


def permission_row(codename: str) -> Permission:
    """Return the row by which a right is granted on places."""
    return Permission.objects.get(content_type__app_label="grids", content_type__model="area", codename=codename)


def access_changed(user: User) -> None:
    """Let nothing stay that was read about the person, and end their sessions."""
    permissions.forget(user)
    end_sessions(user)
