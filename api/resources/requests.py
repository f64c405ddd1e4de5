"""Residents' requests (居民诉求)."""

from typing import Any

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from rest_framework import serializers

from api.declare import Known, Part, Query, Resource, Verb, register
from api.fields import Choice, Form, Key, Row, Whole, Words
from api.resources import common as c
from api.resources.needs import CALLED_FOR, Called
from api.shapes import shape
from common.errors import Invalid
from grids.models import Area
from grids.permissions import within_reach
from partners.models import Partner
from requests_board import advice, workflow
from requests_board.actions import imported, needs, requests
from requests_board.forms import phone_of
from requests_board.models import NotAcceptedReason, RequestCategory, RequestPhoto, ServiceRequest
from requests_board.workflow import Channel, Rating, RequestStatus, Severity

_ROW = (
    "id", "number", "area", "category", "channel", "severity", "status", "handler_partner", "rating", "returns",
    "reopens", "due_at", "resolve_due_at", "created_at", "resolved_at", "closed_at", "source", "external_id", "version",
)  # fmt: skip
_NAMES = {"area_name": "area__name", "category_name": "category__name", "handler_partner_name": "handler_partner__name"}
RequestRow = shape("RequestRow", ServiceRequest, *_ROW, named=_NAMES)
RequestFull = shape(
    "RequestFull", ServiceRequest, *_ROW, "text", "place_detail", "result", "not_accepted_reason", "handler_user",
    "accepted_at", "assigned_at", "acknowledged_at", "reopened_at", named=_NAMES,
)  # fmt: skip
PhotoRow = shape(
    "PhotoRow", RequestPhoto, "id", "width", "height", "created_at",
    computed={"url": serializers.CharField(read_only=True, label="照片在哪里")},
)  # fmt: skip
HANDLE = ("handle_request",)


def _photos(row: ServiceRequest) -> QuerySet[RequestPhoto]:
    address = Concat(Value(f"/api/v1/requests/{row.pk}/photos/"), Cast("pk", CharField()), Value("/"))
    return RequestPhoto.objects.filter(request=row).annotate(url=address)


class Filters(c.Placed):
    """The filters of the list."""

    status = c.status(RequestStatus.choices)
    severity = Choice(choices=Severity.choices, required=False, help_text="缓急")
    channel = Choice(choices=Channel.choices, required=False, help_text="来源")
    category = Words(most=6, required=False, help_text="类别编码，六位；写前两位或前四位就是那一大类。")
    number = Words(most=16, required=False, help_text="编号，例如 1124-7K4MP。")
    source = Words(most=20, required=False, help_text="来源系统。")  # type: ignore[assignment]
    external_id = Words(most=60, required=False, help_text="在来源系统里的编号。")


QUERY = Query(Filters, {
    **c.PLACED, "status": c.equal("status"), "severity": c.equal("severity"), "channel": c.equal("channel"),
    "category": lambda code: Q(category_id__startswith=code), "number": c.equal("number"),
    "source": c.equal("source"), "external_id": c.equal("external_id"),
})  # fmt: skip


def _places(user: Any) -> QuerySet[Area]:
    return Area.objects.valid().filter(within_reach(user, "handle_request"))


class Submit(Form):
    """A call or a visit, written down for somebody who does not report it themselves."""

    text = Words(most=500, help_text="什么事，一句话。")
    area = Row(Area, _places, Whole(), called="地方", help_text="在哪里：楼栋、小区或者社区的区域编号。")
    place_detail = Words(most=60, required=False, help_text="具体位置。")
    channel = Choice(choices=[(x.value, x.label) for x in (Channel.PHONE, Channel.VISIT, Channel.DESK)], required=False,
                     help_text="来源，默认社区登记；写了 source 的默认外部系统。")  # fmt: skip
    severity = Choice(choices=Severity.choices, required=False, help_text="缓急，默认一般。")
    category = Row(RequestCategory, c.active_categories, Words(most=6), called="类别", required=False,
                   help_text="类别编码；不写就按原话猜。")  # fmt: skip
    phone = Words(most=20, required=False, help_text="手机号或带区号的座机；存下来就加密，接口不再给出。")
    contact_name = Words(most=40, required=False, help_text="称呼；存下来就加密，接口不再给出。")
    on_behalf_of = Words(most=20, required=False, help_text="替谁登记。")
    source = Words(most=20, required=False,  # type: ignore[assignment]
                   help_text="先收到这件事的系统叫什么，例如 12345；和 external_id 一起写。")  # fmt: skip
    external_id = Words(most=60, required=False, help_text="在那个系统里的编号。同一个编号只登记一次。")
    example = {"text": "三楼的灯坏了", "area": 12, "channel": "phone", "phone": "19900001234"}


def _submit(actor: Any, *, phone: str = "", **values: Any) -> ServiceRequest | Known:
    try:
        digits = phone_of(phone)
    except Exception as error:
        raise Invalid(f"{'；'.join(getattr(error, 'messages', ['电话号码不对']))}。", field="phone") from error
    if not values.keys() & {"source", "external_id"}:
        return requests.submit_request(actor=actor, phone=digits, **{"channel": Channel.DESK, **values})
    usual = {"channel": Channel.IMPORT, "source": "", "external_id": ""}
    row, new = imported.take_in_once(actor=actor, phone=digits, **{**usual, **values})
    return row if new else Known(row)


