"""Places, their public codes, and what this installation says about itself."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.selectors import person
from common.admin import Children, ScopedAdmin, SettingsAdmin, confirmed
from common.versions import require_unchanged
from grids import actions, selectors, trees
from grids.admin.filters import PartyCoverageFilter, PlaceFilter
from grids.admin.trees import TreeAdmin, adopt
from grids.forms import AreaForm
from grids.models import Area, BuildingCode, DistrictProfile
from grids.trees.keep import keep_area


@admin.register(Area)
class AreaAdmin(TreeAdmin):
    """Places (区域)."""

    form = AreaForm
    list_display = ("name", "kind", "parent", "code", "short_code", "households", "valid_to")
    list_filter = ("kind", PlaceFilter, PartyCoverageFilter)
    list_select_related = ("parent",)
    search_fields = ("name", "code", "short_code")
    search_help_text = "输入名称、代码或者二维码编号"
    raw_id_fields = ("managing_authority",)
    count_by = "kind"
    actions = ("retire", "replace_code")

    def path_above(self, row: Area) -> str:
        """Return the path of the place above."""
        return row.scope_path.removesuffix(f"{row.pk}/")

    @confirmed(
        label="停用区域",
        ask="停用以后不能再往这里报事，楼道码会提示已停用；以前的记录都留着。下面还有没停用的，要先停用或者移走。",
        done="停用了",
        order=("-level",),
        offered=lambda row: row.valid_to is None,
    )
    def retire(self, request: HttpRequest, row: Area, reason: str) -> None:
        """End the place today."""
        self.require_above(request, row)
        trees.retire_area(row, actor=request.user, reason=reason)

    @confirmed(
        label="换新的二维码编号",
        ask="换了以后，原来贴的码就不能用了，要重新打印张贴。",
        done="换了编号",
        offered=lambda row: row.valid_to is None,
    )
    def replace_code(self, request: HttpRequest, row: Area, reason: str) -> None:
        """Give the place a new public code."""
        trees.replace_short_code(row, actor=request.user, reason=reason)

    def store(self, request: HttpRequest, row: Area, form: Any, children: Children, seen: str | None) -> None:
        """Create, change and move through the tree's writer."""
        data = {name: form.cleaned_data[name] for name in AreaForm.Meta.fields}
        parent = form.cleaned_data["above"]
        if seen is None:
            made = trees.create_area(parent=parent, kind=form.cleaned_data["tier"], actor=request.user, **data)
        else:
            if parent is not None and parent.pk != row.parent_id:
                self.require_above(request, row)
            made = keep_area(row, parent=parent, seen=seen, actor=request.user, **data)
        adopt(row, made)


@admin.register(BuildingCode)
class BuildingCodeAdmin(ScopedAdmin):
    """Public codes with their terms: for reading; they come with their places and are replaced there."""

    looks, place = ("enter_admin",), "area__scope_path"
    adds = changes = False
    list_display = ("code", "area", "valid_from", "valid_to")
    list_filter = (PlaceFilter, ("valid_to", admin.EmptyFieldListFilter))
    list_select_related = ("area",)
    search_fields = ("code", "area__name")
    date_hierarchy = "valid_from"


@admin.register(DistrictProfile)
class DistrictProfileAdmin(SettingsAdmin):
    """What this installation says about itself: one row."""

    list_display = ("site_name", "hotline", "is_demo")
    search_fields = ("site_name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Offer the form only until the row exists."""
        return super().has_add_permission(request) and selectors.profile()._state.adding

    def store(
        self, request: HttpRequest, row: DistrictProfile, form: Any, children: Children, seen: str | None
    ) -> None:
        """Write through the action that records it."""
        if seen is not None:
            require_unchanged(DistrictProfile.objects.select_for_update().get(pk=row.pk), seen)
        data = {name: value for name, value in form.cleaned_data.items() if name != "seen"}
        adopt(row, actions.update_profile(actor=person(request), **data))
