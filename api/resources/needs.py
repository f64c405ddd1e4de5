"""Communities' needs (资源需求)."""

from typing import Any

from api.declare import Query, Resource, Verb, register
from api.fields import Choice, Form, Key, Moment, Row, Whole, Words
from api.resources import common as c
from api.shapes import shape
from common.errors import Invalid
from grids.models import Area
from grids.permissions import within_reach
from partners import models as pool
from partners.models import ResourceType
from requests_board import workflow
from requests_board.actions import dispatch, needs
from requests_board.desk_forms import MOST, SPAN
from requests_board.models import ResourceRequest
from requests_board.workflow import NeedStatus, Severity

_ROW = (
    "id", "number", "service_request", "area", "type", "quantity", "window_start", "window_end", "urgency", "status",
    "refusals", "dispatch_after", "created_at", "closed_at", "version",
)  # fmt: skip
_NAMES = {"area_name": "area__name", "type_name": "type__name"}
NeedRow = shape("NeedRow", ResourceRequest, *_ROW, named=_NAMES)
NeedFull = shape(
    "NeedFull", ResourceRequest, *_ROW, "place", "note", "unmet_reason", "requested_by", "matched_at", "promised_at",
    "fulfilled_at", "raised_at", named=_NAMES,
)  # fmt: skip
ASK = ("request_resource",)
CALLED_FOR = "先按规则找最合适的时段；过了可撤回的几秒，再问对方（紧急的马上问）。"


class Filters(c.Placed):
    """The filters of the list."""

    status = c.status(NeedStatus.choices)
    type = Whole(required=False, help_text="类型编号。")
    urgency = Choice(choices=Severity.choices, required=False, help_text="缓急")
    service_request = Key(required=False, help_text="来自哪一件诉求。")
    number = Words(most=16, required=False, help_text="编号，例如 Z1124-7K4MP。")


QUERY = Query(Filters, {
    **c.PLACED, "status": c.equal("status"), "type": c.equal("type_id"), "urgency": c.equal("urgency"),
    "service_request": c.equal("service_request_id"), "number": c.equal("number"),
})  # fmt: skip


class Called(Form):
    """What is asked of the pool."""

    type = Row(ResourceType, c.active_types, Whole(), called="类型", help_text="资源类型编号。")
    quantity = Whole(least=1, most=MOST, help_text="数量。")
    window_start = Moment(help_text="最早什么时候。")
    window_end = Moment(help_text="最晚什么时候。")
    urgency = Choice(choices=Severity.choices, required=False, help_text="缓急，默认一般。")
    place = Words(most=80, required=False, help_text="在哪里用。")
    note = Words(most=200, required=False, help_text="说明。")
    resource = Row(pool.Resource, c.open_resources, Key(), called="资源", required=False,
                   help_text="点名要哪一个；不写就由系统挑。")  # fmt: skip
    example = {
        "type": 3, "quantity": 1, "window_start": "2026-03-02T00:00:00+08:00",
        "window_end": "2026-03-16T00:00:00+08:00", "place": "党群服务中心",
    }  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a span that is longer than anybody means."""
        if attrs["window_end"] - attrs["window_start"] > SPAN:
            raise Invalid("时间隔得太长，最多一年。", field="window_end")
        return attrs


def _areas(user: Any) -> Any:
    return Area.objects.valid().filter(within_reach(user, "request_resource"))


class Ask(Called):
    """What a community asks for itself."""

    area = Row(Area, _areas, Whole(), called="地方", help_text="哪个社区（或者里面的哪个地方）的区域编号。")
    example = {**Called.example, "area": 5}


class Settle(Form):
    """Which resource."""

    resource = Row(pool.Resource, c.open_resources, Key(), called="资源", help_text="请哪一个资源的部门来。")
    example = {"resource": "7d1f0a5e-3c1b-4e7a-9a53-0f5f3f6f2b11"}


VERBS = (
    Verb("undo", "撤回", lambda row, actor: needs.undo(row, actor=actor), (workflow.WITHDRAW_NEED,),
         note="只在问对方之前能撤回，原来的诉求恢复原样。"),
    Verb("withdraw", "不需要了", lambda row, actor, reason="": needs.withdraw(row, actor=actor, reason=reason),
         (workflow.WITHDRAW_NEED,), c.Reason, note="占着的时段放回资源库。"),
    Verb("settle", "区级点名", lambda row, actor, resource: needs.settle(row, actor=actor, resource=resource),
         (workflow.SETTLE,), Settle, note="点到的部门照样要自己答应。"),
    Verb("give-up", "区级也没有", lambda row, actor, reason: needs.give_up(row, actor=actor, reason=reason),
         (workflow.GIVE_UP,), c.Because, note="算作资源库的缺口。"),
)  # fmt: skip

NEEDS = register(Resource(
    name="resource-requests", title="资源需求", note="社区向资源库提的需求：什么类型、多少、什么时候、在哪里。",
    rows=lambda user: ResourceRequest.objects.visible_to(user),
    row=NeedRow, full=NeedFull, rights=("view_resource_request",), query=QUERY,
    create=Verb("create", "提需求", lambda actor, **values: needs.request_resource(actor=actor, **values),
                body=Ask, rights=ASK, note=CALLED_FOR),
    verbs=VERBS, parts=(c.trail(("view_resource_request",)),),
    lock=lambda row: dispatch.lock_need(row.pk),
))  # fmt: skip
