"""Input for groups, grants and exceptions: people, places and rows are found by words, terms are whole days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.timezone import make_aware

from accounts.models import User
from common.admin import KeptForm
from common.errors import DomainError
from grids import roles
from grids.actions import grants, groups
from grids.grants_selectors import OFFERED, described, kinds, people_called, places_called, rows_called
from grids.models import AreaGroupPermission, AreaUserPermission, RowGrant

Find = Callable[[str], QuerySet[Any]]


class SoughtInput(forms.TextInput):
    """A line for words, and below it what fits them where that is more than one row."""

    options: tuple[tuple[str, str], ...] = ()

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[str, str]:
        """Return what was typed, and the key of what was chosen below it."""
        return data.get(name, "").strip(), data.get(f"{name}-chosen", "")

    def format_value(self, value: Any) -> str:
        """Show the words again."""
        return value[0] if isinstance(value, tuple) else str(value or "")

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Offer what fits below the line."""
        line = super().render(name, value, attrs, renderer)
        if not self.options:
            return line
        option = '<label><input type="radio" name="{}-chosen" value="{}"> {}</label>'
        offered = format_html_join("", option, ((name, key, label) for key, label in self.options))
        frame = '<div class="sought">{}<div role="radiogroup" aria-label="请选一个">{}</div></div>'
        return format_html(frame, line, offered)


