"""Calendar, hours of work and deadlines in the admin; every write is an action that tells of the change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from clockwork import actions
from clockwork.models import CalendarDay, DeadlinePolicy, WorkHours


@admin.register(CalendarDay)
class CalendarDayAdmin(admin.ModelAdmin):
    """Days as the calendar has them; what is changed here counts as a local day."""

    list_display = ("date", "kind", "name", "source")
    list_filter = ("kind", "source")
    search_fields = ("date", "name")
    search_help_text = "输入年、月或节日，例如 2026-10"
    fields = ("date", "kind", "name")
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the date of a day that exists."""
        return ("date",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody tear holes into the calendar."""
        return False

    def save_model(self, request: HttpRequest, obj: CalendarDay, form: Any, change: bool) -> None:
        """Set the day by hand."""
        actions.change_day(obj.date, obj.kind, name=obj.name, actor=request.user)
        obj.source = CalendarDay.Source.LOCAL


@admin.register(WorkHours)
class WorkHoursAdmin(admin.ModelAdmin):
    """Hours of work by season."""

    list_display = ("name", "first_month", "last_month", "morning_start", "afternoon_end")
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep hours for every month: change them instead."""
        return False

    def save_model(self, request: HttpRequest, obj: WorkHours, form: Any, change: bool) -> None:
        """Store the hours and tell of the change."""
        actions.change_hours(obj, actor=request.user)


@admin.register(DeadlinePolicy)
class DeadlinePolicyAdmin(admin.ModelAdmin):
    """How long each step may take; the steps themselves are fixed."""

    list_display = ("name", "amount", "unit", "code")
    readonly_fields = ("code",)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave new steps to the product."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave steps to the product."""
        return False

    def save_model(self, request: HttpRequest, obj: DeadlinePolicy, form: Any, change: bool) -> None:
        """Store the limit and tell of the change."""
        actions.change_policy(obj, actor=request.user)
