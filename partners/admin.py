"""Set-up of partners and of the pool, in the stock admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from partners.models import (
    DepartmentProfile,
    Membership,
    Pairing,
    Partner,
    PropertyService,
    Resource,
    ResourceBlackout,
    ResourceServedArea,
    ResourceSlot,
    ResourceType,
)


class DepartmentInline(admin.StackedInline):
    """What only departments have."""

    model = DepartmentProfile
    extra = 0


@admin.register(Partner)
class PartnerAdmin(admin.ModelAdmin):
    """Partners of the five categories; the phone number is kept out of lists and forms alike."""

    list_display = ("name", "category", "code", "status", "area")
    list_filter = ("category", "status")
    search_fields = ("name", "code")
    list_select_related = ("area",)
    raw_id_fields = ("area", "party_organization")
    exclude = ("contact_phone",)
    inlines = (DepartmentInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a partner leaves by its status, its history stays."""
        return False


@admin.register(ResourceType)
class ResourceTypeAdmin(admin.ModelAdmin):
    """The two-level list of what can be asked for."""

    list_display = ("code", "name", "parent", "active")
    list_select_related = ("parent",)
    search_fields = ("name", "code")


class ServedAreaInline(admin.TabularInline):
    """Where the resource serves, when it does not serve the whole district."""

    model = ResourceServedArea
    extra = 0
    raw_id_fields = ("area",)


class BlackoutInline(admin.TabularInline):
    """Days without service."""

    model = ResourceBlackout
    extra = 0


@admin.register(Resource)
class ResourceAdmin(admin.ModelAdmin):
    """The pool's entries."""

    list_display = ("name", "type", "partner", "unit_kind", "notice_days", "status")
    list_filter = ("status", "unit_kind", "type__parent")
    search_fields = ("name", "partner__name")
    list_select_related = ("type", "partner")
    raw_id_fields = ("area", "partner")
    exclude = ("contact_phone",)
    inlines = (ServedAreaInline, BlackoutInline)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a resource is retired by its status, its history stays."""
        return False


@admin.register(ResourceSlot)
class ResourceSlotAdmin(admin.ModelAdmin):
    """Time windows; what is used is written by dispatch alone."""

    list_display = ("resource", "starts_at", "ends_at", "capacity", "used")
    list_filter = ("starts_at", "resource__type")
    list_select_related = ("resource",)
    raw_id_fields = ("resource",)
    readonly_fields = ("used",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to remove a slot that somebody holds."""
        return obj is None or obj.used == 0


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    """Who acts for which partner."""

    list_display = ("user", "partner", "role", "valid_from", "valid_to")
    list_filter = ("role",)
    search_fields = ("user__username", "user__display_name", "partner__name")
    list_select_related = ("user", "partner")
    raw_id_fields = ("user", "partner")


@admin.register(Pairing)
class PairingAdmin(admin.ModelAdmin):
    """Which department is paired with which community."""

    list_display = ("department", "community", "valid_from", "valid_to")
    search_fields = ("department__name", "community__name")
    list_select_related = ("department", "community")
    raw_id_fields = ("department", "community")


@admin.register(PropertyService)
class PropertyServiceAdmin(admin.ModelAdmin):
    """Which property firm serves which estate."""

    list_display = ("partner", "area", "valid_from", "valid_to")
    search_fields = ("partner__name", "area__name")
    list_select_related = ("partner", "area")
    raw_id_fields = ("partner", "area")
