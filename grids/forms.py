"""Input for places, party organisations and posts, checked against the level tables before anything is locked."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from accounts.forms import PersonField
from common.admin.forms import KeptForm
from common.errors import DomainError
from grids import roles, selectors
from grids.models import Area, AreaKind, PartyOrganization, Post
from grids.trees import levels


class TreeForm(KeptForm):
    """A row of a tree: where it stands, on which level, and what is known about it.

    Parent and level are not editable columns, so the form asks for them as `above` and `tier`. The door says which
    rows may be chosen (`parents`), and whether this one has to stay where it is (`settled`).
    """

    parents: QuerySet[Any] | None = None
    settled = False
    level: ClassVar[str]
    check_level: ClassVar[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        above: Any = self.fields.get("above")
        if above is None:
            return
        if self.parents is not None:
            above.queryset = self.parents
        if self.instance.pk:
            # A row keeps its level for life; another level is another row.
            self.fields["tier"].disabled = True
            above.disabled = self.settled
            level = getattr(self.instance, self.level)
            self.initial = {**self.initial, "above": self.instance.parent_id, "tier": level}

    def clean(self) -> dict[str, Any]:
        """Refuse a level that may not stand under the chosen parent."""
        cleaned = super().clean() or {}
        above, level = cleaned.get("above"), cleaned.get("tier")
        if "above" not in self.errors and level:
            try:
                type(self).check_level(level, getattr(above, self.level) if above else None)
            except DomainError as error:
                self.add_error("above" if error.field == "parent" else None, error.message)
        return cleaned


class AreaForm(TreeForm):
    """A place."""

    above = forms.ModelChoiceField(Area.objects.valid(), label="上级", required=False)
    tier = forms.ChoiceField(label="级别", choices=AreaKind.choices)
    level = "kind"
    check_level = staticmethod(levels.check_area_level)

    class Meta:
        model = Area
        fields = ("name", "code", "phone", "households", "units", "managing_authority", "sort_order")


class PartyOrganizationForm(TreeForm):
    """A party organisation: what it is built on, what it covers."""

    above = forms.ModelChoiceField(PartyOrganization.objects.valid(), label="上级", required=False)
    tier = forms.ChoiceField(label="层级", choices=PartyOrganization.Level.choices)
    level = "level"
    check_level = staticmethod(levels.check_party_level)

    class Meta:
        model = PartyOrganization
        fields = ("name", "code", "kind", "area", "covers", "established_on")


class PostForm(KeptForm):
    """A post: who, as what, where, for how long. The account is named, not chosen from a list."""

    user = PersonField()
    # Whether only what streets and communities appoint themselves may be chosen; set by the door.
    local = False

    class Meta:
        model = Post
        fields = ("user", "role", "area", "valid_from", "valid_to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "valid_from" in self.fields:
            self.fields["valid_from"].initial = selectors.today
        role: Any = self.fields.get("role")
        if self.local and role is not None:
            role.choices = [("", "请选择"), *((code, roles.BY_CODE[code].label) for code in roles.LOCAL)]
