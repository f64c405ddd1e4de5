"""Groups and what they may do where: for reading; given and taken by commands of the security administrator."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as stock  # noqa: F401  # registers the list that gives way below
from django.contrib.auth.models import Group

from common.admin import ScopedAdmin
from grids.models import AreaGroupPermission

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ScopedAdmin):
    """Groups of people."""

    looks = ("manage_posts",)
    adds = changes = False
    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name",)


@admin.register(AreaGroupPermission)
class AreaGroupPermissionAdmin(ScopedAdmin):
    """Rights of groups at places."""

    looks, place = ("manage_posts",), "content_object__scope_path"
    adds = changes = False
    list_display = ("group", "permission", "content_object")
    list_filter = ("group",)
    search_fields = ("group__name", "content_object__name")
    list_select_related = ("group", "permission__content_type", "content_object")