class SoughtField(forms.Field):
    """One row, found by words with `find`; several that fit are offered, none is said."""

    widget = SoughtInput

    def __init__(self, *, nothing: str, find: Find | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.nothing, self.find = nothing, find

    def clean(self, value: Any) -> Any:
        """Return the row; refuse words that fit none, and several among which none was chosen."""
        words, chosen = value if isinstance(value, tuple) else (str(value or ""), "")
        if not words:
            if self.required:
                raise forms.ValidationError(self.error_messages["required"], code="required")
            return None
        found = list(self.find(words[:100])[: OFFERED + 1]) if self.find else []
        picked = found if len(found) == 1 else [row for row in found if str(row.pk) == chosen]
        if picked:
            return picked[0]
        if not found:
            raise forms.ValidationError(self.nothing)
        self.widget.options = tuple((str(row.pk), described(row)) for row in found[:OFFERED])
        more = "前面的都列在下面，要是没有，请写得更全一些" if len(found) > OFFERED else "请在下面选一个"
        raise forms.ValidationError(f"符合的不止一个，{more}。")


class Reasoned(KeptForm):
    """A form whose steps an action takes in the name of `actor`, and whose refusals stand beside their fields."""

    actor: Any = None
    fields: dict[str, Any]
    # What the actions call the fields that have other names here.
    names = {"expires_at": "until", "permission": "right"}
    reason = forms.CharField(label="原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    def asked(self, data: dict[str, Any]) -> None:
        """Ask the action whether it would refuse."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Refuse what the action would refuse, next to its field."""
        data = super().clean() or {}
        if not self.errors:
            try:
                self.asked(data)
            except DomainError as error:
                field = self.names.get(error.field, error.field)
                self.add_error(field if field in self.fields else None, error.message)
        return data


def person_field(label: str, **kwargs: Any) -> SoughtField:
    """Return a field for an account."""
    return SoughtField(
        label=label,
        find=people_called,
        nothing="没有找到这个人，请核对姓名或者用户名。",
        help_text="写姓名或者用户名。",
        **kwargs,
    )


class TermForm(Reasoned):
    """What grants and exceptions share: until when, and why."""

    until = forms.DateField(
        label="有效到",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MaxValueValidator(date(2100, 1, 1), message="这个日期太远了，请改早一些。")],
        help_text="当天也算。不填就一直有效，直到有人收回。",
    )

    def ends_at(self) -> datetime | None:
        """Return the moment after the last day."""
        day: date | None = self.cleaned_data.get("until")
        return make_aware(datetime.combine(day + timedelta(days=1), datetime.min.time())) if day else None


class GrantForm(TermForm):
    """A right at a place."""

    right = forms.ChoiceField(label="可以做什么", choices=list(roles.GRANTED.items()))
    place = SoughtField(
        label="在哪里",
        nothing="没有找到这个区域，请核对名称或者代码。",
        help_text="写名称或者代码，例如“槐荫社区 1号楼”。它下面的地方都算在内。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "place" in self.fields:
            self.fields["place"].find = partial(places_called, self.actor)

    def holder(self) -> Any:
        """Return who is given the right."""
        return self.cleaned_data.get("user") or self.cleaned_data.get("group")

    def asked(self, data: dict[str, Any]) -> None:
        """Ask the action whether it would refuse."""
        until, reason = self.ends_at(), data["reason"]
        grants.check_grant(self.holder(), data["right"], data["place"], actor=self.actor, until=until, reason=reason)

    def give(self) -> Any:
        """Give the right."""
        data = self.cleaned_data
        return grants.grant(
            self.holder(), data["right"], data["place"], actor=self.actor, until=self.ends_at(), reason=data["reason"]
        )


class PersonGrantForm(GrantForm):
    """A right of one person at a place."""

    names = {**Reasoned.names, "holder": "user"}
    user = person_field("给谁")
    field_order = ("user", "right", "place", "until", "reason")

    class Meta:
        model = AreaUserPermission
        fields = ()


class GroupGrantForm(GrantForm):
    """A right of a group at a place."""

    names = {**Reasoned.names, "holder": "group"}
    group = forms.ModelChoiceField(Group.objects.order_by("name"), label="给哪个组")
    field_order = ("group", "right", "place", "until", "reason")

    class Meta:
        model = AreaGroupPermission
        fields = ()


class RowForm(forms.Form):
    """One row: of which kind, and which."""

    fields: dict[str, Any]

    kind = forms.ChoiceField(label="哪一类")
    row = SoughtField(
        label="哪一条",
        nothing="没有找到这一条，请核对编号或者名称，也看看上面的类别选得对不对。",
        help_text="诉求、需求和调配写编号，合伙人、资源和队伍写名称。",
    )

    def __init__(self, *args: Any, actor: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_rows(self, actor)


def offer_rows(form: Any, actor: Any) -> None:
    """Let the form's kind decide where its row is looked for."""
    known = kinds()
    labels = [(label, model._meta.verbose_name) for label, model in known.items()]
    form.fields["kind"].choices = [("", "请选一类"), *labels]
    model = known.get(form.data.get("kind", ""))
    if model is not None:
        form.fields["row"].find = partial(rows_called, model, actor)


class ExceptionForm(TermForm):
    """An exception: a person or a group, one right on one row, until a day."""

    user = person_field("给谁", required=False)
    group = forms.ModelChoiceField(Group.objects.order_by("name"), label="或者给哪个组", required=False)
    kind = forms.ChoiceField(label="哪一类")
    row = RowForm.base_fields["row"]
    right = forms.ChoiceField(
        label="可以做什么",
        choices=list(roles.GRANTED.items()),
        help_text="给了办理的，也就能看。每一类能给的不一样，选错了会提示。",
    )
    field_order = ("user", "group", "kind", "row", "right", "until", "reason")

    class Meta:
        model = RowGrant
        fields = ("user", "group", "right")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The page of a row that was given only shows it.
        if self.instance._state.adding:
            offer_rows(self, self.actor)
            offered = {right for model in kinds().values() for right in model.exceptional}
            self.fields["right"].choices = [pair for pair in roles.GRANTED.items() if pair[0] in offered]
            self.fields["until"].required = True
            self.fields["until"].help_text = "当天也算。到期自动收回。"

    def holder(self) -> Any:
        """Return who is given the exception."""
        return self.cleaned_data.get("user") or self.cleaned_data.get("group")

    def asked(self, data: dict[str, Any]) -> None:
        """Ask the action whether it would refuse; refuse two holders, and none."""
        if bool(data.get("user")) == bool(data.get("group")):
            self.add_error("user", "请选一个人，或者选一个组，只选一样。")
            return
        until, reason = self.ends_at(), data["reason"]
        self.names = {**self.names, "holder": "user" if data.get("user") else "group"}
        grants.check_exception(self.holder(), data["right"], data["row"], until=until, reason=reason, actor=self.actor)

    def give(self) -> Any:
        """Make the exception."""
        data, until = self.cleaned_data, self.ends_at()
        assert until is not None  # noqa: S101  # the field is required
        return grants.make_exception(
            self.holder(), data["right"], data["row"], until=until, reason=data["reason"], actor=self.actor
        )


class GroupForm(Reasoned):
    """A group: its name, who comes, who goes."""

    join = person_field("加一个人", required=False)
    leave = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        label="现在的人",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="勾上的移出组。",
    )
    field_order = ("name", "join", "leave", "reason")

    class Meta:
        model = Group
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "leave" in self.fields:
            members = User.objects.filter(groups=self.instance) if self.instance.pk else User.objects.none()
            self.fields["leave"].queryset = members.order_by("username")

    def asked(self, data: dict[str, Any]) -> None:
        """Ask the action whether it would refuse."""
        if self.instance.pk:
            groups.check_group(self.instance, join=data.get("join"), actor=self.actor, reason=data["reason"])

    def give(self) -> Any:
        """Make the group, or change it."""
        data = self.cleaned_data
        if self.instance._state.adding:
            return groups.create_group(data["name"], actor=self.actor, reason=data["reason"])
        group = Group.objects.get(pk=self.instance.pk)
        groups.change_group(
            group, name=data["name"], join=data.get("join"), leave=data.get("leave") or (),
            actor=self.actor, reason=data["reason"],
        )  # fmt: skip
        return group


class SightForm(RowForm):
    """A person, and if wanted a row about which to tell why they see it."""

    person = person_field("谁")
    field_order = ("person", "kind", "row")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "（不问某一条）"), *list(self.fields["kind"].choices)[1:]]
        self.fields["kind"].required = self.fields["row"].required = False

    def clean(self) -> dict[str, Any]:
        """Refuse a row of no kind."""
        data = super().clean() or {}
        if data.get("kind") and not data.get("row") and "row" not in self.errors:
            self.add_error("row", "请写是哪一条，或者上面选“不问某一条”。")
        return data
