"""Allocations (资源调配): one slot for one need, and why this one."""

from typing import Any

from rest_framework import serializers

from api.declare import Query, Resource, Single, Verb, register
from api.fields import Choice, Form, Key, Row, Truth, Whole, Words
from api.resources import common as c
from api.shapes import shape
from partners.models import ResourceSlot
from requests_board import workflow
from requests_board.actions import allocations, dispatch
from requests_board.models import Allocation, DeclineReason
from requests_board.workflow import AllocationStatus, Rating

_ROW = (
    "id", "resource_request", "resource", "partner", "slot", "area", "quantity", "status", "asks", "answer_due_at",
    "rating", "created_at", "version",
)  # fmt: skip
_NAMES = {
    "resource_request_number": "resource_request__number", "resource_name": "resource__name",
    "partner_name": "partner__name", "area_name": "area__name", "slot_starts_at": "slot__starts_at",
    "slot_ends_at": "slot__ends_at",
}  # fmt: skip
AllocationRow = shape("AllocationRow", Allocation, *_ROW, named=_NAMES)
AllocationFull = shape(
    "AllocationFull", Allocation, *_ROW, "previous_slot", "policy_version", "decline_reason", "decline_note",
    "comment", "held_at", "answered_at", "started_at", "delivered_at", "closed_at", named=_NAMES,
)  # fmt: skip


class Other(serializers.Serializer):
    """One that would have done as well."""

    name = serializers.CharField(label="资源")
    partner = serializers.CharField(label="提供方")
    score = serializers.FloatField(label="得分")
    sentence = serializers.CharField(label="为什么不是它")


class Excluded(serializers.Serializer):
    """One that a rule excludes."""

    name = serializers.CharField(label="资源")
    partner = serializers.CharField(label="提供方")
    rule = serializers.CharField(label="不合哪条规则")
    sentence = serializers.CharField(label="为什么不能用")


class Explanation(serializers.Serializer):
    """Why this one and not another."""

    policy_version = serializers.IntegerField(label="规则版本")
    score = serializers.FloatField(label="得分", allow_null=True)
    sentence = serializers.CharField(label="为什么是它", allow_blank=True)
    factors = serializers.DictField(child=serializers.FloatField(), label="五项各得多少")
    weights = serializers.DictField(child=serializers.FloatField(), label="五项的权重")
    others = Other(many=True, label="也合适的")
    refused = Excluded(many=True, label="不能用的")


_TOLD = ("score", "sentence", "factors", "weights", "others", "refused")


def _explained(row: Allocation) -> dict[str, Any]:
    told = {"score": None, "sentence": "", "factors": {}, "weights": {}, "others": [], "refused": [], **row.reasons}
    return {"policy_version": row.policy_version, **{name: told[name] for name in _TOLD}}


class Filters(c.Placed):
    """The filters of the list."""

    status = c.status(AllocationStatus.choices)
    resource_request = Key(required=False, help_text="哪一条需求的。")
    partner = Key(required=False, help_text="哪一家的。")
    resource = Key(required=False, help_text="哪一个资源的。")


QUERY = Query(Filters, {
    **c.PLACED, "status": c.equal("status"), "resource_request": c.equal("resource_request_id"),
    "partner": c.equal("partner_id"), "resource": c.equal("resource_id"),
})  # fmt: skip


class Decline(Form):
    """Why not."""

    reason = Row(DeclineReason, c.decline_reasons, Words(most=20), called="原因", help_text="谢绝原因的编码。")
    note = Words(most=120, required=False, help_text="补充说明。")
    example = {"reason": "busy", "note": "那天全市统一活动"}


class Slot(Form):
    """Which other time."""

    slot = Row(ResourceSlot, c.slots, Whole(most=2**63 - 1), called="时段", help_text="同一个资源的另一个时段的编号。")
    example = {"slot": 42}


class Evaluate(Form):
    """How it was."""

    rating = Choice(choices=[(x.value, x.label) for x in Rating if x != Rating.NONE], help_text="评价。")
    comment = Words(most=200, required=False, help_text="评语。")
    example = {"rating": "good", "comment": "讲得很清楚"}


class Cancel(c.Because):
    """Why, and whether it is needed at all."""

    not_needed = Truth(required=False, help_text="以后也不需要了；不写就再找别家。")


def _verb(name: str, title: str, action: Any, step: Any, body: type[Form] = Form, note: str = "") -> Verb:
    return Verb(name, title, lambda row, actor, **values: action(row, actor=actor, **values), (step,), body, note=note)


VERBS = (
    _verb("confirm", "应下", allocations.confirm, workflow.CONFIRM, note="从此算答应了。"),
    _verb("decline", "谢绝", allocations.decline, workflow.DECLINE, Decline, "时段放回去，再问下一家。"),
    _verb("counter", "改时间", allocations.counter, workflow.COUNTER, Slot, "新时段先占住，由社区定。"),
    _verb("accept-counter", "同意改时间", allocations.accept_counter, workflow.ACCEPT_COUNTER),
    _verb("reject-counter", "不同意改时间", allocations.reject_counter, workflow.REJECT_COUNTER, c.Reason),
    _verb("start", "开始服务", allocations.start, workflow.START, note="到了约定的时间才能点。"),
    _verb("deliver", "已送达", allocations.mark_delivered, workflow.DELIVER, note="到了约定的时间才能点。"),
    _verb("no-show", "没来", allocations.report_no_show, workflow.REPORT_NO_SHOW, c.Reason,
          "约定的时间结束以后才能记。"),
    _verb("reschedule", "没来，另约时间", allocations.reschedule, workflow.RESCHEDULE, Slot),
    _verb("close-no-show", "没来，换一家", allocations.close_no_show, workflow.CLOSE_NO_SHOW),
    _verb("evaluate", "评价", allocations.evaluate, workflow.EVALUATE_STEP, Evaluate, "评价以后需求归档。"),
    _verb("cancel", "取消约定", allocations.cancel, workflow.CANCEL, Cancel, "离约定太近时不能在网上取消。"),
    _verb("preempt", "应急征用", allocations.preempt, workflow.PREEMPT, c.Because, "只在应急命令有效时能用。"),
)  # fmt: skip

ALLOCATIONS = register(Resource(
    name="allocations", title="资源调配",
    note="为一条需求占的一个时段：问过谁、怎么答的、办得怎么样。合伙人单位只看到问过自己的。",
    rows=lambda user: Allocation.objects.visible_to(user),
    row=AllocationRow, full=AllocationFull, rights=("view_allocation",), query=QUERY, verbs=VERBS,
    parts=(
        c.trail(("view_resource_request",)),
        Single("explanation", "为什么是它", _explained, Explanation, ("view_resource_request",),
               "选它的依据和得分，以及别的为什么没有选；当时用的规则和权重也记着。"),
    ),
    lock=lambda row: dispatch.lock_need(row.resource_request_id),
))  # fmt: skip
