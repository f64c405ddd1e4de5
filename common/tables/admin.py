"""The web admin's lists as files: the list's own columns, with its present search, filters and order."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, PermissionDenied, SuspiciousOperation
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import strip_tags

from common import access
from common.crypto import looks_like_phone
from common.errors import Invalid
from common.masks import mask_phone
from common.tables.export import Cells, Listing
from common.tables.sheet import Column, sheets

_NARROW, _WIDE = 12, 28
# So many signs of a number tell nobody whose it is.
LAST_SIGNS = 4
_OF_ADMIN = {"p", "_popup", "_to_field", "_changelist_filters"}


def tables_of(model: type[models.Model], request: HttpRequest) -> dict[str, Any]:
    """Return what a list's page says of files: where it can be taken away, and which tables come in for it."""
    user, label = request.user, model._meta.label_lower
    offered = [each for each in sheets() if getattr(each, "label", "") == label and access.holds(user, each.keeps)]
    return {"export_url": export_url(model, request), "import_sheets": offered}


def export_url(model: type[models.Model], request: HttpRequest) -> str:
    """Return where the list that `request` shows can be taken away."""
    kept = request.GET.copy()
    for name in _OF_ADMIN:
        kept.pop(name, None)
    query = kept.urlencode()
    return reverse("export", args=[f"admin.{model._meta.label_lower}"]) + (f"?{query}" if query else "")


def listing_of(site: admin.AdminSite, label: str, request: HttpRequest) -> Listing | None:
    """Return the admin's list of the model `app.model`, None when the admin has none."""
    found = next((one for model, one in site._registry.items() if model._meta.label_lower == label), None)
    if found is None:
        return None
    model_admin: admin.ModelAdmin[Any] = found
    return Listing(
        code=f"admin.{label}",
        title=str(model_admin.model._meta.verbose_name_plural),
        allows=lambda request: site.has_permission(request) and model_admin.has_view_permission(request),
        columns=lambda request: _columns(model_admin, request),
        rows=lambda request: _rows(model_admin, request),
        words=lambda request: _words(model_admin, request),
        back=lambda request: _back(model_admin, request),
    )


def _names(model_admin: Any, request: HttpRequest) -> list[Any]:
    return [name for name in model_admin.get_list_display(request) if name != "action_checkbox"]


def _columns(model_admin: Any, request: HttpRequest) -> tuple[Column, ...]:
    found = []
    for name in _names(model_admin, request):
        title = str(label_for_field(name, model_admin.model, model_admin))
        found.append(Column(_key(name), title, width=max(_NARROW, min(_WIDE, 4 * len(title)))))
    return tuple(found)


def _key(name: Any) -> str:
    return name if isinstance(name, str) else getattr(name, "__name__", repr(name))


def _changelist(model_admin: Any, request: HttpRequest) -> Any:
    try:
        return model_admin.get_changelist_instance(request)
    except (IncorrectLookupParameters, SuspiciousOperation, PermissionDenied) as error:
        raise Invalid("筛选的条件看不懂。请回到清单，重新选一次再导出。") from error


def _rows(model_admin: Any, request: HttpRequest) -> Iterable[Cells]:
    names = _names(model_admin, request)
    empty = model_admin.get_empty_value_display()
    for row in _changelist(model_admin, request).queryset:
        yield {_key(name): _text(name, row, model_admin, empty) for name in names}


def _text(name: Any, row: Any, model_admin: Any, empty: str) -> str:
    """Return a cell as the list shows it, without its markup."""
    try:
        field, attribute, value = lookup_field(name, row, model_admin)
    except (ObjectDoesNotExist, FieldDoesNotExist):
        return ""
    if field is None:
        boolean = getattr(attribute, "boolean", False)
        shown: Any = ("是" if value else "否") if boolean and value is not None else display_for_value(value, "")
    elif isinstance(field, models.BooleanField):
        shown = "" if value is None else "是" if value else "否"
    elif isinstance(field.remote_field, models.ManyToOneRel):
        shown = getattr(row, field.name) or ""
    else:
        shown = display_for_field(value, field, "")
    text = str(shown)
    text = html.unescape(strip_tags(text)) if hasattr(shown, "__html__") else text
    return "" if text in {"None", empty} else " ".join(text.split())


def _words(model_admin: Any, request: HttpRequest) -> str:
    """Say search and filters as the list shows them."""
    changes = _changelist(model_admin, request)
    sought = changes.query
    # A whole number that was searched for would stand in the file and in the trail.
    if looks_like_phone(sought) and len(sought) > LAST_SIGNS:
        sought = mask_phone(sought)
    said = [f"搜“{sought}”"] if sought else []
    for spec in changes.filter_specs:
        chosen = next((str(one["display"]) for one in spec.choices(changes) if one.get("selected")), "")
        if spec.has_output() and chosen and any(name in request.GET for name in spec.expected_parameters()):
            said.append(f"{spec.title}：{chosen}")
    return "，".join(said)


def _back(model_admin: Any, request: HttpRequest) -> str:
    meta = model_admin.model._meta
    try:
        address = reverse(f"{model_admin.admin_site.name}:{meta.app_label}_{meta.model_name}_changelist")
    except NoReverseMatch:
        return reverse("accounts:home")
    query = request.GET.urlencode()
    return f"{address}?{query}" if query else address
