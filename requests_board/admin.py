"""Set-up of the request board, and its records to read; what only an action may write is not editable here."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from requests_board.models import (
    Allocation,
    DeclineReason,
    DispatchPolicy,
    NotAcceptedReason,
    PublicLimit,
    RequestCategory,
    ResourceRequest,
    ServiceRequest,
    SystemFeedback,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Show records; every change goes through the doors of the people whose work it is."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False


@admin.register(ServiceRequest)
class ServiceRequestAdmin(ReadOnlyAdmin):
    """Residents' requests; contacts stay out of sight, they are revealed on the desk and logged there."""

    list_display = ("number", "area", "category", "status", "channel", "created_at", "due_at")
    list_filter = ("status", "channel", "severity", "created_at")
    search_fields = ("number",)
    list_select_related = ("area", "category")
    exclude = ("phone", "phone_index", "phone_last4_index", "contact_name", "link_version")


@admin.register(ResourceRequest)
class ResourceRequestAdmin(ReadOnlyAdmin):
    """Communities' needs."""

    list_display = ("number", "area", "type", "quantity", "status", "created_at")
    list_filter = ("status", "urgency", "created_at", "type")
    search_fields = ("number",)
    list_select_related = ("area", "type")


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """What was proposed, held, promised and done."""

    list_display = ("resource_request", "resource", "partner", "slot", "status", "answer_due_at")
    list_filter = ("status",)
    search_fields = ("resource_request__number", "partner__name")
    list_select_related = ("resource_request", "resource", "partner", "slot__resource")


@admin.register(RequestCategory)
class RequestCategoryAdmin(admin.ModelAdmin):
    """The catalogue of requests and the limits for them."""

    list_display = ("code", "l1", "l2", "name", "limit_amount", "limit_unit", "quick", "active")
    list_filter = ("l1", "active")
    search_fields = ("code", "name", "l2")


@admin.register(DeclineReason, NotAcceptedReason)
class ReasonAdmin(admin.ModelAdmin):
    """The closed lists of reasons."""

    list_display = ("code", "label", "sort_order", "active")


@admin.register(DispatchPolicy)
class DispatchPolicyAdmin(admin.ModelAdmin):
    """Versions of the weights: a new one is added, an old one stays as it was."""

    list_display = ("version", "paired", "waiting", "share", "distance", "acceptance", "created_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: decisions point at their version."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: decisions point at their version."""
        return False


@admin.register(PublicLimit)
class PublicLimitAdmin(admin.ModelAdmin):
    """How often a sender may use a public door."""

    list_display = ("code", "name", "amount", "seconds")


@admin.register(SystemFeedback)
class SystemFeedbackAdmin(admin.ModelAdmin):
    """Opinions about this system, and our answers."""

    list_display = ("text", "created_at", "answered_at")
    readonly_fields = ("text", "page", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: opinions come in by the public page."""
        return False
