"""What every list of the web admin shares: who sees and keeps its rows, and where.

A model's admin names its rights; where its rows lie is one condition on their path. Every surface of the admin
(list, search, filters, look-ups, choices of foreign keys, inlines, history, export, actions) takes its rows from
`ScopedAdmin.rows`.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from common import access


class ScopedAdmin(admin.ModelAdmin):
    """Show rows within the person's reach and let whoever keeps them change them.

    `looks` and `keeps` are rights of `grids.roles` (any one of several is enough); `place` is the path of the
    look-up that leads to a row's `scope_path`, or "" for rows that belong to no place.
    """

    looks: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    place = ""

    def rows(self, request: HttpRequest, rows: QuerySet[Any], permissions: tuple[str, ...]) -> QuerySet[Any]:
        """Keep of `rows` what lies where the person holds one of `permissions`."""
        user = request.user
        held = [permission for permission in permissions if access.holds(user, permission)]
        if not held:
            return rows.none()
        if not self.place:
            return rows
        condition = Q(pk__in=[])
        for permission in held:
            condition |= access.within(user, permission, self.place, self.model)
        return rows.filter(condition)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that the person may see."""
        return self.rows(request, super().get_queryset(request), (*self.looks, *self.keeps))

    def _may(self, request: HttpRequest, obj: Any, permissions: tuple[str, ...]) -> bool:
        if obj is None:
            return any(access.holds(request.user, permission) for permission in permissions)
        return self.rows(request, self.model._default_manager.filter(pk=obj.pk), permissions).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to whoever may see one of its lists."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may see these rows, or this one."""
        return self._may(request, obj, (*self.looks, *self.keeps))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person keeps these rows anywhere."""
        return self._may(request, None, self.keeps)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person keeps these rows, or this one."""
        return self._may(request, obj, self.keeps)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows end by their term or their state, their history stays."""
        return False
