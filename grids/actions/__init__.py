"""Posts and the district's profile: who looks after what. Grants and groups have modules of their own, the trees
their own writer, `grids.trees`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.actions import record
from common.errors import Conflict, Invalid, NotAllowed
from grids import permissions, roles, selectors
from grids.actions.grants import access_changed, cut
from grids.models import Area, DistrictProfile, Post


@transaction.atomic
def assign_post(
    *,
    user: User,
    area: Area,
    role: str,
    actor: User | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
    reason: str = "",
) -> Post:
    """Give a person a role at a place for a term.

    Refuses a role that does not stand on such a place, a retired place, a post already held, and one's own
    appointment. Streets and communities appoint only the roles of `roles.LOCAL`.
    """
    _may_appoint(actor, user, area, role)
    _check_role(role, area)
    start = valid_from or selectors.today()
    if valid_to is not None and valid_to < start:
        raise Invalid("任期结束不能早于开始。", field="valid_to")
    try:
        with transaction.atomic():
            post = Post.objects.create(user=user, area=area, role=role, valid_from=start, valid_to=valid_to)
    except IntegrityError as error:
        raise Conflict("这个人在这里已经有同样的岗位。") from error
    record(actor=actor, verb="post.assigned", target=post, after=role, reason=reason, data={"user": str(user.pk)})
    access_changed(user)
    return post


@transaction.atomic
def end_post(post: Post, *, actor: User | None = None, reason: str = "") -> Post:
    """End a post at once; its holder's sessions end with it. Refuses a post that has ended already."""
    locked = Post.objects.select_for_update(of=("self",)).select_related("user", "area").get(pk=post.pk)
    _may_appoint(actor, locked.user, locked, locked.role)
    today = selectors.today()
    if locked.valid_to is not None and locked.valid_to < today:
        raise Conflict("这个岗位已经结束了。")
    # Both days of a term count, so a post that ends now ended yesterday.
    locked.valid_to = today - timedelta(days=1)
    locked.valid_from = min(locked.valid_from, today)
    locked.save(update_fields=["valid_to", "valid_from"])
    record(actor=actor, verb="post.ended", target=locked, before=locked.role, reason=reason)
    cut(locked.user, actor=actor, reason="岗位结束")
    access_changed(locked.user)
    return locked


@transaction.atomic
def update_profile(*, actor: User | None = None, **fields: Any) -> DistrictProfile:
    """Change what this installation says about itself."""
    profile, _ = DistrictProfile.objects.get_or_create(pk=1)
    for name, value in fields.items():
        profile._meta.get_field(name)
        setattr(profile, name, value)
    profile.full_clean()
    profile.save()
    record(actor=actor, verb="district.profile_changed", target=profile, after="、".join(sorted(fields)))
    transaction.on_commit(selectors.forget_profile)
    selectors.forget_profile()
    return profile


def _may_appoint(actor: User | None, user: User | None, place: Any, role: str = "") -> None:
    if actor is None:
        return
    if not (role in roles.LOCAL and permissions.can(actor, "appoint_locally", place)):
        permissions.require(actor, "manage_posts", place)
    if user is not None and actor.pk == user.pk:
        raise NotAllowed("不能给自己安排岗位，请由另一位安全管理员来办。")


def _check_role(role: str, area: Area) -> None:
    known = roles.BY_CODE.get(role)
    if known is None or not known.kinds:
        raise Invalid("没有这个岗位，请从列表里选。", field="role")
    if area.kind not in known.kinds:
        raise Invalid(f"{known.label}不能设在{area.get_kind_display()}，请换一个区域。", field="area")
    if area.valid_to is not None:
        raise Invalid(f"“{area.name}”已经停用，请换一个区域。", field="area")
