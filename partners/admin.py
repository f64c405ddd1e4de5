"""Partners, the people who act for them, and the pool in the admin; every write is an action of `partners.actions`."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.forms import PersonField
from accounts.selectors import person
from common.admin import Children, KeptForm, ScopedAdmin, ScopedInline, SettingsAdmin, confirmed
from common.admin.filters import ReachableFilter, kept_for_a_while
from common.masks import mask_phone
from common.phones import phone_of
from grids.admin.filters import PlaceFilter
from partners import actions
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
from partners.workflow import Category, ResourceStatus, Standing


class ContactForm(KeptForm):
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
        return phone_of(self.cleaned_data["new_phone"])

    def save(self, commit: bool = True) -> Any:
        """Put a new number in the place of the stored one; keep that one when nothing was typed."""
        if self.cleaned_data["new_phone"]:
            self.instance.contact_phone = self.cleaned_data["new_phone"]
        return super().save(commit)


class ContactAdmin(ScopedAdmin):
    """Rows with a contact: the number can be entered and replaced, and only its mask is seen."""

    form = ContactForm
    place = "scope_path"
    exclude = ("contact_phone",)
    # The state changes by its buttons, which ask for the reason.
    readonly_fields = ("masked_phone", "status")

    @admin.display(description="联系电话")
    def masked_phone(self, row: models.Model) -> str:
        """Show the number with its middle hidden."""
        return mask_phone(getattr(row, "contact_phone", "")) or "—"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Put the mask behind the name of the contact and, where it may be changed, the entry for a new number."""
        number = ["masked_phone"]
        if obj is None or self.has_change_permission(request, obj):
            number.append("new_phone")
        others = [str(name) for name in super().get_fields(request, obj) if name not in ("masked_phone", "new_phone")]
        behind = others.index("contact_name") + 1
        return [*others[:behind], *number, *others[behind:]]


class DepartmentInline(ScopedInline):
    """What only departments have."""

    model = DepartmentProfile


@admin.register(Partner)
class PartnerAdmin(ContactAdmin):
    """Partners of the five categories."""

    looks, keeps = ("view_partner",), ("manage_partner",)
    list_display = ("name", "category", "code", "status", "area", "contact_name")
    list_filter = ("category", "status", PlaceFilter)
    search_fields = ("name", "code", "area__name")
    search_help_text = "输入名称、编号或者所在区域"
    list_select_related = ("area",)
    raw_id_fields = ("area", "party_organization")
    inlines = (DepartmentInline,)
    count_by = "status"
    actions = ("suspend", "restore", "let_go")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Ask for what only departments have where there may be one."""
        return () if obj is not None and obj.category != Category.DEPARTMENT else self.inlines

    def store(self, request: HttpRequest, row: Partner, form: Any, children: Children, seen: str | None) -> None:
        """Keep the partner with its department's profile."""
        actions.keep_partner(row, actor=person(request), seen=seen, kept=children.kept, gone=children.gone)

    @confirmed(
        label="暂停合作",
        ask="暂停以后，这些合伙人的资源不再约给社区，已经约好的照常。",
        done="暂停了",
        offered=lambda row: row.status == Standing.ACTIVE,
    )
    def suspend(self, request: HttpRequest, row: Partner, reason: str) -> None:
        """Suspend the partner."""
        actions.set_standing(row, Standing.SUSPENDED, actor=person(request), reason=reason)

    @confirmed(
        label="恢复合作",
        ask="恢复以后，这些合伙人的资源又可以约了。",
        done="恢复了",
        offered=lambda row: row.status != Standing.ACTIVE,
    )
    def restore(self, request: HttpRequest, row: Partner, reason: str) -> None:
        """Take the partner up again."""
        actions.set_standing(row, Standing.ACTIVE, actor=person(request), reason=reason)

    @confirmed(
        label="退出合作",
        ask="退出以后不再派给这些合伙人，以前的记录都留着。",
        done="退出了",
        offered=lambda row: row.status != Standing.EXITED,
    )
    def let_go(self, request: HttpRequest, row: Partner, reason: str) -> None:
        """Let the partner go."""
        actions.set_standing(row, Standing.EXITED, actor=person(request), reason=reason)


