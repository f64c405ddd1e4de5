"""Set-up of volunteer teams."""

from django.contrib import admin

from volunteering.models import ServiceType, VolunteerTeam


@admin.register(ServiceType)
class ServiceTypeAdmin(admin.ModelAdmin):
    """Kinds of voluntary service."""

    list_display = ("code", "name", "group")
    search_fields = ("name",)


@admin.register(VolunteerTeam)
class VolunteerTeamAdmin(admin.ModelAdmin):
    """Teams and what they can do."""

    list_display = ("name", "area", "partner", "active")
    list_filter = ("active", "service_types")
    search_fields = ("name",)
    list_select_related = ("area", "partner")
    raw_id_fields = ("area", "partner")
