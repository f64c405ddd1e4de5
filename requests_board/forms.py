"""What residents may send; every refusal is a sentence that says what to do."""

import re
from typing import Any

from django import forms

from common.phones import phone_of, plain
from requests_board import public_selectors as reads
from requests_board.models import RequestCategory

MAX_TEXT = 500
_NUMBER = re.compile(r"\d{4}-[0-9A-Z]{5,8}")


class PublicForm(forms.Form):
    """A form without the browser's own messages, in our words, with a trap for machines."""

    use_required_attribute = False
    # People never see this field; machines that fill in everything give themselves away.
    website = forms.CharField(required=False, label="请留空", max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "f-%s")
        super().__init__(*args, **kwargs)

    @property
    def lead(self) -> str:
        """Return the heading of the error summary."""
        number = sum(len(errors) for errors in self.errors.values())
        return "还差一处要改" if number == 1 else f"还有 {number} 处要改"

    def clean(self) -> dict[str, Any]:
        """Refuse whoever filled in the field that nobody sees; a person just sends the form again."""
        data = super().clean() or {}
        if data.get("website"):
            self.add_error(None, "没有发出去，请再点一次")
        return data


class ReportForm(PublicForm):
    """我要反映: one sentence; everything else may stay empty."""

    text = forms.CharField(
        label="什么事？",
        help_text="一句话就行。点一下框，按键盘上的话筒也能说。",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "请写一句话，说说是什么事", "max_length": f"太长了，最多写 {MAX_TEXT} 个字"},
    )
    photo = forms.FileField(
        label="拍照或选图",
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*"}),
        error_messages={"empty": "这张照片是空的，请换一张", "invalid": "照片没有传上来，请再选一次"},
    )
    phone = forms.CharField(
        label="手机号",
        help_text="只用来告诉您办到哪一步，不公开。",
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
        error_messages={"max_length": "号码太长了，请看看"},
    )
    place_detail = forms.CharField(
        label="具体在哪儿",
        help_text="比如：2单元三楼、北门口。",
        required=False,
        max_length=60,
        error_messages={"max_length": "太长了，最多写 60 个字"},
    )
    category = forms.ModelChoiceField(
        RequestCategory.objects.none(),
        label="哪一类？",
        required=False,
        error_messages={"invalid_choice": "没有这一类，可以不选"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].queryset = reads.quick_categories()  # type: ignore[attr-defined]

    def clean_phone(self) -> str:
        """Return the digits of the number."""
        return phone_of(self.cleaned_data["phone"])

    @property
    def folded_wrong(self) -> bool:
        """Tell whether something in the folded part is wrong or filled in, so that it must be open."""
        folded = ("phone", "place_detail", "category")
        return any(self.errors.get(name) or self[name].value() for name in folded)


class LookupForm(PublicForm):
    """查进度: the number and the last four digits of the phone."""

    number = forms.CharField(
        label="编号",
        help_text="收到时给您的那个，比如 1124-7K4MP。",
        max_length=20,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "请填编号", "max_length": "编号太长了，请看看"},
    )
    last4 = forms.CharField(
        label="手机号后 4 位",
        help_text="当时留的那个手机号。",
        max_length=8,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": "请填手机号后 4 位", "max_length": "只要最后 4 位"},
    )

    def clean_number(self) -> str:
        """Return the number the way it is stored, however it was typed."""
        number = plain(self.cleaned_data["number"]).upper().replace("－", "-").replace("—", "-")
        if "-" not in number:
            number = f"{number[:4]}-{number[4:]}"
        if not _NUMBER.fullmatch(number):
            raise forms.ValidationError("编号像这样：1124-7K4MP，请看看")
        return number

    def clean_last4(self) -> str:
        """Return four digits."""
        digits = plain(self.cleaned_data["last4"])
        if not re.fullmatch(r"\d{4}", digits):
            raise forms.ValidationError("请填 4 位数字，手机号最后 4 位")
        return digits


class SupplyForm(PublicForm):
    """Something to add to a request: more words, a photo, a phone number."""

    more = forms.CharField(
        label="再补充一句",
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"max_length": "太长了，最多写 200 个字"},
    )
    photo = forms.FileField(label="补一张照片", required=False, widget=forms.FileInput(attrs={"accept": "image/*"}))
    phone = forms.CharField(
        label="手机号",
        help_text="留了能用编号查，办好了也好告诉您。",
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )

    def clean_phone(self) -> str:
        """Return the digits of the number."""
        return phone_of(self.cleaned_data["phone"])

    def clean(self) -> dict[str, Any]:
        """Refuse an empty form."""
        data = super().clean()
        if not self.errors and not (data.get("more") or data.get("photo") or data.get("phone")):
            self.add_error("more", "写一句话、选一张照片，或者留个手机号")
        return data


class FeedbackForm(PublicForm):
    """An opinion about this site itself."""

    text = forms.CharField(
        label="您的意见",
        help_text="哪里不好用、看不懂、想要什么，都可以写。",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "请写一句您的意见", "max_length": f"太长了，最多写 {MAX_TEXT} 个字"},
    )
    page = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
