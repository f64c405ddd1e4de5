"""Input of the tree page; what may stand where and which code is free is asked again by the trees."""

from __future__ import annotations

from typing import Any

from django import forms

from common.errors import DomainError
from grids.models import Area, PartyOrganization
from grids.tree_selectors import Side


class Reason(forms.Form):
    """Why: it stands in the history of the node."""

    reason = forms.CharField(
        label="为什么", max_length=200, help_text="一句话，以后查得到。",
        error_messages={"required": "请写一句为什么。", "max_length": "最多 200 个字，请写短一点。"},
    )  # fmt: skip


class AreaFields(forms.ModelForm):
    """What is known about a place."""

    class Meta:
        model = Area
        fields = ("name", "code", "phone", "households", "units", "sort_order")
        help_texts = {"code": "统计用代码或自编号。", "sort_order": "同一级里小的排前面。"}
        error_messages = {"name": {"required": "请写名称。"}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sort_order"].required = False

    def clean_sort_order(self) -> int:
        """Take an empty entry for the usual order."""
        return self.cleaned_data["sort_order"] or 0


class PartyFields(forms.ModelForm):
    """What is known about a party organisation."""

    class Meta:
        model = PartyOrganization
        fields = ("name", "code", "kind", "established_on")
        widgets = {"established_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        error_messages = {"name": {"required": "请写名称。"}}


FIELDS: dict[str, type[forms.ModelForm]] = {"area": AreaFields, "party": PartyFields}


def edit_form(side: Side, node: Any, data: Any, *, codes: bool) -> forms.ModelForm:
    """Return the form of a node; its code is shown but not asked for where the person may not change it."""
    form = FIELDS[side.code](data, instance=node)
    if not codes:
        form.fields["code"].disabled = True
        form.fields["code"].help_text = "代码由上级来改。"
    return form


def add_form(side: Side, parent: Any, data: Any) -> forms.ModelForm:
    """Return the form of a new node under `parent`, with the levels that may stand there."""
    form = FIELDS[side.code](data)
    tiers = side.tiers_below(getattr(parent, side.tier))
    tier = forms.ChoiceField(label="级别", choices=tiers, error_messages={"required": "请选级别。"})
    form.fields = {"tier": tier, **form.fields}
    return form


class ManyForm(forms.Form):
    """Lines that name many places at once."""

    tier = forms.ChoiceField(label="级别")
    text = forms.CharField(
        label="添加哪些", max_length=5000, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "请写上要添加哪些。", "max_length": "写得太长了，请分几次添加。"},
    )  # fmt: skip

    def __init__(self, tiers: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tier"].choices = tiers  # type: ignore[attr-defined]
        # The lowest level is what there are many of.
        self.fields["tier"].initial = tiers[-1][0] if tiers else None
        self.fields["text"].help_text = "1-18号楼，每栋3单元；单号 1-19号楼；1、3、5号楼；A区1-6号楼。一行一批。"


def refuse(form: forms.BaseForm, error: DomainError) -> None:
    """Show a refusal of the trees at its field, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)
