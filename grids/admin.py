"""Set-up of places, party organisations and posts; every write goes through the trees or an action."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.selectors import person
from common import access
from common.errors import DomainError
from grids import actions, selectors, trees
from grids.forms import AreaForm, PartyOrganizationForm, PostForm
from grids.models import Area, AreaGroupPermission, BuildingCode, DistrictProfile, PartyOrganization, Post


class KeptAdmin(admin.ModelAdmin):
    """Rows that are never deleted and that one right keeps."""

    keeper = "manage_places"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person keeps these rows."""
        return access.holds(request.user, self.keeper)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person keeps these rows."""
        return access.holds(request.user, self.keeper)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows end by their term, their history stays."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Ask for the parent by its key with a look-up; a list of thousands of places helps nobody."""
        form = super().get_form(request, obj, change, **kwargs)
        above = form.base_fields.get("above")
        if above is not None:
            link = self.model._meta.get_field("parent").remote_field
            above.widget = ForeignKeyRawIdWidget(link, self.admin_site)
        return form

    def each(self, request: HttpRequest, rows: QuerySet[Any], verb: Any, done: str) -> None:
        """Take a step on every chosen row and say what was refused."""
        count = 0
        for row in rows:
            try:
                verb(row, actor=request.user)
                count += 1
            except DomainError as error:
                self.message_user(request, f"{row}：{error.message}", messages.WARNING)
        if count:
            self.message_user(request, f"{done} {count} 个。")


class PartyCoverageFilter(admin.SimpleListFilter):
    """Where a party organisation should be, and whether one is there (应建尽建)."""

    title = "应建尽建"
    parameter_name = "party"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both answers."""
        return [("missing", "还没有党组织"), ("covered", "已覆盖")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Area]) -> QuerySet[Area]:
        """Keep the places that the chosen answer holds for."""
        chosen = self.value()
        return selectors.party_coverage(queryset, covered=chosen == "covered") if chosen else queryset


@admin.register(Area)
class AreaAdmin(KeptAdmin):
    """Places (区域)."""

    form = AreaForm
    list_display = ("name", "kind", "parent", "code", "short_code", "households", "valid_to")
    list_filter = ("kind", PartyCoverageFilter)
    list_select_related = ("parent",)
    search_fields = ("name", "code", "short_code")
    raw_id_fields = ("managing_authority",)
    autocomplete_fields = ()
    actions = ("retire", "replace_code")

    @admin.action(description="停用所选区域")
    def retire(self, request: HttpRequest, queryset: QuerySet[Area]) -> None:
        """End the chosen places today."""
        self.each(request, queryset.order_by("-level"), trees.retire_area, "停用了")

    @admin.action(description="换新的二维码编号")
    def replace_code(self, request: HttpRequest, queryset: QuerySet[Area]) -> None:
        """Give the chosen places new public codes."""
        self.each(request, queryset, trees.replace_short_code, "换了编号")

    def save_model(self, request: HttpRequest, obj: Area, form: Any, change: bool) -> None:
        """Create, change and move through the tree's writer."""
        data = dict(form.cleaned_data)
        parent, kind = data.pop("above"), data.pop("tier")
        if not change:
            _adopt(obj, trees.create_area(parent=parent, kind=kind, actor=request.user, **data))
            return
        trees.update_area(obj, actor=request.user, **data)
        if parent is not None:
            trees.move_area(obj, to=parent, actor=request.user)


@admin.register(PartyOrganization)
class PartyOrganizationAdmin(KeptAdmin):
    """Party organisations (党组织)."""

    form = PartyOrganizationForm
    list_display = ("name", "level", "kind", "parent", "area", "valid_to")
    list_filter = ("level", "kind")
    list_select_related = ("parent", "area")
    search_fields = ("name", "code")
    raw_id_fields = ("area", "covers")
    actions = ("retire",)

    @admin.action(description="撤销所选党组织")
    def retire(self, request: HttpRequest, queryset: QuerySet[PartyOrganization]) -> None:
        """End the chosen organisations today."""
        self.each(request, queryset.order_by("-depth"), trees.retire_party_organization, "撤销了")

    def save_model(self, request: HttpRequest, obj: PartyOrganization, form: Any, change: bool) -> None:
        """Create, change and move through the tree's writer."""
        data = dict(form.cleaned_data)
        parent, level = data.pop("above"), data.pop("tier")
        covers = data.pop("covers")
        if not change:
            made = trees.create_party_organization(
                parent=parent, level=level, covers=covers, actor=request.user, **data
            )
            _adopt(obj, made)
            return
        trees.update_party_organization(obj, actor=request.user, **data)
        trees.set_covers(obj, covers, actor=request.user)
        if parent is not None:
            trees.move_party_organization(obj, to=parent, actor=request.user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: what is covered was written with the organisation."""


@admin.register(Post)
class PostAdmin(KeptAdmin):
    """Posts (岗位): given and ended, never edited."""

    keeper = "manage_posts"
    form = PostForm
    list_display = ("user", "role", "area", "valid_from", "valid_to")
    list_filter = ("role",)
    list_select_related = ("user", "area")
    search_fields = ("user__username", "user__display_name", "area__name")
    raw_id_fields = ("user", "area")
    actions = ("end",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer the list with its action; one post's page is for reading."""
        return obj is None and super().has_change_permission(request)

    @admin.action(description="立即结束所选岗位")
    def end(self, request: HttpRequest, queryset: QuerySet[Post]) -> None:
        """End the chosen posts and their holders' sessions."""
        self.each(request, queryset, actions.end_post, "结束了")

    def save_model(self, request: HttpRequest, obj: Post, form: Any, change: bool) -> None:
        """Give the post through the action that records it."""
        _adopt(obj, actions.assign_post(actor=person(request), **form.cleaned_data))


@admin.register(BuildingCode)
class BuildingCodeAdmin(KeptAdmin):
    """Public codes with their terms: for reading."""

    list_display = ("code", "area", "valid_from", "valid_to")
    list_select_related = ("area",)
    search_fields = ("code", "area__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: codes come with their places."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a code is replaced, not edited."""
        return False


@admin.register(AreaGroupPermission)
class AreaGroupPermissionAdmin(KeptAdmin):
    """Rights of groups at places: for reading; given and taken by commands of the security administrator."""

    keeper = "manage_posts"
    list_display = ("group", "permission", "content_object")
    list_select_related = ("group", "permission__content_type", "content_object")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(DistrictProfile)
class DistrictProfileAdmin(KeptAdmin):
    """What this installation says about itself: one row."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Offer the form only until the row exists."""
        return super().has_add_permission(request) and selectors.profile()._state.adding

    def save_model(self, request: HttpRequest, obj: DistrictProfile, form: Any, change: bool) -> None:
        """Write through the action that records it."""
        actions.update_profile(actor=person(request), **form.cleaned_data)


def _adopt(form_row: Any, made: Any) -> None:
    """Let the form's row stand for the one that was written."""
    form_row.__dict__.update(made.__dict__)
