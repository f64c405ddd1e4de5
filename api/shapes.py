"""What an answer holds: each entry is a path into a model, from which both the document and the SQL are made."""

from typing import Any

from django.db import models
from rest_framework import serializers

from common.fields import BlindIndexField, EncryptedTextField

# What the models do not name, because no form shows it.
_LABELS = {
    "id": "编号（程序用）", "version": "版本", "accepted_at": "受理时间", "assigned_at": "派出时间",
    "acknowledged_at": "签收时间", "resolved_at": "办结时间", "reopened_at": "重办时间", "closed_at": "归档时间",
    "matched_at": "匹配时间", "promised_at": "落实时间", "fulfilled_at": "服务时间", "raised_at": "转区级时间",
    "held_at": "询问时间", "answered_at": "答复时间", "started_at": "开始时间", "delivered_at": "送达时间",
    "width": "宽（像素）", "height": "高（像素）", "created_at": "时间",
    "not_accepted_reason": "不予受理原因", "handler_user": "承办人", "requested_by": "提出人",
}  # fmt: skip
_KINDS: tuple[tuple[type[models.Field], type[serializers.Field]], ...] = (
    (models.UUIDField, serializers.UUIDField),
    (models.BooleanField, serializers.BooleanField),
    (models.DateTimeField, serializers.DateTimeField),
    (models.DateField, serializers.DateField),
    (models.IntegerField, serializers.IntegerField),
    (models.CharField, serializers.CharField),
    (models.TextField, serializers.CharField),
)


class Shape(serializers.Serializer):
    """A row as it goes out. `paths` says where each entry is read, `model` from which table."""

    model: type[models.Model]
    paths: dict[str, str]


def shape(
    name: str, model: type[models.Model], *plain: str,
    named: dict[str, str] | None = None, computed: dict[str, serializers.Field] | None = None,
) -> type[Shape]:  # fmt: skip
    """Make the shape `name`: `plain` entries are called like their column, `named` says where the others are read.

    `computed` entries are annotations of the rows under the same name. A path to a sealed column is refused.
    """
    where = {entry: entry for entry in plain} | (named or {})
    fields: dict[str, Any] = {entry: _field(model, entry, path) for entry, path in where.items()}
    fields |= computed or {}
    where |= {entry: entry for entry in computed or {}}
    return type(name, (Shape,), {"model": model, "paths": where, "__doc__": f"{model._meta.verbose_name}", **fields})


def _field(model: type[models.Model], entry: str, path: str) -> serializers.Field:
    found, nullable, words = _along(model, path)
    column = found.target_field if isinstance(found, models.ForeignKey) else found
    label = "·".join(words)
    label = _LABELS.get(entry, label) if label.isascii() else label
    options: dict[str, Any] = {"label": label, "read_only": True, "allow_null": nullable}
    if found.choices:
        return serializers.ChoiceField(choices=found.choices, **options)
    for kind, made in _KINDS:
        if isinstance(column, kind) and not isinstance(column, EncryptedTextField | BlindIndexField):
            return made(**options)
    raise TypeError(f"{model.__name__}.{path} cannot go out.")


def _along(model: type[models.Model], path: str) -> tuple[models.Field, bool, list[str]]:
    """Follow a path to its last column; tell whether anything on the way may be missing, and the words for it."""
    nullable = False
    words: list[str] = []
    for part in path.split("__"):
        found: Any = model._meta.get_field(part)
        if not isinstance(found, models.Field):
            raise TypeError(f"{model.__name__}.{part} is no column.")
        nullable, words = nullable or found.null, [*words, str(found.verbose_name)]
        model = found.related_model if isinstance(found.related_model, type) else model
    return found, nullable, words