@admin.register(ResourceType)
class ResourceTypeAdmin(SettingsAdmin):
    """The two-level list of what can be asked for."""

    list_display = ("code", "name", "parent", "active")
    list_filter = ("active",)
    list_select_related = ("parent",)
    search_fields = ("name", "code")

    def store(self, request: HttpRequest, row: ResourceType, form: Any, children: Children, seen: str | None) -> None:
        """Keep the type."""
        actions.keep_type(row, actor=person(request), seen=seen)


class FieldFilter(ReachableFilter):
    """What is of one field of work; the types within it have nothing below them to choose."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the fields of work."""
        fields = ResourceType.objects.filter(parent=None)
        return kept_for_a_while("fields of work", lambda: [(str(row.pk), str(row)) for row in fields])


class ServedAreaInline(ScopedInline):
    """Where the resource serves, when it does not serve the whole district."""

    model = ResourceServedArea
    keeps = ("manage_pool",)
    raw_id_fields = ("area",)


class BlackoutInline(ScopedInline):
    """Days without service."""

    model = ResourceBlackout


@admin.register(Resource)
class ResourceAdmin(ContactAdmin):
    """The pool's entries."""

    looks, keeps = ("view_pool",), ("manage_pool",)
    list_display = ("name", "type", "partner", "unit_kind", "notice_days", "status")
    list_filter = ("status", "unit_kind", ("type__parent", FieldFilter), PlaceFilter)
    search_fields = ("name", "partner__name")
    search_help_text = "输入资源或者提供方的名称"
    list_select_related = ("type", "partner")
    raw_id_fields = ("area", "partner")
    inlines = (ServedAreaInline, BlackoutInline)
    count_by = "status"
    actions = ("pause", "open", "retire")

    def store(self, request: HttpRequest, row: Resource, form: Any, children: Children, seen: str | None) -> None:
        """Keep the resource with the areas it serves and its days without service."""
        actions.keep_resource(row, actor=person(request), seen=seen, kept=children.kept, gone=children.gone)

    @confirmed(
        label="暂停提供",
        ask="暂停以后，这些资源不再约给社区，已经约好的照常。",
        done="暂停了",
        offered=lambda row: row.status == ResourceStatus.OPEN,
    )
    def pause(self, request: HttpRequest, row: Resource, reason: str) -> None:
        """Pause the resource."""
        actions.set_resource_status(row, ResourceStatus.PAUSED, actor=person(request), reason=reason)

    @confirmed(
        label="恢复提供",
        ask="恢复以后，这些资源又可以约了。",
        done="恢复了",
        offered=lambda row: row.status != ResourceStatus.OPEN,
    )
    def open(self, request: HttpRequest, row: Resource, reason: str) -> None:
        """Open the resource again."""
        actions.set_resource_status(row, ResourceStatus.OPEN, actor=person(request), reason=reason)

    @confirmed(
        label="停用",
        ask="停用以后不再约出去，以前的记录都留着。",
        done="停用了",
        offered=lambda row: row.status != ResourceStatus.RETIRED,
    )
    def retire(self, request: HttpRequest, row: Resource, reason: str) -> None:
        """Retire the resource."""
        actions.set_resource_status(row, ResourceStatus.RETIRED, actor=person(request), reason=reason)


