"""Calendar, hours of work and deadlines in the admin; every write is an action that tells of the change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from clockwork import actions
from clockwork.models import CalendarDay, DeadlinePolicy, WorkHours
from common.admin import Children, SettingsAdmin


@admin.register(CalendarDay)
class CalendarDayAdmin(SettingsAdmin):
    """Days as the calendar has them; what is changed here counts as a local day."""

    list_display = ("date", "kind", "name", "source")
    list_filter = ("kind", "source")
    search_fields = ("date", "name")
    search_help_text = "输入年、月或节日，例如 2026-10"
    fields = ("date", "kind", "name")
    date_hierarchy = "date"
    count_by = "kind"

    def store(
        self, request: HttpRequest, row: CalendarDay, form: Any, children: Children, seen: str | None
    ) -> None:
        """Set the day by hand."""
        actions.change_day(row.date, row.kind, name=row.name, actor=request.user, seen=seen)
        row.source = CalendarDay.Source.LOCAL


@admin.register(WorkHours)
class WorkHoursAdmin(SettingsAdmin):
    """Hours of work by season."""

    list_display = ("name", "first_month", "last_month", "morning_start", "afternoon_end")
    search_fields = ("name",)

    def store(self, request: HttpRequest, row: WorkHours, form: Any, children: Children, seen: str | None) -> None:
        """Store the hours and tell of the change."""
        actions.change_hours(row, actor=request.user, seen=seen)


@admin.register(DeadlinePolicy)
class DeadlinePolicyAdmin(SettingsAdmin):
    """How long each step may take; the steps themselves are fixed."""

    list_display = ("name", "amount", "unit", "code")
    list_filter = ("unit",)
    search_fields = ("name", "code")
    readonly_fields = ("code",)
    adds = False

    def store(
        self, request: HttpRequest, row: DeadlinePolicy, form: Any, children: Children, seen: str | None
    ) -> None:
        """Store the limit and tell of the change."""
        actions.change_policy(row, actor=request.user, seen=seen)
