"""Forms of the admin: they notice that somebody else was faster, and show what the action refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db import models

from common.errors import DomainError
from common.versions import fingerprint


@dataclass(slots=True)
class Children:
    """Rows that a form keeps with its own row: new or changed ones, and those to be removed."""

    kept: list[models.Model] = field(default_factory=list)
    gone: list[models.Model] = field(default_factory=list)


class KeptForm(forms.ModelForm):
    """One row, with the mark of the version that was shown; nothing is lost when an action refuses it."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    # What the action said when this very form was sent; set by the admin for the page that shows it again.
    refusal: DomainError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding and "seen" in self.fields:
            self.initial = {**self.initial, "seen": fingerprint(self.instance)}

    def clean(self) -> dict[str, Any]:
        """Repeat what the action refused, next to its field."""
        data = super().clean() or {}
        if self.refusal is not None:
            name = self.refusal.field
            self.add_error(name if name in self.fields else None, self.refusal.message)
        return data


def children_of(formsets: Iterable[Any]) -> Children:
    """Return what the inline rows of a form would write, without writing it."""
    found = Children()
    for formset in formsets:
        found.kept += formset.save(commit=False)
        found.gone += formset.deleted_objects
    return found
