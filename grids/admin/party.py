"""Party organisations: added, changed and moved within the person's reach."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin import Children, confirmed
from grids import trees
from grids.admin.filters import PlaceFilter
from grids.admin.trees import TreeAdmin, adopt
from grids.forms import PartyOrganizationForm
from grids.models import PartyOrganization
from grids.trees.keep import keep_party_organization


@admin.register(PartyOrganization)
class PartyOrganizationAdmin(TreeAdmin):
    """Party organisations (党组织)."""

    form = PartyOrganizationForm
    list_display = ("name", "level", "kind", "parent", "area", "valid_to")
    list_filter = ("level", "kind", PlaceFilter)
    list_select_related = ("parent", "area")
    search_fields = ("name", "code")
    search_help_text = "输入名称或者代码"
    raw_id_fields = ("area", "covers")
    count_by = "level"
    actions = ("retire",)

    def path_above(self, row: PartyOrganization) -> str:
        """Return the path of the place on which the organisation above stands."""
        return row.parent.scope_path if row.parent is not None else "/"

    @confirmed(
        label="撤销党组织",
        ask="以前的记录都留着。下面还有没撤销的，要先撤销或者移走。",
        done="撤销了",
        order=("-depth",),
        offered=lambda row: row.valid_to is None,
    )
    def retire(self, request: HttpRequest, row: PartyOrganization, reason: str) -> None:
        """End the organisation today."""
        self.require_above(request, row)
        trees.retire_party_organization(row, actor=request.user, reason=reason)

    def store(
        self, request: HttpRequest, row: PartyOrganization, form: Any, children: Children, seen: str | None
    ) -> None:
        """Create, change and move through the tree's writer."""
        data = {name: form.cleaned_data[name] for name in PartyOrganizationForm.Meta.fields}
        parent, actor = form.cleaned_data["above"], request.user
        if seen is None:
            made = trees.create_party_organization(
                parent=parent, level=form.cleaned_data["tier"], actor=actor, **data
            )
        else:
            if parent is not None and parent.pk != row.parent_id:
                self.require_above(request, row)
            made = keep_party_organization(row, parent=parent, seen=seen, actor=actor, **data)
        adopt(row, made)
