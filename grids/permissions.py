"""The one door to a decision about a place: where may this person do this?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import Concat

from common import access
from common.errors import NotAllowed
from grids import roles
from grids.models import Area, AreaGroupPermission, AreaUserPermission, Post, RowGrant, lasting

# Every path begins with it.
_EVERYWHERE = "/"


def _shortest(paths: Iterable[str]) -> tuple[str, ...]:
    """Drop every path that lies below another one."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if path and not (kept and path.startswith(kept[-1])):
            kept.append(path)
    return tuple(kept)


# What apps above add to the one statement: rows of (role, nothing, nothing, for whom), see `held_for`.
_more: list[Callable[[Any], QuerySet[Any]]] = []
Told = tuple[str, str, date | None]
_told: list[Callable[[Any], Iterable[Told]]] = []


def register_holdings(rows: Callable[[Any], QuerySet[Any]], told: Callable[[Any], Iterable[Told]]) -> None:
    """Let another table give roles too; it is read in the statement that reads the posts. `told` says it in words."""
    if rows not in _more:
        _more.append(rows)
        _told.append(told)


def told_for(user: Any) -> list[Told]:
    """Return as what, for whom and until when the person acts by the tables of the apps above."""
    return [each for told in _told for each in told(user)]


def _paths_by_permission(user: Any) -> dict[str, tuple[str, ...]]:
    """Read posts, grants and exceptions once and keep them on the user object."""
    cached: dict[str, tuple[str, ...]] | None = user.__dict__.get("_reach")
    if cached is not None:
        return cached
    found: dict[str, list[str]] = {}
    others: list[tuple[str, str]] = []
    excepted: dict[str, dict[str, set[str]]] = {}
    for role, permission, path, whom in _held(user):
        if whom and role:
            others.append((role, whom))
        elif whom:
            kind, _, pk = whom.partition("/")
            _add_exception(user, excepted, permission, kind, pk)
        else:
            for code in roles.BY_CODE[role].permissions if role else (permission,):
                found.setdefault(code, []).append(path)
    reach_of = {right: _shortest(access.narrowed_paths(user, found[right])) for right in access.narrowed(user, found)}
    reach_of = {right: paths for right, paths in reach_of.items() if paths}
    user.__dict__.update(_reach=reach_of, _held_for=others, _excepted=excepted)
    return reach_of


def _add_exception(user: Any, excepted: dict[str, dict[str, set[str]]], permission: str, kind: str, pk: str) -> None:
    """Note a right on one row, as far as the key in use leaves it; whoever may do anything with a row may see it."""
    try:
        offered: tuple[str, ...] = getattr(apps.get_model(kind), "exceptional", ())
    except LookupError:
        # A kind of rows that this release does not have any more.
        return
    if permission in offered:
        for code in access.narrowed(user, {permission, offered[0]}):
            excepted.setdefault(code, {}).setdefault(kind, set()).add(pk)


# Whoever set the installation up by `createsuperuser` sets up the others; business data stays out of reach.
_FIRST_ADMIN = tuple((role, "", _EVERYWHERE, "") for role in ("system_admin", "security_admin"))


def _held(user: Any) -> list[tuple[str, str, str, str]]:
    """Return (role, permission, path, for whom) of everything that the person holds: one statement.

    A row without a role that names somebody is an exception; it names a row as kind/key.
    """
    nothing = Value("")
    posts = Post.objects.current().filter(user=user).values_list("role", nothing, "scope_path", nothing)
    columns = (nothing, "permission__codename", "content_object__scope_path", nothing)
    by_group = AreaGroupPermission.objects.filter(lasting(), group__user=user).values_list(*columns)
    by_name = AreaUserPermission.objects.filter(lasting(), user=user).values_list(*columns)
    row = Concat("content_type__app_label", Value("."), "content_type__model", Value("/"), "object_pk")
    exceptions = RowGrant.objects.filter(lasting(), Q(user=user) | Q(group__user=user))
    one_row = exceptions.values_list(nothing, "right", nothing, row)
    held = list(posts.union(by_group, by_name, one_row, *(rows(user) for rows in _more)))
    return [*held, *_FIRST_ADMIN] if user.is_superuser else held


def held_for(user: Any) -> list[tuple[str, str]]:
    """Return the roles that `user` holds for somebody instead of at a place, each with the id of whom."""
    _paths_by_permission(user)
    found: list[tuple[str, str]] = user.__dict__.get("_held_for", [])
    return found


def forget(user: Any) -> None:
    """Drop what was read about `user`, after a change of posts within the same request."""
    for name in ("_reach", "_held_for", "_excepted", "_partner_rights", "_held_permissions"):
        user.__dict__.pop(name, None)


def reach(user: Any, permission: str) -> tuple[str, ...]:
    """Return the paths of the places at and below which `user` holds `permission`."""
    if not (user.is_authenticated and user.is_active):
        return ()
    return _paths_by_permission(user).get(permission, ())


def excepted(user: Any, permission: str, model: type[Model]) -> frozenset[str]:
    """Return the keys (as text) of the single rows of `model` for which `user` was given `permission`."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    _paths_by_permission(user)
    return frozenset(user.__dict__.get("_excepted", {}).get(permission, {}).get(model._meta.label_lower, ()))


def held_permissions(user: Any) -> set[str]:
    """Return the rights that `user` holds at any place or for any row."""
    return {*_paths_by_permission(user), *user.__dict__.get("_excepted", {})}


def place(*, code: str = "", id: int | None = None) -> access.Place | None:
    """Find a place in use for the rooms below."""
    wanted = Area.objects.valid().filter(code=code) if code else Area.objects.valid().filter(pk=id)
    area = wanted.only("name", "scope_path").first()
    return access.Place(area.pk, area.name, area.scope_path) if area else None


def within_reach(user: Any, permission: str, field: str = "scope_path", of: type[Model] | None = None) -> Q:
    """Return the condition that a row lies where `user` holds `permission`, or is one of those rows of the model `of`
    for which the person was given it; nothing passes without either.
    """
    condition = Q(pk__in=[])
    for path in reach(user, permission):
        condition |= Q(**{f"{field}__startswith": path})
    if of is not None and (keys := excepted(user, permission, of)):
        # A key that is kept to a place shows none of its owner's exceptions elsewhere.
        for path in access.narrowed_paths(user, (_EVERYWHERE,)):
            here = Q() if path == _EVERYWHERE else Q(scope_path__startswith=path)
            condition |= Q(pk__in=keys) & here
    return condition


def can(user: Any, permission: str, placed: Any) -> bool:
    """Tell whether `user` holds `permission` where `placed` (an area or a row that belongs to one) lies, or for that
    very row.
    """
    paths: Iterable[str] = reach(user, permission)
    if isinstance(placed, Model) and str(placed.pk) in excepted(user, permission, type(placed)):
        paths = (*paths, *access.narrowed_paths(user, (_EVERYWHERE,)))
    return bool(placed.scope_path) and any(placed.scope_path.startswith(path) for path in paths)


def require(user: Any, permission: str, placed: Any) -> None:
    """Raise NotAllowed unless `user` holds `permission` where `placed` lies, or for that very row."""
    if not can(user, permission, placed):
        raise NotAllowed(permission=permission)


def require_kept(user: Any, permission: str, stored: Any, row: Any) -> None:
    """Raise NotAllowed unless `user` holds `permission` for the row as it is stored and, where it moves, at both
    places: what somebody keeps by exception stays where it lies.
    """
    require(user, permission, stored)
    if stored.area_id != row.area_id:
        for area in (stored.area, row.area):
            require(user, permission, area)
