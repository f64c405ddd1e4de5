"""Places (区域) and party organisations (党组织)."""

from typing import Any

from django.db.models import Q, QuerySet

from api.declare import Query, Resource, register
from api.fields import Choice, Form, Truth, Whole, Words
from api.resources import common as c
from api.shapes import shape
from grids.models import Area, AreaKind, PartyOrganization
from grids.permissions import within_reach

_SEEING = ("view_request", "view_resource_request", "view_pool", "manage_places")
_AREA = ("id", "parent", "kind", "name", "code", "households", "valid_from", "valid_to")
AreaRow = shape("AreaRow", Area, *_AREA, named={"parent_name": "parent__name"})
AreaFull = shape(
    "AreaFull", Area, *_AREA, "phone", "sort_order", "managing_authority", "scope_path",
    named={"parent_name": "parent__name"},
)  # fmt: skip
_PARTY = ("id", "parent", "level", "kind", "name", "code", "area", "established_on", "valid_to")
PartyRow = shape("PartyRow", PartyOrganization, *_PARTY, named={"area_name": "area__name"})
PARTY_SEEING = ("view_partner", "manage_places")


def _within_any(user: Any, rights: tuple[str, ...]) -> Q:
    found = Q(pk__in=[])
    for right in rights:
        found |= within_reach(user, right)
    return found


def _areas(user: Any) -> QuerySet[Area]:
    return Area.objects.filter(_within_any(user, _SEEING))


def _parties(user: Any) -> QuerySet[PartyOrganization]:
    return PartyOrganization.objects.filter(_within_any(user, PARTY_SEEING))


class AreaFilters(Form):
    """The filters of the list of places."""

    kind = Choice(choices=AreaKind.choices, required=False, help_text="级别")
    parent = Whole(required=False, help_text="上级的区域编号：只要直接在它下面的。")  # type: ignore[assignment]
    area = Whole(required=False, help_text="区域编号：这个区域和它下面的。")
    name = Words(most=60, required=False, help_text="名称里有这几个字。")
    code = Words(most=32, required=False, help_text="代码。")
    valid = Truth(required=False, help_text="true 是在用的，false 是停用的。")


class PartyFilters(Form):
    """The filters of the list of party organisations."""

    level = Choice(choices=PartyOrganization.Level.choices, required=False, help_text="层级")
    parent = Whole(required=False, help_text="上级党组织的编号。")  # type: ignore[assignment]
    area = Whole(required=False, help_text="区域编号：这个区域和它下面的。")
    name = Words(most=80, required=False, help_text="名称里有这几个字。")
    valid = Truth(required=False, help_text="true 是现有的，false 是撤销的。")


_SHARED = {
    "parent": c.equal("parent_id"), "area": c.at(), "name": lambda text: Q(name__contains=text),
    "valid": lambda yes: Q(valid_to__isnull=yes),
}  # fmt: skip
AREAS = register(Resource(
    name="areas", title="区域", note="区、街道（镇）、社区（村）、小区、网格、楼栋。",
    rows=_areas, row=AreaRow, full=AreaFull, rights=_SEEING, order=("id",), key="int",
    query=Query(AreaFilters, {**_SHARED, "kind": c.equal("kind"), "code": c.equal("code")}),
))  # fmt: skip
PARTIES = register(Resource(
    name="party-organizations", title="党组织", note="党委、党总支、党支部、党小组。",
    rows=_parties, row=PartyRow, full=PartyRow, rights=PARTY_SEEING, order=("id",), key="int",
    query=Query(PartyFilters, {**_SHARED, "level": c.equal("level")}),
))  # fmt: skip
