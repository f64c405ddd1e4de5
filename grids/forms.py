"""Input for places, party organisations and posts, checked against the level tables before anything is locked."""

from __future__ import annotations

from typing import Any

from django import forms

from common.errors import DomainError
from grids.models import Area, AreaKind, PartyOrganization, Post
from grids.trees import levels


class AreaForm(forms.ModelForm):
    """A place: where it stands, and what is known about it.

    `parent` and `kind` are not editable columns, so the form asks for them under names of its own.
    """

    above = forms.ModelChoiceField(Area.objects.valid(), label="上级", required=False)
    tier = forms.ChoiceField(label="级别", choices=AreaKind.choices)

    class Meta:
        model = Area
        fields = ("name", "code", "phone", "households", "units", "managing_authority", "sort_order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # A place keeps its level for life; another level is another place.
            self.fields["tier"].disabled = True
            self.initial = {**self.initial, "above": self.instance.parent_id, "tier": self.instance.kind}

    def clean(self) -> dict[str, Any]:
        """Refuse a level that may not stand under the chosen parent."""
        cleaned = super().clean() or {}
        above, kind = cleaned.get("above"), cleaned.get("tier")
        if "above" not in self.errors and kind:
            _refuse(self, lambda: levels.check_area_level(kind, above.kind if above else None))
        return cleaned


class PartyOrganizationForm(forms.ModelForm):
    """A party organisation: where it stands, what it is built on, what it covers."""

    above = forms.ModelChoiceField(PartyOrganization.objects.valid(), label="上级", required=False)
    tier = forms.ChoiceField(label="层级", choices=PartyOrganization.Level.choices)

    class Meta:
        model = PartyOrganization
        fields = ("name", "code", "kind", "area", "covers", "established_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["tier"].disabled = True
            self.initial = {**self.initial, "above": self.instance.parent_id, "tier": self.instance.level}

    def clean(self) -> dict[str, Any]:
        """Refuse a level that may not stand under the chosen parent."""
        cleaned = super().clean() or {}
        above, level = cleaned.get("above"), cleaned.get("tier")
        if "above" not in self.errors and level:
            _refuse(self, lambda: levels.check_party_level(level, above.level if above else None))
        return cleaned


class PostForm(forms.ModelForm):
    """A post: who, as what, where, for how long."""

    class Meta:
        model = Post
        fields = ("user", "role", "area", "valid_from", "valid_to")


def _refuse(form: forms.BaseForm, check: Any) -> None:
    try:
        check()
    except DomainError as error:
        form.add_error("above" if error.field == "parent" else None, error.message)
