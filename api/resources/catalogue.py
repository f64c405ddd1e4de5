"""The lists that a district sets for itself: categories, types, reasons. Whoever is signed in may read them."""

from typing import Any

from django.db.models import Q

from api.declare import Query, Resource, register
from api.fields import Form, Truth, Whole, Words
from api.resources import common as c
from api.shapes import shape
from partners.models import ResourceType
from requests_board.models import DeclineReason, NotAcceptedReason, RequestCategory


class Active(Form):
    """The filter that all of them share."""

    active = Truth(required=False, help_text="true 是在用的，false 是停用的。")


class CategoryFilters(Active):
    """The filters of the categories."""

    name = Words(most=40, required=False, help_text="名称里有这几个字。")


class TypeFilters(Active):
    """The filters of the types."""

    parent = Whole(required=False, help_text="上级类型的编号。")  # type: ignore[assignment]


_ACTIVE = {"active": c.equal("active")}
_REASON = ("code", "label", "sort_order", "active")
CategoryRow = shape(
    "CategoryRow", RequestCategory, "code", "l1", "l2", "name", "short_name", "keywords", "default_handlers",
    "limit_amount", "limit_unit", "sensitive", "active",
)  # fmt: skip
TypeRow = shape("TypeRow", ResourceType, "id", "parent", "code", "name", "active")
DeclineReasonRow = shape("DeclineReasonRow", DeclineReason, *_REASON)
NotAcceptedReasonRow = shape("NotAcceptedReasonRow", NotAcceptedReason, *_REASON, "referral")


def _offer(name: str, title: str, note: str, row: Any, key: str, query: Query) -> Resource:
    order = ("id",) if key == "int" else ("code",)
    return register(Resource(
        name=name, title=title, note=note, rows=lambda user: row.model._default_manager.all(), row=row, full=row,
        rights=(), order=order, key=key, query=query,
    ))  # fmt: skip


CATEGORIES = _offer(
    "categories", "诉求类别", "三级类别，编码六位：前两位一级，中间两位二级。", CategoryRow, "slug",
    Query(CategoryFilters, {**_ACTIVE, "name": lambda text: Q(name__contains=text)}),
)  # fmt: skip
TYPES = _offer(
    "resource-types", "资源类型", "两级：门类和里面的类型。", TypeRow, "int",
    Query(TypeFilters, {**_ACTIVE, "parent": c.equal("parent_id")}),
)  # fmt: skip
DECLINE_REASONS = _offer(
    "decline-reasons", "谢绝原因", "部门谢绝时从这里选。", DeclineReasonRow, "slug", Query(Active, _ACTIVE)
)
NOT_ACCEPTED_REASONS = _offer(
    "not-accepted-reasons", "不予受理原因", "不予受理时从这里选；referral 是告诉居民的话。",
    NotAcceptedReasonRow, "slug", Query(Active, _ACTIVE),
)  # fmt: skip
