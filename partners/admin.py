"""Set-up of partners and of the pool, in the stock admin."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from common.crypto import looks_like_phone, normalise_phone
from common.masks import mask_phone
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

# A mobile number, or a landline with its area code.
_PHONE = re.compile(r"1[0-9]{10}|0[0-9]{9,11}")


class ContactForm(forms.ModelForm):
    """A row with the number of its contact: a new one is typed into its own entry, the stored one is not shown."""

    new_phone = forms.CharField(
        label="新的联系电话",
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
        help_text="手机号，或者带区号的座机。不改就留空。",
    )

    def clean_new_phone(self) -> str:
        """Return the digits of the number; refuse what is none."""
        typed: str = self.cleaned_data["new_phone"]
        number = normalise_phone(typed)
        if typed and not (looks_like_phone(typed) and _PHONE.fullmatch(number)):
            raise forms.ValidationError("电话号码不对，请看看。手机号是 11 位，座机要带区号。")
        return number

    def save(self, commit: bool = True) -> Any:
        """Put a new number in the place of the stored one; keep that one when nothing was typed."""
        if self.cleaned_data["new_phone"]:
            self.instance.contact_phone = self.cleaned_data["new_phone"]
        return super().save(commit)


class ContactAdmin(admin.ModelAdmin):
    """Rows with a contact: the number can be entered and replaced, and only its mask is seen."""

    form = ContactForm
    exclude = ("contact_phone",)
    readonly_fields = ("masked_phone",)

    @admin.display(description="联系电话")
    def masked_phone(self, row: models.Model) -> str:
        """Show the number with its middle hidden."""
        return mask_phone(getattr(row, "contact_phone", "")) or "—"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Put the mask and the entry for a new number behind the name of the contact."""
        number = ["masked_phone", "new_phone"]
        others = [str(name) for name in super().get_fields(request, obj) if name not in number]
        behind = others.index("contact_name") + 1
        return [*others[:behind], *number, *others[behind:]]


class DepartmentInline(admin.StackedInline):
    """What only departments have."""

    model = DepartmentProfile
    extra = 0


@admin.register(Partner)
class PartnerAdmin(ContactAdmin):
    """Partners of the five categories."""

    list_display = ("name", "category", "code", "status", "area")
    list_filter = ("category", "status")
    search_fields = ("name", "code")
    list_select_related = ("area",)
    raw_id_fields = ("area", "party_organization")
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
class ResourceAdmin(ContactAdmin):
    """The pool's entries."""

    list_display = ("name", "type", "partner", "unit_kind", "notice_days", "status")
    list_filter = ("status", "unit_kind", "type__parent")
    search_fields = ("name", "partner__name")
    list_select_related = ("type", "partner")
    raw_id_fields = ("area", "partner")
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
