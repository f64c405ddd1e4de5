"""One search box for all lists of the web admin: numbers, phones, names, two Chinese characters of a sentence.

What is found comes from each list itself, so nobody finds here what the list would not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from common.search import holds_all, words_of
from grids.models import Area, PartyOrganization, Post
from partners.models import Partner, Resource
from requests_board.models import ResourceRequest, ServiceRequest

EACH = 10


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of rows that are found: what is said about one, what is read with them and what is not.

    With `by`, the rows are found by the words of the row that this column points at.
    """

    model: type[Model]
    about: Callable[[Any], str]
    related: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    by: str = ""


KINDS = (
    Kind(
        ServiceRequest,
        lambda row: f"{row.get_status_display()} · {row.text}",
        unread=("phone", "contact_name", "result"),
    ),
    Kind(ResourceRequest, lambda row: f"{row.get_status_display()} · {row.type} · {row.quantity}", ("type",)),
    Kind(Partner, lambda row: f"{row.get_category_display()} · {row.get_status_display()}", unread=("contact_phone",)),
    Kind(Resource, lambda row: f"{row.partner} · {row.get_status_display()}", ("partner",), ("contact_phone",)),
    Kind(Area, lambda row: row.get_kind_display() + ("（已停用）" if row.valid_to else "")),
    Kind(PartyOrganization, lambda row: row.get_level_display() + ("（已撤销）" if row.valid_to else "")),
    Kind(Post, lambda row: f"{row.user} · {row.area}", ("user", "area"), by="user"),
    Kind(
        User,
        lambda row: row.username + ("" if row.is_active else "（已停用）"),
        unread=("phone",),
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One row on the page: where it opens, its name, what it is and the names of the places that it lies in."""

    url: str
    name: str
    about: str
    place: str


@dataclass(frozen=True, slots=True)
class Group:
    """The first rows of one kind, and where all of them are listed when there are more."""

    label: str
    rows: list[Found]
    all_url: str


def search(site: admin.AdminSite, request: HttpRequest, text: str) -> list[Group]:
    """Find the rows of every kind that the person may see, up to EACH of a kind; nothing for less than two signs."""
    if len("".join(words_of(text))) < 2:
        return []
    found = [(kind, rows) for kind in KINDS if (rows := _rows(site, request, kind, text))]
    names = _names(row for _, rows in found for row in rows[:EACH])
    return [_group(site, kind, rows, names, text) for kind, rows in found]


def _rows(site: admin.AdminSite, request: HttpRequest, kind: Kind, text: str) -> list[Any]:
    """Read one row more than is shown, which tells of others."""
    shown: Any = site.get_model_admin(kind.model) if site.is_registered(kind.model) else None
    if shown is None or not shown.has_view_permission(request):
        return []
    held = _held(kind, text)
    also = shown.found_also(request, text)
    rows = shown.get_queryset(request).filter(held | also if also else held)
    return list(rows.select_related(*kind.related).defer(*kind.unread)[: EACH + 1])


def _held(kind: Kind, text: str) -> Q:
    if not kind.by:
        return holds_all(kind.model, text)
    other: Any = kind.model._meta.get_field(kind.by).related_model
    return Q(**{f"{kind.by}__in": other._base_manager.filter(holds_all(other, text))})


def _path(row: Any) -> list[int]:
    return [int(part) for part in getattr(row, "scope_path", "").split("/") if part]


def _names(rows: Iterator[Any]) -> dict[int, str]:
    """Read the names of all places that the rows lie in."""
    wanted = {pk for row in rows for pk in _path(row)}
    return dict(Area.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def _group(site: admin.AdminSite, kind: Kind, rows: list[Any], names: dict[int, str], text: str) -> Group:
    door = f"{site.name}:{kind.model._meta.app_label}_{kind.model._meta.model_name}"
    more = f"{reverse(f'{door}_changelist')}?{urlencode({'q': ' '.join(words_of(text))})}" if len(rows) > EACH else ""
    shown = []
    for row in rows[:EACH]:
        # The district says nothing about a place in it, and a place's own name is its title.
        above = [pk for pk in _path(row)[1:] if not (isinstance(row, Area) and pk == row.pk)]
        place = " ".join(names.get(pk, "") for pk in above)
        shown.append(Found(reverse(f"{door}_change", args=[row.pk]), str(row), kind.about(row), place))
    return Group(str(kind.model._meta.verbose_name_plural), shown, more)
