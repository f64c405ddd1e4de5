"""What the lists of both trees share: parents are looked up, and who keeps the parent moves and retires a row."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.http import HttpRequest

from common.admin import ScopedAdmin
from grids import permissions
from grids.forms import TreeForm


class TreeAdmin(ScopedAdmin):
    """Rows of a tree: everybody who enters sees those within reach, who keeps places changes them."""

    looks, keeps, place = ("enter_admin",), ("manage_places",), "scope_path"
    form: type[TreeForm]

    def path_above(self, row: Any) -> str:
        """Return the path of the place above a row; "/" above the topmost."""
        raise NotImplementedError

    def keeps_above(self, request: HttpRequest, row: Any) -> bool:
        """Tell whether the person keeps what stands above the row, and so may move and retire it."""
        return permissions.can(request.user, "manage_places", SimpleNamespace(scope_path=self.path_above(row)))

    def require_above(self, request: HttpRequest, row: Any) -> None:
        """Raise NotAllowed unless the person keeps what stands above the row."""
        permissions.require(request.user, "manage_places", SimpleNamespace(scope_path=self.path_above(row)))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Say first what the row is and where it stands; for whoever only looks, by the columns behind the entries."""
        first = ["name", "tier", "above"]
        names = [*first, *(name for name in super().get_fields(request, obj) if name not in first)]
        if obj is None or self.has_change_permission(request, obj):
            return names
        behind = {"above": "parent", "tier": self.form.level}
        return [behind.get(str(name), name) for name in names]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer as parent what the person keeps; a list of thousands helps nobody, so it is looked up."""
        form = super().get_form(request, obj, change, **kwargs)
        if "above" in form.base_fields:
            link: Any = self.model._meta.get_field("parent").remote_field
            form.base_fields["above"].widget = ForeignKeyRawIdWidget(link, self.admin_site)
            parents = self.kept_rows(request, self.model._default_manager.filter(valid_to=None))
            if obj is not None:
                parents = parents | self.model._default_manager.filter(pk=obj.parent_id)
                form.settled = not self.keeps_above(request, obj)
            form.parents = parents
        return form


def adopt(form_row: Any, made: Any) -> None:
    """Let the form's row stand for the one that was written."""
    form_row.__dict__.update(made.__dict__)
