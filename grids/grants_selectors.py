"""Reads over grants and exceptions: what they are about, how places, people and rows are found by words, and why a
person sees a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Concat
from django.utils.timezone import localtime

from accounts.models import User
from clockwork.selectors import db_now
from grids import permissions, roles
from grids.models import Area, AreaGroupPermission, AreaUserPermission, Post, RowGrant, today
from grids.placed import Placed

GRANTS: tuple[type[models.Model], ...] = (AreaGroupPermission, AreaUserPermission, RowGrant)
# How many are offered where several fit what was typed.
OFFERED = 20


def subject(row: Any) -> Any:
    """Return the place or the row that a grant is about; None when that row is gone."""
    if not isinstance(row, RowGrant):
        return row.content_object
    model = row.content_type.model_class()
    return model._default_manager.filter(pk=row.object_pk).first() if model else None


def grants_of_group(group: Group) -> list[Any]:
    """Return everything that was granted to a group, at places and for single rows."""
    at_places = AreaGroupPermission.objects.filter(group=group).select_related("permission", "content_object")
    return [*at_places, *RowGrant.objects.filter(group=group).select_related("content_type")]


def last_day(moment: datetime | None) -> date | None:
    """Return the last whole day of a term that ends at `moment`."""
    return localtime(moment - timedelta(microseconds=1)).date() if moment else None


# Found by words ---------------------------------------------------------------------------------------------

_UP = tuple("__".join(["parent"] * level) for level in (6, 5, 4, 3, 2, 1))


def kinds() -> dict[str, type[Placed]]:
    """Return the kinds of rows that know exceptions, by label."""
    return {
        model._meta.label_lower: model for model in apps.get_models() if issubclass(model, Placed) and model.exceptional
    }


def people_called(words: str) -> QuerySet[User]:
    """Return the accounts with this user name, or those whose name holds the words."""
    exact = User.objects.filter(username__iexact=words.strip())
    named = User.objects.filter(Q(username__icontains=words) | Q(display_name__icontains=words)).order_by("username")
    return exact if exact.exists() else named


def places_called(keeper: Any, words: str) -> QuerySet[Area]:
    """Return the valid places with this code, or whose name with those above it holds all the words; exact names
    first, only places where `keeper` keeps posts.
    """
    mine = Area.objects.valid().filter(permissions.within_reach(keeper, "manage_posts")).select_related(_UP[0])
    coded = mine.filter(code__iexact=words.strip())
    if words.strip() and coded.exists():
        return coded
    said = Concat(*(f"{up}__name" for up in _UP), "name", output_field=models.CharField())
    parts = words.split() or [""]
    found = mine.annotate(said=said).filter(*(Q(said__icontains=part) for part in parts), name__icontains=parts[-1])
    return found.annotate(exact=Q(name=parts[-1])).order_by("-exact", "tree_id", "lft")


def rows_called(model: type[Placed], keeper: Any, words: str) -> QuerySet[Any]:
    """Return the rows of a kind by number, name or key, only where `keeper` keeps posts."""
    words = words.strip()
    # A number is written in full; a name may be a part of it.
    match = "icontains" if model.known_by == "name" else "iexact"
    meant = Q(**{f"{model.known_by}__{match}": words})
    if _is_key(words):
        meant |= Q(pk=words)
    mine = model._default_manager.filter(permissions.within_reach(keeper, "manage_posts"))
    return mine.filter(meant).select_related("area").order_by(model.known_by, "pk")


def _is_key(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True


def described(row: Any) -> str:
    """Name a row so that it cannot be taken for another one."""
    if isinstance(row, User):
        return f"{row.get_full_name()}（{row.username}）"
    if isinstance(row, Area):
        names = [row.name]
        while (row := row.parent) is not None:
            names.append(row.name)
        return " › ".join(reversed(names))
    made = getattr(row, "created_at", None)
    return " · ".join([str(row), row.area.name, *([f"{localtime(made):%Y-%m-%d %H:%M}"] if made else [])])


# Why somebody sees a row ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holding:
    """One thing that a person holds: of what kind, what it allows, where, until when, and whether it counts now."""

    kind: str
    what: str
    where: str
    until: date | None
    note: str
    counts: bool
    rights: frozenset[str] = frozenset()
    path: str = ""
    row: tuple[str, str] = ("", "")

    def covers(self, right: str, row: Any) -> bool:
        """Tell whether this is a reason for which the person has `right` on `row`."""
        if not (self.counts and right in self.rights):
            return False
        here = bool(self.path) and row.scope_path.startswith(self.path)
        return here or self.row == (row._meta.label_lower, str(row.pk))


def holdings(user: User) -> list[Holding]:
    """Return everything that the person holds or held by posts, grants, exceptions and memberships."""
    found = [*_posts(user), *_grants(user), *_exceptions(user)]
    if user.is_superuser:
        both = ("system_admin", "security_admin")
        rights = frozenset(right for code in both for right in roles.BY_CODE[code].permissions)
        found.append(Holding("账号", "首位管理员", "全区", None, "", True, rights, "/"))
    for what, where, until in permissions.told_for(user):
        found.append(Holding("合伙人", what, where, until, "", True))
    return found


def _posts(user: User) -> Iterator[Holding]:
    rows = Post.objects.filter(user=user).select_related("area").annotate(today=today()).order_by("-valid_from", "pk")
    for post in rows:
        counts = post.valid_from <= post.today and (post.valid_to is None or post.valid_to >= post.today)
        rights = frozenset(roles.BY_CODE[post.role].permissions)
        what = post.get_role_display()
        yield Holding("岗位", what, post.area.name, post.valid_to, "", counts, rights, post.scope_path)


def _grants(user: User) -> Iterator[Holding]:
    now, near = db_now(), ("permission", "content_object")
    by_name = AreaUserPermission.objects.filter(user=user).select_related(*near)
    by_group = AreaGroupPermission.objects.filter(group__user=user).select_related("group", *near)
    rows: list[Any] = [*by_name, *by_group]
    for row in rows:
        place, right = row.content_object, row.permission.codename
        kind = f"组“{row.group}”的授权" if isinstance(row, AreaGroupPermission) else "个人的授权"
        counts = row.expires_at is None or row.expires_at > now
        what, until = roles.PERMISSIONS.get(right, right), last_day(row.expires_at)
        note = _note(row)
        yield Holding(kind, what, place.name, until, note, counts, frozenset({right}), place.scope_path)


def _exceptions(user: User) -> Iterator[Holding]:
    now = db_now()
    rows = RowGrant.objects.filter(Q(user=user) | Q(group__user=user)).select_related("content_type", "group")
    for row in rows:
        model: Any = row.content_type.model_class()
        kind = f"组“{row.group}”的例外" if row.group else "例外"
        until, counts = last_day(row.expires_at), row.expires_at is not None and row.expires_at > now
        # Whoever may do anything with a row may see it.
        rights = frozenset({row.right, model.exceptional[0]})
        where = (model._meta.label_lower, row.object_pk)
        yield Holding(kind, row.get_right_display(), row.label, until, _note(row), counts, rights, row=where)


def _note(row: Any) -> str:
    return "，".join(part for part in (row.granted_by, row.reason) if part)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the person has one right on the row, and by what."""

    right: str
    yes: bool
    because: tuple[str, ...]


def why(user: User, row: Any, held: list[Holding]) -> list[Answer]:
    """Tell of each right that such a row knows, to see it first, whether the person has it and why.

    The answers come from the same questions that every page asks; the reasons are what the person holds.
    """
    asked = User.objects.get(pk=user.pk)
    sees = asked.is_active and type(row)._default_manager.visible_to(asked).filter(pk=row.pk).exists()
    answers = []
    for right in row.exceptional:
        yes = sees if right == row.exceptional[0] else permissions.can(asked, right, row)
        reasons = tuple(f"{h.kind}：{h.what}（{h.where}）" for h in held if yes and h.covers(right, row))
        # What is left is what a partner's people are shown of what was given to their partner.
        answers.append(Answer(roles.PERMISSIONS[right], yes, reasons or (("替合伙人办事",) if yes else ())))
    return answers
