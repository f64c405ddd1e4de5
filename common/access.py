"""Who may come through which door: every URL states its rule, and a URL without one is refused.

A rule answers for the whole door; which rows are seen behind it is decided by the scope of each query.
Rights come from sources that the apps above register in `ready()`, so this module knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.core import checks
from django.db.models import Q
from django.urls import URLPattern, URLResolver, get_resolver

View = TypeVar("View", bound=Any)
PermissionSource = Callable[[Any], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """State who may come through a door: kind public | link | signed_in | permission; any one of
    `permissions` is enough.
    """

    kind: str
    permissions: tuple[str, ...] = ()

    def __call__(self, view: View) -> View:
        """Put this rule on a view."""
        view.access_rule = self
        return view

    @property
    def open(self) -> bool:
        """Tell whether a stranger may knock; a link still has to prove itself inside the view."""
        return self.kind in {"public", "link"}

    def allows(self, user: Any) -> bool:
        """Tell whether `user` may come through."""
        if self.open:
            return True
        if not (user.is_authenticated and user.is_active):
            return False
        return self.kind == "signed_in" or any(holds(user, permission) for permission in self.permissions)


public = Rule("public")
by_link = Rule("link")
signed_in = Rule("signed_in")


def needs(*permissions: str) -> Rule:
    """Let in whoever holds one of `permissions` anywhere; refuse a rule that names none."""
    if not permissions:
        raise ValueError("Name at least one permission.")
    return Rule("permission", permissions)


system_admin = needs("enter_admin")

# Rights -----------------------------------------------------------------------------------------------------

_sources: list[PermissionSource] = []


def register_permission_source(source: PermissionSource) -> PermissionSource:
    """Add a function that tells which rights a user holds anywhere."""
    if source not in _sources:
        _sources.append(source)
    return source


_labels: dict[str, str] = {}


def register_right_labels(labels: Mapping[str, str]) -> None:
    """Let the room that knows the roles name the rights."""
    _labels.update(labels)


def right_labels() -> dict[str, str]:
    """Return every right with its name for people."""
    return dict(_labels)


def held(user: Any) -> frozenset[str]:
    """Return every right that `user` holds anywhere, read once per user object."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    cached = user.__dict__.get("_held_permissions") if hasattr(user, "__dict__") else None
    if cached is None:
        cached = frozenset(narrowed(user, (permission for source in _sources for permission in source(user))))
        user._held_permissions = cached
    return cached


def holds(user: Any, permission: str) -> bool:
    """Tell whether `user` holds `permission` anywhere."""
    return permission in held(user)


# Keys -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a key (such as an API token) leaves of its owner's rights.

    `permissions` are the only ones left. `path` is the place at and below which they hold: None for wherever the
    owner holds them, "" for nowhere. `key` and `label` tell for whom answers are remembered, and the trail's readers.
    """

    permissions: frozenset[str]
    path: str | None
    key: UUID
    label: str


def narrow(user: Any, narrowing: Narrowing) -> None:
    """Let `user` act with no more than `narrowing` from now on; to be called on an object that was read anew."""
    user._narrowed_to = narrowing


def narrowing_of(user: Any) -> Narrowing | None:
    """Return what a key leaves of the person's rights, None for a person who came in by themself."""
    found: Narrowing | None = getattr(user, "_narrowed_to", None)
    return found


def narrowed(user: Any, permissions: Iterable[str]) -> list[str]:
    """Keep the rights that the key in use leaves."""
    limit = narrowing_of(user)
    return [permission for permission in permissions if limit is None or permission in limit.permissions]


def narrowed_paths(user: Any, paths: Iterable[str]) -> list[str]:
    """Cut the places where a right holds down to the place of the key in use."""
    limit = narrowing_of(user)
    if limit is None or limit.path is None:
        return list(paths)
    inside = [path for path in paths if limit.path and path.startswith(limit.path)]
    around = any(path and limit.path.startswith(path) for path in paths)
    return [limit.path] if around and limit.path else inside


