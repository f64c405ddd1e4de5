"""What the desk takes in: a call or a visit, and a need for a resource."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import cached_property

from clockwork.selectors import db_now
from common.crypto import normalise_phone
from grids.models import Area
from partners.models import Resource, ResourceType
from requests_board import desk_selectors
from requests_board.workflow import Channel, Severity

MOST = 9999
# A slip such as the year 0026 must not become a date that no page can show.
SPAN = timedelta(days=366)


class PlaceForm(forms.Form):
    """A form with a place that is typed or chosen, and refused in words when nobody knows it."""

    permission = "handle_request"

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    @cached_property
    def known(self) -> list[str]:
        """Return the names that are suggested; in a large district they are not all there are."""
        return desk_selectors.place_names(self.user, self.permission)

    def clean_area(self) -> Area:
        """Return the place with this name, or the only one whose name holds these words."""
        words = "".join(self.cleaned_data["area"].split())
        found = desk_selectors.places_called(self.user, self.permission, words)
        if not found:
            raise forms.ValidationError("没有找到这个地方，请从列表里选一个。")
        if len(found) > 1:
            number = "很多" if len(found) == desk_selectors.LIKE else f" {len(found)} "
            names = "、".join(name for _, name in desk_selectors.named_apart(found)[:3])
            raise forms.ValidationError(f"有{number}个地方叫这个，是不是{names}？")
        return found[0]


class IntakeForm(PlaceForm):
    """A call or a visit, written down in half a minute."""

    text = forms.CharField(
        label="说的什么事", max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请写一句话，说说是什么事。"},
    )  # fmt: skip
    area = forms.CharField(label="在哪里", max_length=60, error_messages={"required": "请选一个楼或者小区。"})
    place_detail = forms.CharField(label="具体位置（可不填）", max_length=60, required=False)
    phone = forms.CharField(label="电话（可不填）", max_length=20, required=False)
    on_behalf_of = forms.CharField(label="替谁登记（可不填）", max_length=20, required=False)
    channel = forms.ChoiceField(
        label="来源", initial=Channel.PHONE, widget=forms.RadioSelect,
        choices=[(c.value, c.label) for c in (Channel.PHONE, Channel.VISIT, Channel.DESK)],
    )  # fmt: skip
    urgent = forms.BooleanField(label="紧急", required=False)

    def clean_phone(self) -> str:
        """Refuse a number with a missing or an extra digit."""
        number = normalise_phone(self.cleaned_data["phone"])
        if number and not (number.isdigit() and 7 <= len(number) <= 12):
            raise forms.ValidationError("电话号码不对，请数一数有没有少一位。")
        return number

    def details(self) -> dict[str, Any]:
        """Return what the action takes."""
        data = self.cleaned_data
        severity = Severity.URGENT if data["urgent"] else Severity.ROUTINE
        names = ("text", "area", "place_detail", "phone", "on_behalf_of", "channel")
        return {**{name: data[name] for name in names}, "severity": severity}


class NeedForm(forms.Form):
    """A need for a resource: what, how much, between which days, where."""

    type = forms.ModelChoiceField(
        label="要什么",
        queryset=ResourceType.objects.filter(active=True, parent__isnull=False).select_related("parent"),
        empty_label="请选一类", error_messages={"required": "请选要哪一类资源。"},
    )  # fmt: skip
    quantity = forms.IntegerField(
        label="数量", min_value=1, max_value=MOST, initial=1,
        error_messages={
            "required": "请填数量。", "invalid": "数量请填整数。", "min_value": "数量至少是 1。",
            "max_value": f"一次最多 {MOST} 份，更多请分几次提。",
        },
    )  # fmt: skip
    first_day = forms.DateField(
        label="最早哪天", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请选最早哪天。", "invalid": "没有这一天，请再选一次。"},
    )  # fmt: skip
    last_day = forms.DateField(
        label="最晚哪天", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请选最晚哪天。", "invalid": "没有这一天，请再选一次。"},
    )  # fmt: skip
    place = forms.CharField(label="在哪里用（可不填）", max_length=80, required=False)
    note = forms.CharField(label="说明（可不填）", max_length=200, required=False)
    urgent = forms.BooleanField(label="紧急，马上问", required=False)
    resource = forms.ModelChoiceField(queryset=Resource.objects.all(), required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Refuse a last day before the first, and days more than a year away."""
        data = super().clean() or {}
        today = timezone.localtime(db_now()).date()
        for name in ("first_day", "last_day"):
            if data.get(name) and abs(data[name] - today) > SPAN:
                self.add_error(name, "请看看年份，只能写前后一年以内的日子。")
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "“最晚”不能比“最早”还早。")
        return data

    def details(self) -> dict[str, Any]:
        """Return what the action takes; days become spans of the district's time."""
        data = self.cleaned_data
        return {
            "type": data["type"],
            "quantity": data["quantity"],
            "window_start": _midnight(data["first_day"]),
            "window_end": _midnight(data["last_day"] + timedelta(days=1)),
            "place": data["place"],
            "note": data["note"],
            "urgency": Severity.URGENT if data["urgent"] else Severity.ROUTINE,
            "resource": data["resource"],
        }


class OwnNeedForm(PlaceForm, NeedForm):
    """A need that the community has of its own."""

    permission = "request_resource"
    area = forms.CharField(label="给哪个社区或小区", max_length=60, error_messages={"required": "请选一个社区或小区。"})

    field_order = ("type", "quantity", "first_day", "last_day", "area", "place", "note", "urgent")


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