@admin.register(ResourceSlot)
class ResourceSlotAdmin(ScopedAdmin):
    """Time windows; what is used is written by dispatch alone."""

    looks, keeps, place = ("view_pool",), ("manage_pool",), "resource__scope_path"
    list_display = ("resource", "starts_at", "ends_at", "capacity", "used")
    list_filter = (("resource__type__parent", FieldFilter),)
    search_fields = ("resource__name", "resource__partner__name")
    search_help_text = "输入资源或者提供方的名称"
    list_select_related = ("resource",)
    raw_id_fields = ("resource",)
    readonly_fields = ("used",)
    date_hierarchy = "starts_at"
    sum_of = ("capacity", "used")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer to remove a slot that nobody holds."""
        return self.has_change_permission(request, obj) and (obj is None or obj.used == 0)

    def store(self, request: HttpRequest, row: ResourceSlot, form: Any, children: Children, seen: str | None) -> None:
        """Keep the time window."""
        actions.keep_slot(row, actor=person(request), seen=seen)

    def delete_model(self, request: HttpRequest, obj: ResourceSlot) -> None:
        """Remove the time window."""
        actions.remove_slot(obj, actor=person(request))


class TermAdmin(ScopedAdmin):
    """Rows that hold for a time: who and what stays as it was made, they are ended by a button."""

    looks, keeps = ("view_partner",), ("manage_partner",)
    fixed: tuple[str, ...] = ()
    date_hierarchy = "valid_from"
    actions = ("end",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep who and what as it was made."""
        return self.fixed if obj else ()

    @confirmed(label="结束", ask="以前的记录都留着。", done="结束了", offered=lambda row: row.valid_to is None)
    def end(self, request: HttpRequest, row: Any, reason: str) -> None:
        """End the row's term."""
        self.finish(row, actor=person(request), reason=reason)

    def finish(self, row: Any, *, actor: Any, reason: str) -> None:
        """End one row through its action."""
        raise NotImplementedError


class MembershipForm(KeptForm):
    """Who acts for which partner; the account is named, not chosen from a list."""

    user = PersonField()

    class Meta:
        model = Membership
        fields = ("user", "partner", "role", "valid_from", "valid_to")


@admin.register(Membership)
class MembershipAdmin(TermAdmin):
    """Who acts for which partner."""

    form = MembershipForm
    place = "partner__scope_path"
    fixed = ("user", "partner", "role")
    list_display = ("user", "partner", "role", "valid_from", "valid_to")
    list_filter = ("role", PlaceFilter, ("valid_to", admin.EmptyFieldListFilter))
    search_fields = ("user__username", "user__display_name", "partner__name")
    search_help_text = "输入姓名、用户名或者合伙人的名称"
    list_select_related = ("user", "partner")
    raw_id_fields = ("partner",)
    count_by = "role"

    def store(self, request: HttpRequest, row: Membership, form: Any, children: Children, seen: str | None) -> None:
        """Keep the membership."""
        actions.keep_membership(row, actor=person(request), seen=seen)

    def finish(self, row: Membership, *, actor: Any, reason: str) -> None:
        """End the membership."""
        actions.end_membership(row, actor=actor, reason=reason)


@admin.register(Pairing)
class PairingAdmin(TermAdmin):
    """Which department is paired with which community."""

    place = ("community__scope_path", "department__scope_path")
    fixed = ("department", "community")
    list_display = ("department", "community", "valid_from", "valid_to")
    list_filter = (PlaceFilter, ("valid_to", admin.EmptyFieldListFilter))
    search_fields = ("department__name", "community__name")
    search_help_text = "输入部门或者社区的名称"
    list_select_related = ("department", "community")
    raw_id_fields = ("department", "community")

    def store(self, request: HttpRequest, row: Pairing, form: Any, children: Children, seen: str | None) -> None:
        """Keep the pairing."""
        actions.keep_pairing(row, actor=person(request), seen=seen)

    def finish(self, row: Pairing, *, actor: Any, reason: str) -> None:
        """End the pairing."""
        actions.end_pairing(row, actor=actor, reason=reason)


@admin.register(PropertyService)
class PropertyServiceAdmin(TermAdmin):
    """Which property firm serves which estate."""

    place = ("area__scope_path", "partner__scope_path")
    fixed = ("partner", "area")
    list_display = ("partner", "area", "valid_from", "valid_to")
    list_filter = (PlaceFilter, ("valid_to", admin.EmptyFieldListFilter))
    search_fields = ("partner__name", "area__name")
    search_help_text = "输入物业企业或者小区的名称"
    list_select_related = ("partner", "area")
    raw_id_fields = ("partner", "area")

    def store(
        self, request: HttpRequest, row: PropertyService, form: Any, children: Children, seen: str | None
    ) -> None:
        """Keep who serves."""
        actions.keep_property_service(row, actor=person(request), seen=seen)

    def finish(self, row: PropertyService, *, actor: Any, reason: str) -> None:
        """End the service."""
        actions.end_property_service(row, actor=actor, reason=reason)