# Places -----------------------------------------------------------------------------------------------------

PlaceScope = Callable[[Any, str, str, Any], Q]
_scopes: list[PlaceScope] = []


@dataclass(frozen=True, slots=True)
class Place:
    """A place as far as the lower rooms need to know it."""

    id: int
    name: str
    path: str


class PlaceFinder(Protocol):
    """Find a place in use by its code or its id."""

    def __call__(self, *, code: str = "", id: int | None = None) -> Place | None:
        """Return the place, None where there is none."""
        ...


_finders: list[PlaceFinder] = []


def register_place_finder(finder: PlaceFinder) -> None:
    """Let the room that knows the places find one."""
    _finders[:] = [finder]


def find_place(*, code: str = "", id: int | None = None) -> Place | None:
    """Return the place in use with this code or id."""
    return next((finder(code=code, id=id) for finder in _finders), None)


def register_place_scope(scope: PlaceScope) -> None:
    """Let the room that knows the places tell which rows lie where a person holds a right."""
    _scopes[:] = [scope]


def within(user: Any, permission: str, field: str = "scope_path", of: Any = None) -> Q:
    """Return the condition that a row's path in `field` lies where `user` holds `permission`, or that it is a row of
    the model `of` for which the person was given it; nothing passes while no room has told about places.
    """
    condition = Q(pk__in=[])
    for scope in _scopes:
        condition |= scope(user, permission, field, of)
    return condition


# Doors ------------------------------------------------------------------------------------------------------

_declared: dict[str, Rule] = {}


def declare(namespace: str, rule: Rule) -> None:
    """State the rule of a third party's URL namespace (such as `admin`)."""
    _declared[namespace] = rule


def rule_of(view: Any, namespaces: Iterable[str] = ()) -> Rule | None:
    """Return the rule stated on `view`, on its class or for its namespace; None when nobody stated one."""
    for holder in (
        view,
        getattr(view, "view_class", None),
        getattr(view, "cls", None),
        getattr(view, "func", None),
    ):
        rule = getattr(holder, "access_rule", None)
        if isinstance(rule, Rule):
            return rule
    return next((_declared[name] for name in namespaces if name in _declared), None)


@dataclass(frozen=True, slots=True)
class Door:
    """One URL of the configuration with the view behind it."""

    route: str
    name: str
    namespaces: tuple[str, ...]
    view: Any

    @property
    def full_name(self) -> str:
        """Return the name that `reverse` understands."""
        return ":".join((*self.namespaces, self.name))

    @property
    def rule(self) -> Rule | None:
        """Return the stated rule."""
        return rule_of(self.view, self.namespaces)


def doors(resolver: URLResolver | None = None) -> Iterator[Door]:
    """Walk every URL of the configuration."""
    yield from _walk(resolver or get_resolver(), "", ())


def _walk(resolver: URLResolver, prefix: str, namespaces: tuple[str, ...]) -> Iterator[Door]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from _walk(entry, route, inner)
        elif isinstance(entry, URLPattern):
            yield Door(route, entry.name or "", namespaces, entry.callback)


@checks.register("access")
def every_door_has_a_rule(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Fail start-up for a URL without a stated rule."""
    return [
        checks.Error(
            f"/{door.route} ({door.full_name or 'no name'}) states no access rule.",
            hint="Put @access.public, @access.by_link, @access.signed_in or @access.needs(...) on the view.",
            id="hedong.E001",
        )
        for door in doors()
        if door.rule is None
    ]


class DenyAll:
    """Refuse every API call whose view states no `access_rule`; else ask the rule."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Tell whether the caller may come through this door."""
        rule = rule_of(view)
        return rule is not None and rule.allows(request.user)

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        """Leave rows to the scope of the view's queryset: what is outside was never found."""
        return self.has_permission(request, view)
