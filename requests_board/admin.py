"""Set-up of the request board, and its records to read; what only an action may write is not editable here."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from common.admin import Children, ScopedAdmin, SettingsAdmin
from grids.admin.filters import PlaceFilter
from requests_board.actions import settings
from requests_board.desk_selectors import of_phone
from requests_board.models import (
    Allocation,
    DeclineReason,
    DispatchPolicy,
    NotAcceptedReason,
    RequestCategory,
    ResourceRequest,
    ServiceRequest,
    SystemFeedback,
)


class RecordAdmin(ScopedAdmin):
    """Records to look at; every change goes through the doors of the people whose work it is."""

    place = "scope_path"
    adds = changes = False
    count_by = "status"

    def desk(self, row: Any, query: str) -> str:
        """Return a link to where a row is worked on."""
        return format_html('<a href="{}?{}={}">到工作台办理</a>', reverse("requests_board:desk"), query, row.number)


@admin.register(ServiceRequest)
class ServiceRequestAdmin(RecordAdmin):
    """Residents' requests; contacts stay out of sight, they are revealed on the desk and logged there."""

    looks = ("view_request",)
    list_display = ("number", "area", "category", "status", "channel", "created_at", "due_at")
    list_filter = ("status", "channel", "severity", PlaceFilter)
    search_fields = ("number", "text", "area__name")
    search_help_text = "输入编号、原话里的词、地点，或者手机号、它的后四位"
    list_select_related = ("area", "category")
    date_hierarchy = "created_at"
    exclude = ("phone", "phone_index", "phone_last4_index", "contact_name", "link_version")
    readonly_fields = ("number", "work")

    def found_also(self, request: HttpRequest, text: str) -> Q:
        """Find a request by its phone where the person may see phones."""
        return of_phone(request.user, text)

    @admin.display(description="办理")
    def work(self, row: ServiceRequest) -> str:
        """Link to the request's place on the desk."""
        return self.desk(row, "open")


@admin.register(ResourceRequest)
class ResourceRequestAdmin(RecordAdmin):
    """Communities' needs."""

    looks = ("view_resource_request",)
    list_display = ("number", "area", "type", "quantity", "status", "created_at")
    list_filter = ("status", "urgency", "type__parent", PlaceFilter)
    search_fields = ("number", "area__name", "type__name")
    search_help_text = "输入编号、地点或者类型"
    list_select_related = ("area", "type")
    date_hierarchy = "created_at"
    readonly_fields = ("number", "work")

    @admin.display(description="办理")
    def work(self, row: ResourceRequest) -> str:
        """Link to the need's place on the desk."""
        return self.desk(row, "open")


@admin.register(Allocation)
class AllocationAdmin(RecordAdmin):
    """What was proposed, held, promised and done."""

    looks = ("view_allocation",)
    list_display = ("resource_request", "resource", "partner", "slot", "status", "answer_due_at")
    list_filter = ("status", "rating", PlaceFilter)
    search_fields = ("resource_request__number", "partner__name", "resource__name")
    search_help_text = "输入需求编号、提供方或者资源的名称"
    list_select_related = ("resource_request", "resource", "partner", "slot__resource")
    date_hierarchy = "created_at"
    readonly_fields = ("work",)

    @admin.display(description="办理")
    def work(self, row: Allocation) -> str:
        """Link to the need's place on the desk."""
        return self.desk(row.resource_request, "open")


class KeptSettingAdmin(SettingsAdmin):
    """Rows of the board's own settings."""

    def store(self, request: HttpRequest, row: Any, form: Any, children: Children, seen: str | None) -> None:
        """Keep the row."""
        settings.keep_setting(row, actor=request.user, seen=seen)


@admin.register(RequestCategory)
class RequestCategoryAdmin(KeptSettingAdmin):
    """The catalogue of requests and the limits for them."""

    list_display = ("code", "l1", "l2", "name", "limit_amount", "limit_unit", "quick", "active")
    list_filter = ("l1", "active")
    search_fields = ("code", "name", "l2", "keywords")
    count_by = "active"


@admin.register(DeclineReason, NotAcceptedReason)
class ReasonAdmin(KeptSettingAdmin):
    """The closed lists of reasons."""

    list_display = ("code", "label", "sort_order", "active")
    list_filter = ("active",)
    search_fields = ("code", "label")


@admin.register(DispatchPolicy)
class DispatchPolicyAdmin(SettingsAdmin):
    """Versions of the weights: a new one is added, an old one stays as it was, because decisions point at it."""

    list_display = ("version", "paired", "waiting", "share", "distance", "acceptance", "created_at")
    search_fields = ("=version", "emergency_order")
    date_hierarchy = "created_at"
    changes = False

    def store(self, request: HttpRequest, row: DispatchPolicy, form: Any, children: Children, seen: str | None) -> None:
        """Put the new version in force."""
        settings.add_policy(row, actor=request.user)


@admin.register(SystemFeedback)
class SystemFeedbackAdmin(SettingsAdmin):
    """Opinions about this system, and our answers; they come in by the public page."""

    looks = ("manage_settings",)
    list_display = ("text", "created_at", "answered_at")
    list_filter = (("answered_at", admin.EmptyFieldListFilter),)
    search_fields = ("text", "answer")
    date_hierarchy = "created_at"
    readonly_fields = ("text", "page", "created_at", "answered_at")
    adds = False

    def store(self, request: HttpRequest, row: SystemFeedback, form: Any, children: Children, seen: str | None) -> None:
        """Answer the opinion."""
        settings.answer_feedback(row, actor=request.user, seen=seen)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let advertising and personal data be taken out."""
        return self.has_change_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: SystemFeedback) -> None:
        """Delete the opinion."""
        settings.remove_feedback(obj, actor=request.user)
