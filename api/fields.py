"""What a program may send: strict fields that take a value as the document types it, or say in Chinese what is wrong.

A value that is not of the documented type is malformed; one that is, but names no row or lies out of all bounds, is
refused by `Invalid`, so that the sender knows whether to mend the program or the data.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from common.errors import Invalid
from common.typed import whole

MOST = 2**31 - 1
_YEARS = range(1970, 2200)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPED = {
    "required": "缺少这一项。",
    "null": "不能是 null；不填就不要写这一项。",
    "invalid": "类型不对，请对照接口说明。",
    "blank": "不能是空的。",
    "max_length": "太长了，最多 {max_length} 个字。",
    "max_value": "太大了，最大 {max_value}。",
    "min_value": "太小了，最小 {min_value}。",
    "invalid_choice": "没有“{input}”这个选项，请对照接口说明。",
    "not_a_list": "要写成数组。",
}


class Form(serializers.Serializer):
    """A JSON object, or the part of an address after the question mark, in which every entry is known by name."""

    example: Mapping[str, Any] = {}
    from_address = False

    def to_internal_value(self, data: Any) -> Any:
        """Refuse what is no object and name the first entry that the document does not know."""
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"non_field_errors": ["要发一个 JSON 对象，例如 {}。"]})
        for name in data:
            if name not in self.fields:
                raise serializers.ValidationError({str(name)[:60]: ["没有这一项，请对照接口说明。"]})
        return super().to_internal_value(data)


class _Strict(serializers.Field):
    """What the strict fields share: our words, and a documented type."""

    def __init__(self, **options: Any) -> None:
        options["error_messages"] = {**_TYPED, **options.get("error_messages", {})}
        super().__init__(**options)

    @property
    def typed(self) -> bool:
        """Tell whether the value comes with a type, as in JSON; addresses hold nothing but text."""
        return not getattr(self.root, "from_address", False)


class Words(_Strict, serializers.CharField):
    """A text, kept as it is; the actions trim it."""

    def __init__(self, *, most: int, **options: Any) -> None:
        blank = not options.get("required", True)
        super().__init__(max_length=most, trim_whitespace=False, allow_blank=blank, **options)

    def to_internal_value(self, data: Any) -> str:
        """Take text only: a number is not a text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class Whole(_Strict, serializers.IntegerField):
    """A whole number that a column of the database can hold."""

    def __init__(self, *, least: int = 0, most: int = MOST, **options: Any) -> None:
        super().__init__(min_value=least, max_value=most, **options)

    def to_internal_value(self, data: Any) -> int:
        """Take a number from JSON, plain digits from an address."""
        if not self.typed and isinstance(data, str):
            data = whole(data)
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Truth(_Strict, serializers.BooleanField):
    """Yes or no."""

    def to_internal_value(self, data: Any) -> bool:
        """Take true and false, in an address the same two words."""
        if not self.typed and data in {"true", "false"}:
            return data == "true"
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Choice(_Strict, serializers.ChoiceField):
    """One word of a closed list."""

    def to_internal_value(self, data: Any) -> str:
        """Take a word of the list as it is written there."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", input=str(data)[:40])
        return data


class Moment(_Strict, serializers.DateTimeField):
    """A moment with its time zone, as RFC 3339 writes it."""

    def to_internal_value(self, data: Any) -> datetime:
        """Refuse a moment without a zone, and one that no office has ever meant."""
        try:
            found = parse_datetime(data) if isinstance(data, str) else None
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise serializers.ValidationError("要写成带时区的时间，例如 2026-01-31T08:00:00+08:00。")
        if found.year not in _YEARS:
            raise Invalid(f"{self.field_name} 的年份不对，请看看。", field=self.field_name or "")
        return found


class Key(_Strict, serializers.UUIDField):
    """The id of a row in its usual form with dashes."""

    def to_internal_value(self, data: Any) -> UUID:
        """Refuse the other ways to write one."""
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid")
        return UUID(data)


class Row(serializers.PrimaryKeyRelatedField):
    """A row named by its id, out of those that this person may name; any other is told like one that is not there."""

    def __init__(
        self, model: type[Model], rows: Callable[[Any], QuerySet[Any]], key: serializers.Field, *, called: str,
        **options: Any,
    ) -> None:  # fmt: skip
        self.rows, self.key, self.called = rows, key, called
        options["error_messages"] = {**_TYPED, **options.get("error_messages", {})}
        super().__init__(pk_field=key, queryset=model._default_manager.none(), **options)

    def use_pk_only_optimization(self) -> bool:
        """Return real rows."""
        return False

    def to_internal_value(self, data: Any) -> Any:
        """Find the row, or say what is not there."""
        pk = self.key.run_validation(data)
        found = self.rows(self.context["user"]).filter(pk=pk).first()
        if found is None:
            raise Invalid(f"没有找到这个{self.called}，或者它不归您管。", field=self.field_name or "")
        return found


class Paging(Form):
    """What every list understands."""

    from_address = True
    cursor = Words(most=500, required=False, help_text="从哪里接着读：上一页 next 里给的那一个，原样带上。")
    limit = Whole(least=1, most=200, required=False, help_text="一页多少条，1–200，默认 50。")
