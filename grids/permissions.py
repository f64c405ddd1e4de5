"""The one door to a decision about a place: where may this person do this?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q, QuerySet, Value

from common import access
from common.errors import NotAllowed
from grids import roles
from grids.models import Area, AreaGroupPermission, AreaUserPermission, Post


def _shortest(paths: Iterable[str]) -> tuple[str, ...]:
    """Drop every path that lies below another one."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if path and not (kept and path.startswith(kept[-1])):
            kept.append(path)
    return tuple(kept)


# What apps above add to the one statement: rows of (role, nothing, nothing, for whom), see `held_for`.
_more: list[Callable[[Any], QuerySet[Any]]] = []


def register_holdings(rows: Callable[[Any], QuerySet[Any]]) -> None:
    """Let another table give roles too; it is read in the statement that reads the posts."""
    if rows not in _more:
        _more.append(rows)


def _paths_by_permission(user: Any) -> dict[str, tuple[str, ...]]:
    """Read posts and grants once and keep them on the user object."""
    cached: dict[str, tuple[str, ...]] | None = user.__dict__.get("_reach")
    if cached is not None:
        return cached
    found: dict[str, list[str]] = {}
    others: list[tuple[str, str]] = []
    for role, permission, path, whom in _held(user):
        if whom:
            others.append((role, whom))
            continue
        for code in roles.BY_CODE[role].permissions if role else (permission,):
            found.setdefault(code, []).append(path)
    reach_of = {right: _shortest(access.narrowed_paths(user, found[right])) for right in access.narrowed(user, found)}
    reach_of = {right: paths for right, paths in reach_of.items() if paths}
    user.__dict__.update(_reach=reach_of, _held_for=others)
    return reach_of


# Whoever set the installation up by `createsuperuser` sets up the others; business data stays out of reach.
_FIRST_ADMIN = tuple((role, "", "/", "") for role in ("system_admin", "security_admin"))


def _held(user: Any) -> list[tuple[str, str, str, str]]:
    """Return (role, permission, path, for whom) of everything that the person holds: one statement."""
    nothing = Value("")
    posts = Post.objects.current().filter(user=user).values_list("role", nothing, "scope_path", nothing)
    columns = (nothing, "permission__codename", "content_object__scope_path", nothing)
    by_group = AreaGroupPermission.objects.filter(group__user=user).values_list(*columns)
    by_name = AreaUserPermission.objects.filter(user=user).values_list(*columns)
    held = list(posts.union(by_group, by_name, *(rows(user) for rows in _more)))
    return [*held, *_FIRST_ADMIN] if user.is_superuser else held


def held_for(user: Any) -> list[tuple[str, str]]:
    """Return the roles that `user` holds for somebody instead of at a place, each with the id of whom."""
    _paths_by_permission(user)
    found: list[tuple[str, str]] = user.__dict__.get("_held_for", [])
    return found


def forget(user: Any) -> None:
    """Drop what was read about `user`, after a change of posts within the same request."""
    for name in ("_reach", "_held_for", "_partner_rights", "_held_permissions"):
        user.__dict__.pop(name, None)


def reach(user: Any, permission: str) -> tuple[str, ...]:
    """Return the paths of the places at and below which `user` holds `permission`."""
    if not (user.is_authenticated and user.is_active):
        return ()
    return _paths_by_permission(user).get(permission, ())


def held_permissions(user: Any) -> set[str]:
    """Return the rights that `user` holds at any place."""
    return set(_paths_by_permission(user))


def place(*, code: str = "", id: int | None = None) -> access.Place | None:
    """Find a place in use for the rooms below."""
    wanted = Area.objects.valid().filter(code=code) if code else Area.objects.valid().filter(pk=id)
    area = wanted.only("name", "scope_path").first()
    return access.Place(area.pk, area.name, area.scope_path) if area else None


def within_reach(user: Any, permission: str, field: str = "scope_path") -> Q:
    """Return the condition that a row lies where `user` holds `permission`; nothing passes without a
    reach.
    """
    condition = Q(pk__in=[])
    for path in reach(user, permission):
        condition |= Q(**{f"{field}__startswith": path})
    return condition


def can(user: Any, permission: str, placed: Any) -> bool:
    """Tell whether `user` holds `permission` where `placed` (an area or a row that belongs to one) lies."""
    return bool(placed.scope_path) and any(placed.scope_path.startswith(path) for path in reach(user, permission))


def require(user: Any, permission: str, placed: Any) -> None:
    """Raise NotAllowed unless `user` holds `permission` where `placed` lies."""
    if not can(user, permission, placed):
        raise NotAllowed(permission=permission)
