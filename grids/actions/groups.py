"""Groups: who is in them. What a group may do stands in its grants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import User
from audit.actions import record
from common.errors import Invalid, NotAllowed
from grids.actions.grants import access_changed, end_row, require_keeper, require_reason
from grids.grants_selectors import grants_of_group, subject


@transaction.atomic
def create_group(name: str, *, actor: User | None = None, reason: str = "") -> Group:
    """Make a group; refuse a name that is taken."""
    if actor is not None:
        require_keeper(actor, [])
    group = Group.objects.create(name=check_group_name(name))
    record(actor=actor, verb="group.created", target=group, reason=reason)
    return group


def check_group_name(name: str, group: Group | None = None) -> str:
    """Return the name in one form; refuse an empty one and one that another group has."""
    name = name.strip()
    others = Group.objects.exclude(pk=group.pk) if group else Group.objects.all()
    if not name or others.filter(name=name).exists():
        raise Invalid("已经有同名的组，请换一个名称。" if name else "请给组起个名称。", field="name")
    return name


@transaction.atomic
def change_group(
    group: Group, *, name: str = "", join: User | None = None, leave: Iterable[User] = (),
    actor: User | None = None, reason: str = "",
) -> None:  # fmt: skip
    """Rename a group, take somebody in, let somebody go; whoever comes or goes is signed out everywhere.

    Refuses to take in oneself or a closed account, and a change without a reason.
    """
    check_group(group, join=join, actor=actor, reason=reason)
    if name and name.strip() != group.name:
        before, group.name = group.name, check_group_name(name, group)
        group.save(update_fields=["name"])
        record(actor=actor, verb="group.renamed", target=group, before=before, after=group.name, reason=reason)
    steps: list[tuple[str, User, Any]] = [("group.left", user, group.user_set.remove) for user in leave]
    if join is not None:
        steps.append(("group.joined", join, group.user_set.add))
    for verb, user, step in steps:
        step(user)
        record(actor=actor, verb=verb, target=group, reason=reason, data={"user": str(user.pk)})
        access_changed(user)


def check_group(group: Group, *, join: User | None, actor: User | None, reason: str) -> None:
    """Refuse what `change_group` refuses, naming the field."""
    if join is not None and not join.is_active:
        raise Invalid("这个账号已经停用，不能加进组里。", field="join")
    if actor is None:
        return
    require_reason(reason)
    require_keeper(actor, [subject(row) for row in grants_of_group(group)])
    if join is not None and join.pk == actor.pk:
        raise NotAllowed("不能把自己加进组里，请由另一位安全管理员来办。", field="join")


@transaction.atomic
def dissolve_group(group: Group, *, actor: User | None = None, reason: str = "") -> None:
    """End a group with all that was granted to it; its members are signed out everywhere."""
    check_group(group, join=None, actor=actor, reason=reason)
    for row in grants_of_group(group):
        end_row(row, "ended", actor=actor, reason=reason)
    members = list(group.user_set.all())
    record(actor=actor, verb="group.dissolved", target=group, before=group.name, reason=reason)
    group.delete()
    for member in members:
        access_changed(member)
