"""Partners (合伙人), what they lend or send (资源), when (档期), and whom they are paired with (结对)."""

from typing import Any

from django.db.models import Q, QuerySet

from api.declare import Query, Resource, register
from api.fields import Choice, Form, Key, Moment, Truth, Whole, Words
from api.resources import common as c
from api.shapes import shape
from grids.permissions import within_reach
from partners import models
from partners.permissions import acts_for
from partners.workflow import Category, ResourceStatus, Standing

ANSWER = "answer_allocation"
_PARTNER = ("id", "category", "name", "code", "status", "area", "party_organization")
PartnerRow = shape("PartnerRow", models.Partner, *_PARTNER, named={"area_name": "area__name"})
PartnerFull = shape("PartnerFull", models.Partner, *_PARTNER, "uscc", "note", named={"area_name": "area__name"})
_RESOURCE = ("id", "partner", "type", "name", "unit_kind", "unit_label", "whole_district", "status", "area")
_NAMES = {"partner_name": "partner__name", "type_name": "type__name", "area_name": "area__name"}
ResourceRow = shape("ResourceRow", models.Resource, *_RESOURCE, named=_NAMES)
ResourceFull = shape(
    "ResourceFull", models.Resource, *_RESOURCE, "notice_days", "min_quantity", "max_quantity", "conditions",
    named=_NAMES,
)  # fmt: skip
SlotRow = shape(
    "SlotRow", models.ResourceSlot, "id", "resource", "starts_at", "ends_at", "capacity", "used",
    named={"resource_name": "resource__name", "partner": "resource__partner"},
)  # fmt: skip
PairingRow = shape(
    "PairingRow", models.Pairing, "id", "department", "community", "valid_from", "valid_to",
    named={"department_name": "department__name", "community_name": "community__name"},
)  # fmt: skip


def _slots(user: Any) -> QuerySet[models.ResourceSlot]:
    ours = acts_for(user, ANSWER, "resource__partner_id")
    return models.ResourceSlot.objects.filter(within_reach(user, "view_pool", "resource__scope_path") | ours)


def _pairings(user: Any) -> QuerySet[models.Pairing]:
    ours = acts_for(user, ANSWER, "department_id")
    return models.Pairing.objects.filter(within_reach(user, "view_partner", "community__scope_path") | ours)


def _named(text: str) -> Q:
    return Q(name__contains=text)


class PartnerFilters(Form):
    """The filters of the list of partners."""

    category = Choice(choices=Category.choices, required=False, help_text="类别")
    status = c.status(Standing.choices)
    area = Whole(required=False, help_text="区域编号：这个区域和它下面的。")
    name = Words(most=80, required=False, help_text="名称里有这几个字。")
    code = Words(most=20, required=False, help_text="编号。")


class ResourceFilters(Form):
    """The filters of the pool."""

    partner = Key(required=False, help_text="哪一家的。")
    type = Whole(required=False, help_text="类型编号。")
    status = c.status(ResourceStatus.choices)
    area = Whole(required=False, help_text="区域编号：放在这个区域和它下面的。")
    name = Words(most=80, required=False, help_text="名称里有这几个字。")


class SlotFilters(Form):
    """The filters of the slots."""

    resource = Key(required=False, help_text="哪一个资源的。")
    starts_from = Moment(required=False, help_text="这一刻或以后开始的。")
    starts_before = Moment(required=False, help_text="这一刻之前开始的。")
    free = Truth(required=False, help_text="true 是还有空的，false 是约满的。")


class PairingFilters(Form):
    """The filters of the pairings."""

    department = Key(required=False, help_text="哪个部门的。")
    community = Whole(required=False, help_text="哪个社区的。")


def _free(yes: bool) -> Q:
    room = Q(capacity__gt=models.F("used"))
    return room if yes else ~room


PARTNERS = register(Resource(
    name="partners", title="合伙人", note="五类合伙人。没有联系人和电话。",
    rows=lambda user: models.Partner.objects.visible_to(user), row=PartnerRow, full=PartnerFull,
    rights=("view_partner", ANSWER), order=("code",),
    query=Query(PartnerFilters, {
        "category": c.equal("category"), "status": c.equal("status"), "area": c.at(), "name": _named,
        "code": c.equal("code"),
    }),
))  # fmt: skip
RESOURCES = register(Resource(
    name="resources", title="资源", note="合伙人借得出、派得来的东西。没有联系人和电话。",
    rows=lambda user: models.Resource.objects.visible_to(user), row=ResourceRow, full=ResourceFull,
    rights=("view_pool", ANSWER), order=("id",),
    query=Query(ResourceFilters, {
        "partner": c.equal("partner_id"), "type": c.equal("type_id"), "status": c.equal("status"), "area": c.at(),
        "name": _named,
    }),
))  # fmt: skip
SLOTS = register(Resource(
    name="slots", title="档期", note="资源在什么时候有多少、已经占了多少。",
    rows=_slots, row=SlotRow, full=SlotRow, rights=("view_pool", ANSWER), order=("starts_at", "id"), key="int",
    query=Query(SlotFilters, {
        "resource": c.equal("resource_id"), "starts_from": c.since("starts_at"), "starts_before": c.before("starts_at"),
        "free": _free,
    }),
))  # fmt: skip
PAIRINGS = register(Resource(
    name="pairings", title="部门社区结对", note="哪个部门和哪个社区结对，从哪天到哪天。",
    rows=_pairings, row=PairingRow, full=PairingRow, rights=("view_partner", ANSWER), order=("id",), key="int",
    query=Query(PairingFilters, {"department": c.equal("department_id"), "community": c.equal("community_id")}),
))  # fmt: skip
