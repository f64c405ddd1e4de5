"""Volunteer teams and the kinds of service in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin import Children, ScopedAdmin, SettingsAdmin
from grids.admin.filters import PlaceFilter
from volunteering import actions
from volunteering.models import ServiceType, VolunteerTeam


@admin.register(ServiceType)
class ServiceTypeAdmin(SettingsAdmin):
    """Kinds of voluntary service."""

    list_display = ("code", "name", "group")
    list_filter = ("group",)
    search_fields = ("name", "code")

    def store(self, request: HttpRequest, row: ServiceType, form: Any, children: Children, seen: str | None) -> None:
        """Keep the kind of service."""
        actions.keep_service_type(row, actor=request.user, seen=seen)


@admin.register(VolunteerTeam)
class VolunteerTeamAdmin(ScopedAdmin):
    """Teams and what they can do."""

    looks, keeps, place = ("view_partner",), ("manage_partner",), "scope_path"
    list_display = ("name", "area", "partner", "active")
    list_filter = ("active", "service_types", PlaceFilter)
    search_fields = ("name", "area__name", "partner__name")
    search_help_text = "输入队名、所在区域或者合伙人的名称"
    list_select_related = ("area", "partner")
    raw_id_fields = ("area", "partner")
    count_by = "active"

    def store(self, request: HttpRequest, row: VolunteerTeam, form: Any, children: Children, seen: str | None) -> None:
        """Keep the team with what it can do."""
        actions.keep_team(row, service_types=form.cleaned_data["service_types"], actor=request.user, seen=seen)
