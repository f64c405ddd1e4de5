"""Who sees and keeps the rows of a list of the admin, and where they lie.

A model's admin names its rights and the path to its place. Every surface (list, search, filters, look-ups, choices of
foreign keys, inlines, history, actions, exports) takes its rows from `ScopedAdmin.rows`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from common import access
from common.admin.forms import Children, KeptForm, children_of
from common.admin.listing import Counted, by_date
from common.admin.panels import history_of, panels_of
from common.admin.steps import NONE_OF_YOURS
from common.errors import DomainError
from common.search import SearchMixin
from common.tables.admin import tables_of


class _Reachable:
    """Choices of foreign keys: only rows that lie where the person keeps this table, posted by hand or not."""

    admin_site: Any
    keeps: tuple[str, ...]

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that may stand in a foreign key; none of a table that has no list of its own."""
        model = db_field.remote_field.model
        related = self.admin_site._registry.get(model)
        if not isinstance(related, ScopedAdmin):
            return model._default_manager.none()
        rows = super().get_field_queryset(db, db_field, request)  # type: ignore[misc]
        rows = model._default_manager.all() if rows is None else rows
        return related.choices(request, rows, self.keeps)


class ScopedAdmin(_Reachable, SearchMixin, admin.ModelAdmin):
    """Show rows within the person's reach and let whoever keeps them change them by actions.

    `looks` and `keeps` are rights of `grids.roles` (any one of several is enough). `place` is the path of look-ups
    that leads to a row's `scope_path`, or "" for rows that belong to no place; a row with several places is seen from
    each of them and kept by whoever keeps all of them.
    """

    looks: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    place: str | tuple[str, ...] = ""
    # The line above the list: how many rows there are of each value of one column, or the sums of some columns.
    count_by = ""
    sum_of: tuple[str, ...] = ()
    # Whether rows are made, and changed, here at all.
    adds = True
    changes = True

    form = KeptForm
    view_on_site = False
    show_full_result_count = False
    empty_value_display = "—"
    change_form_template = "admin/scoped_change_form.html"
    change_list_template = "admin/scoped_change_list.html"

    # Rows ---------------------------------------------------------------------------------------------------

    def within(self, user: Any, permissions: Iterable[str], *, everywhere: bool = False) -> Q:
        """Return the condition that a row lies where `user` holds one of `permissions`."""
        held = [permission for permission in permissions if access.holds(user, permission)]
        if not held:
            return Q(pk__in=[])
        places = (self.place,) if isinstance(self.place, str) else self.place
        if places == ("",):
            return Q()
        total = Q() if everywhere else Q(pk__in=[])
        for place in places:
            here = Q(pk__in=[])
            for permission in held:
                here |= access.within(user, permission, place, self.model)
            total = total & here if everywhere else total | here
        return total

    def rows(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Keep of `rows` what the person may see."""
        return rows.filter(self.within(request.user, (*self.looks, *self.keeps)))

    def kept_rows(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Keep of `rows` what the person may change."""
        return rows.filter(self.within(request.user, self.keeps, everywhere=True))

    def choices(self, request: HttpRequest, rows: QuerySet[Any], keeps: tuple[str, ...]) -> QuerySet[Any]:
        """Keep of `rows` what whoever holds `keeps` may point at: rows of a place only where that right holds."""
        return rows.filter(self.within(request.user, keeps)) if self.place else self.rows(request, rows)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that the person may see, in an order: pages of a list without one overlap."""
        rows = self.rows(request, super().get_queryset(request))
        return rows if rows.ordered else rows.order_by("pk")

    def address_of(self, row: models.Model) -> str:
        """Return where one row's page is."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    # Rights -------------------------------------------------------------------------------------------------

    def _may(self, request: HttpRequest, obj: Any, keep: bool) -> bool:
        rights = self.keeps if keep else (*self.looks, *self.keeps)
        if obj is None or not any(access.holds(request.user, right) for right in rights):
            return any(access.holds(request.user, right) for right in rights)
        # The page of one row asks many times.
        known: dict[Any, bool] = request.__dict__.setdefault("_kept_rows", {})
        key = (self.model, obj.pk, keep)
        if key not in known:
            row = self.model._default_manager.filter(pk=obj.pk)
            known[key] = (self.kept_rows if keep else self.rows)(request, row).exists()
        return known[key]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to whoever may see one of its lists."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may see these rows, or this one."""
        return self._may(request, obj, keep=False)

    def has_keep_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person keeps these rows, or this one; asked for the buttons."""
        return self._may(request, obj, keep=True)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person makes rows here."""
        return self.adds and self._may(request, None, keep=True)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person changes these rows, or this one, by its form."""
        return self.changes and self._may(request, obj, keep=True)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows end by their term or their state, their history stays."""
        return False

    # Reading ------------------------------------------------------------------------------------------------

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Filter only by what the list offers: by other columns a page could be asked about what it does not show."""
        first = lookup.split("__")[0]
        try:
            # It knows a column by the name of its key as well, and relations that have no name of their own.
            _ = first == "pk" or self.opts.get_field(first)
        except FieldDoesNotExist:
            return True
        offered = {self.date_hierarchy or ""}
        for entry in self.get_list_filter(request):
            name = entry[0] if isinstance(entry, list | tuple) else entry
            offered.add(name if isinstance(name, str) else getattr(name, "parameter_name", ""))
        wanted = lookup.split("__")
        return any(name and wanted[: len(name.split("__"))] == name.split("__") for name in offered) and (
            super().lookup_allowed(lookup, value, request)
        )

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Counted:
        """Count the list and its totals in one statement; a row's history has pages, too, and no totals."""
        own = queryset.model is self.model
        asked: dict[str, Any] = {}
        if own:
            asked = {"count_by": self.count_by, "sum_of": self.sum_of, "dated": self.date_hierarchy or ""}
        return Counted(queryset, per_page, *args, **kwargs, **asked)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with its totals, and the ways out and in as a table."""
        response = super().changelist_view(request, {**tables_of(self.model, request), **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            changelist = response.context_data["cl"]
            response.context_data |= {"totals": changelist.paginator.totals, "by_date": by_date(changelist)}
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what happened to the row by any door, not by the admin's forms alone."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            response.context_data["told"] = history_of(response.context_data["object"])
        return response

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> HttpResponse | None:
        """Take an action on the chosen rows; what is no key of a row is taken for a row that is not there."""
        post = request.POST.copy()
        keys = [key for key in post.getlist(ACTION_CHECKBOX_NAME) if self._is_key(key)]
        if not keys and post.getlist(ACTION_CHECKBOX_NAME):
            self.message_user(request, NONE_OF_YOURS, messages.WARNING)
            return None
        post.setlist(ACTION_CHECKBOX_NAME, keys)
        request.POST = post  # type: ignore[assignment]
        return super().response_action(request, queryset, *args)

    def _is_key(self, text: str) -> bool:
        pk = self.opts.pk
        try:
            pk.run_validators(pk.to_python(text))
        except (ValidationError, ValueError):
            return False
        return True

    # Writing ------------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Add what the action refused a moment ago, and let a row go on pointing where it points."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)
        for name, field in form.base_fields.items():
            present = getattr(obj, f"{name}_id", None)
            # Fields that the form declares itself are shared by all forms of its kind.
            if isinstance(field, ModelChoiceField) and present is not None and name not in form.declared_fields:
                rows: Any = field.queryset
                field.queryset = rows | rows.model._default_manager.filter(pk=present)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Carry the mark of the version that is shown through every form that changes a row."""
        sets: list[tuple[Any, Any]] = [(name, {**options}) for name, options in super().get_fieldsets(request, obj)]
        for _, options in sets:
            options["fields"] = [field for field in options["fields"] if field != "seen"]
        if obj is not None and self.has_change_permission(request, obj):
            sets[-1][1]["fields"].append("seen")
        return sets

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form again, as it was filled in, when the action refuses."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            request.refusal = error  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Offer the row's buttons, and what other rooms tell of it."""
        obj = kwargs.get("obj")
        if obj is not None:
            context["panels"] = panels_of(request, obj)
        if obj is not None and self.has_keep_permission(request, obj):
            taken: list[Any] = [entry[0] for entry in self.get_actions(request).values() if entry]
            context["steps"] = [act.step for act in taken if hasattr(act, "step") and act.step.offered(obj)]
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write nothing yet: `store` writes the row together with what belongs to it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Hand the row and the rows below it to the action, with the mark of the version that was changed.

        A page without the mark is as good as a stale one.
        """
        seen = str(form.cleaned_data.get("seen", "")) if change else None
        self.store(request, form.instance, form, children_of(formsets), seen)

    def store(self, request: HttpRequest, row: Any, form: Any, children: Children, seen: str | None) -> None:
        """Write through the room's action; `seen` is None for a new row."""
        raise NotImplementedError(f"{type(self).__name__} writes by no action.")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove through the room's action."""
        raise NotImplementedError(f"{type(self).__name__} removes by no action.")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove each chosen row through the room's action."""
        for row in queryset:
            self.delete_model(request, row)


class SettingsAdmin(ScopedAdmin):
    """What a district sets for itself: whoever enters may read it, whoever keeps the settings changes it."""

    looks: tuple[str, ...] = ("enter_admin",)
    keeps: tuple[str, ...] = ("manage_settings",)
    actions = None
    # Filters of other lists that offer these rows need not read them for each person.
    same_for_all = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep the code of a row that exists: other rows point at it."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return (*fixed, self.opts.pk.name) if obj and self.opts.pk.editable else fixed


class ScopedInline(_Reachable, admin.TabularInline):
    """Rows that belong to one row: whoever sees it sees them, whoever changes it changes them."""

    extra = 0
    keeps: tuple[str, ...] = ()

    @property
    def _above(self) -> Any:
        return self.admin_site._registry[self.parent_model]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the row above."""
        return self._above.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the row above."""
        return self._above.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the row above."""
        return self._above.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the row above."""
        return self._above.has_change_permission(request, obj)


def every_list_is_scoped(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Fail start-up for a list of the admin that does not ask whose rows it shows, rows within rows included."""
    loose = [
        part
        for model_admin in admin.site._registry.values()
        for part in (type(model_admin), *model_admin.inlines)
        if not issubclass(part, ScopedAdmin | ScopedInline)
    ]
    return [
        checks.Error(
            f"{part.__module__}.{part.__name__} shows rows without asking whose they are.",
            hint="Derive it from common.admin.ScopedAdmin or ScopedInline.",
            id="hedong.E002",
        )
        for part in loose
    ]


def every_list_writes_by_an_action(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Fail start-up for a list with a form that nothing stores, or with a button that removes by nothing."""
    found: list[checks.CheckMessage] = []
    for one in map(type, admin.site._registry.values()):
        if not issubclass(one, ScopedAdmin):
            continue
        written = bool(one.keeps) and (one.adds or one.changes)
        removed = one.has_delete_permission is not ScopedAdmin.has_delete_permission
        if (written and one.store is ScopedAdmin.store) or (removed and one.delete_model is ScopedAdmin.delete_model):
            name = f"{one.__module__}.{one.__name__}"
            found.append(checks.Error(f"{name} offers to write and names no action that does.", id="hedong.E003"))
    return found