class Assign(Form):
    """To whom."""

    partner = Row(Partner, c.active_partners, Key(), called="合伙人", help_text="派给哪一家。")
    note = Words(most=200, required=False, help_text="带给对方的话。")
    example = {"partner": "7d1f0a5e-3c1b-4e7a-9a53-0f5f3f6f2b11", "note": "请先联系居民"}


def _assign(row: ServiceRequest, actor: Any, partner: Partner, note: str = "") -> ServiceRequest:
    # Only whom the page offers: the request's words are not for a firm of another place.
    if partner.pk not in {handler.partner.pk for handler in advice.handlers(row)}:
        raise Invalid("这一家不管这里的这类事，请换一家。", field="partner")
    return requests.assign(row, actor=actor, partner=partner, note=note)


class Refuse(Form):
    """Why not."""

    reason = Row(NotAcceptedReason, c.not_accepted_reasons, Words(most=20), called="原因",
                 help_text="不予受理原因的编码。")  # fmt: skip
    example = {"reason": "other"}


class Result(Form):
    """What was done."""

    result = Words(most=500, help_text="办理结果，一句话，居民要看的。")
    example = {"result": "灯已经换好"}


class Rate(Form):
    """How well."""

    rating = Choice(choices=[(x.value, x.label) for x in Rating if x != Rating.NONE], help_text="评价。")
    example = {"rating": "good"}


class Kind(Form):
    """Of what kind."""

    category = Row(RequestCategory, c.active_categories, Words(most=6), called="类别", help_text="类别编码。")
    example = {"category": "010101"}


def _need(row: ServiceRequest, actor: Any, **values: Any) -> Any:
    return needs.request_resource(area=row.area, actor=actor, service_request=row, **values)


VERBS = (
    Verb("accept", "受理", lambda row, actor: requests.accept(row, actor=actor), (workflow.ACCEPT,)),
    Verb("not-accept", "不予受理", lambda row, actor, reason: requests.not_accept(row, actor=actor, reason=reason),
         (workflow.NOT_ACCEPT,), Refuse),
    Verb("solve-on-spot", "即办即结",
         lambda row, actor, result: requests.solve_on_spot(row, actor=actor, result=result),
         (workflow.SOLVE_ON_SPOT,), Result),
    Verb("assign", "派给合伙人", _assign, (workflow.ASSIGN,), Assign, note="还没受理的先受理，再派出去。"),
    Verb("take", "我来办", lambda row, actor: requests.take(row, actor=actor), (workflow.ASSIGN,),
         note="还没受理的先受理，再由自己签收。"),
    Verb("recall", "撤回派单", lambda row, actor: requests.recall(row, actor=actor), (workflow.RECALL,),
         note="只在派出去以后的几秒里能撤回。"),
    Verb("return", "退回", lambda row, actor, reason: requests.return_order(row, actor=actor, reason=reason),
         (workflow.RETURN,), c.Because),
    Verb("acknowledge", "签收", lambda row, actor: requests.acknowledge(row, actor=actor), (workflow.ACKNOWLEDGE,)),
    Verb("resolve", "办结", lambda row, actor, result: requests.resolve(row, actor=actor, result=result),
         (workflow.RESOLVE,), Result),
    Verb("confirm", "代居民确认办好", lambda row, actor, rating: requests.confirm_ok(row, actor=actor, rating=rating),
         (workflow.CONFIRM_OK,), Rate),
    Verb("reopen", "代居民说没办好",
         lambda row, actor, reason="": requests.dissatisfied(row, actor=actor, reason=reason),
         (workflow.DISSATISFIED,), c.Reason),
    Verb("answer-finally", "书面解释后归档",
         lambda row, actor, result: requests.final_answer(row, actor=actor, result=result),
         (workflow.FINAL_ANSWER,), Result, note="居民第二次说没办好以后才能用。"),
    Verb("withdraw", "代居民撤回", lambda row, actor, reason="": requests.withdraw(row, actor=actor, reason=reason),
         (workflow.WITHDRAW,), c.Reason),
    Verb("classify", "改类别", lambda row, actor, category: requests.classify(row, actor=actor, category=category),
         body=Kind, rights=HANDLE, note="办结时限从提交时重新算。"),
    Verb("resource-requests", "向资源库提需求", _need, body=Called, rights=("request_resource",),
         note=f"{CALLED_FOR}诉求由自己接着办。", makes="resource-requests"),
)  # fmt: skip

REQUESTS = register(Resource(
    name="requests", title="居民诉求",
    note="居民反映的事。列表不带原话；任何回答都没有电话和称呼，要看请在工作台上写明用途。",
    rows=lambda user: ServiceRequest.objects.visible_to(user),
    row=RequestRow, full=RequestFull, rights=("view_request", "answer_allocation"), query=QUERY,
    create=Verb("create", "替人登记", _submit, body=Submit, rights=HANDLE, finds=True,
                note="和工作台的“代为登记”是同一件事。别的系统先收到的，写上 source 和 external_id：第一次回 201，"
                     "以后再用同一对就回 200 和已有的那一条，什么也不改；登记在您看不到的地方时回 409。"),
    verbs=VERBS,
    parts=(
        c.trail(("view_request",)),
        Part("photos", "照片", _photos, PhotoRow, ("created_at", "id"), ("view_request",), "url 就是照片（JPEG）。"),
    ),
    lock=lambda row: ServiceRequest.objects.select_for_update(of=("self",)).get(pk=row.pk),
))  # fmt: skip
