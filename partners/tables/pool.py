"""The resource pool as tables: what partners lend and send, and its time windows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q

from audit.tables import RowRegistry
from common.masks import mask_phone
from common.tables.cells import moment_text, one_form, yes_text
from common.tables.registry import Book, Known, Row
from common.tables.sheet import Cells, Column, Values
from grids.permissions import within_reach
from grids.tables.places import Places
from partners import table_actions
from partners.models import Partner, Resource, ResourceServedArea, ResourceSlot, ResourceType
from partners.tables.people import labels, phone_of
from partners.workflow import ResourceStatus, UnitKind


@dataclass(slots=True)
class PoolBook(Book):
    """Partners by number and name, types by code and name, places, and what each resource serves."""

    places: Any = None
    partners: dict[str, list[tuple[str, str, int]]] = field(default_factory=lambda: defaultdict(list))
    types: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    type_names: dict[int, str] = field(default_factory=dict)
    served: dict[Any, list[int]] = field(default_factory=lambda: defaultdict(list))
    resources: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))


def read_partners(book: PoolBook, user: Any, right: str) -> None:
    """Read the partners whose resources the person keeps."""
    rows = Partner.objects.filter(within_reach(user, right)).order_by("code")
    for pk, code, name, area in rows.values_list("pk", "code", "name", "area_id"):
        for word in {code, one_form(name)}:
            book.partners[word].append((str(pk), code, area))


def partner_of(row: Row, book: PoolBook, column: str = "partner", title: str = "提供方") -> tuple[str, str, int] | None:
    """Return key, number and place of the partner that a cell names."""
    text = row.text[column]
    found = book.partners.get(text, [])
    if len(found) == 1:
        return found[0]
    if text:
        way = f"有 {len(found)} 家，请填编号" if found else "找不到"
        row.faults.say(column, f"{title}“{text}”{way}", "" if found else book.guesses.of(text, book.partners, column))
    return None


class Resources(RowRegistry):
    """Resources, found by provider, type and name."""

    code, title = "resources", "资源"
    keeps, looks, opens = "manage_pool", "view_pool", "manage_pool"
    model, verb, label = Resource, "resource", "partners.resource"
    page = "admin:partners_resource_changelist"
    own: ClassVar = (ResourceServedArea,)
    masks: ClassVar = {"contact_phone": mask_phone}
    columns_of: ClassVar = {
        "partner": ("partner_id",), "type": ("type_id",), "name": ("name",), "unit_kind": ("unit_kind",),
        "unit_label": ("unit_label",), "whole_district": ("whole_district",), "notice_days": ("notice_days",),
        "min_quantity": ("min_quantity",), "max_quantity": ("max_quantity",), "conditions": ("conditions",),
        "contact_name": ("contact_name",), "contact_phone": ("contact_phone",), "area": ("area_id", "scope_path"),
        "status": ("status",),
    }  # fmt: skip
    columns: tuple[Column, ...] = (
        Column("partner", "提供方", "reference", True, hint="编号或者名称", example="D001", width=20),
        Column("type", "类型", "reference", True, most=40, example="法律讲座", width=16),
        Column("name", "名称", required=True, most=80, example="普法讲座", width=26),
        Column("unit_kind", "计量方式", "choice", True, tuple(map(str, UnitKind.labels)), width=12),
        Column("unit_label", "单位", required=True, most=10, example="场", width=8),
        Column("whole_district", "服务全区", "yes_no", example="是", hint="填“否”就要填服务区域", width=10),
        Column("served", "服务区域", most=4000, hint="用“、”隔开", example="东街街道", width=28),
        Column("notice_days", "提前天数", "number", example="3", width=10),
        Column("min_quantity", "一次至少", "number", example="1", width=10),
        Column("max_quantity", "一次至多", "number", hint="不限就留空", width=10),
        Column("conditions", "使用条件", most=2000, width=24),
        Column("contact_name", "联系人", most=40, example="李四", width=10),
        Column("contact_phone", "联系电话", most=20, personal=True, example="19900000002", width=16),
        Column("area", "存放区域", "reference", most=200, hint="留空就是提供方所在的地方", width=26),
        Column(
            "status", "状态", "choice", choices=tuple(map(str, ResourceStatus.labels)), hint="留空就是“可约”", width=8
        ),
    )  # fmt: skip

    def choices(self, user: Any) -> dict[str, tuple[str, ...]]:
        """Return the types that may be chosen."""
        types = ResourceType.objects.filter(active=True, parent__isnull=False)
        return {"type": tuple(types.values_list("name", flat=True))}

    def book(self, user: Any, rows: list[Cells] | None) -> PoolBook:
        """Read the pool within the person's reach, partners, types and places."""
        right = self.looks if rows is None else self.keeps
        book = PoolBook(places=Places(user, right))
        book.labels = {"unit_kind": labels(UnitKind), "status": labels(ResourceStatus)}
        read_partners(book, user, right)
        for pk, code, name in ResourceType.objects.values_list("pk", "code", "name"):
            book.type_names[pk] = name
            for word in {code, one_form(name)}:
                book.types[word].append(pk)
        for resource, area in ResourceServedArea.objects.order_by("area__lft").values_list("resource_id", "area_id"):
            book.served[resource].append(area)
        standing = Resource.objects.filter(within_reach(user, right)).select_related("partner", "type")
        one: Resource
        for one in standing.order_by("partner__code", "type__code", "name", "pk"):
            key = f"{one.partner_id}|{one.type_id}|{one_form(one.name)}"
            book.add(key, Known(str(one.pk), self._cells(book, one)))
        return book

    def _cells(self, book: PoolBook, one: Resource) -> Cells:
        return {
            "partner": one.partner.code, "type": self._type(book, one.type), "name": one.name,
            "unit_kind": UnitKind(one.unit_kind).label, "unit_label": one.unit_label,
            "whole_district": yes_text(one.whole_district), "served": self._served(book, book.served[one.pk]),
            "notice_days": str(one.notice_days), "min_quantity": str(one.min_quantity),
            "max_quantity": "" if one.max_quantity is None else str(one.max_quantity), "conditions": one.conditions,
            "contact_name": one.contact_name, "contact_phone": one.contact_phone,
            "area": book.places.words(one.area_id), "status": ResourceStatus(one.status).label,
        }  # fmt: skip

    @staticmethod
    def _type(book: PoolBook, kind: ResourceType) -> str:
        return kind.name if len(book.types[one_form(kind.name)]) == 1 else kind.code

    @staticmethod
    def _served(book: PoolBook, areas: Iterable[int]) -> str:
        return "、".join(book.places.words(area) for area in sorted(areas) if area in book.places.all)

    def meaning(self, row: Row, book: PoolBook) -> tuple[str, Values]:
        """Find provider, type and places; check amounts and telephone."""
        partner, kind = partner_of(row, book), self._kind(row, book)
        phone_of(row)
        if partner:
            row.text["partner"] = partner[1]
        self._defaults(row)
        key = f"{partner[0]}|{kind}|{row.text['name']}" if partner and kind else ""
        least, most = row.values.get("min_quantity"), row.values.get("max_quantity")
        if least == 0:
            row.faults.say("min_quantity", "一次至少要填 1 或者更多。")
        if least and most is not None and most < least:
            row.faults.say("max_quantity", "一次至多不能小于一次至少。")
        if row.values.get("notice_days") and row.values["notice_days"] > 365:
            row.faults.say("notice_days", "提前天数太大了，最多 365 天。")
        served = self._areas(row, book)
        if row.values.get("whole_district") is False and served == []:
            row.faults.say("served", "不服务全区的，请填服务区域。")
        area = self._home(row, book, partner, known=bool(book.known.get(key)))
        data = {**row.values, "partner": partner[0] if partner else None, "type": kind, "area": area}
        return key, {**data, "served": served}

    def _kind(self, row: Row, book: PoolBook) -> int | None:
        text = row.text["type"]
        found = book.types.get(text, [])
        if text and len(found) != 1:
            way = f"有 {len(found)} 个，请填编码" if found else "找不到"
            names = list(book.type_names.values())
            row.faults.say("type", f"类型“{text}”{way}", "" if found else book.guesses.of(text, names, "type"))
        return found[0] if len(found) == 1 else None

    @staticmethod
    def _defaults(row: Row) -> None:
        """Fill emptied cells with what the columns keep then."""
        usual: dict[str, tuple[str, Any]] = {
            "notice_days": ("0", 0), "min_quantity": ("1", 1),
            "status": (ResourceStatus.OPEN.label, ResourceStatus.OPEN.value),
        }  # fmt: skip
        for name, (text, value) in usual.items():
            if row.text.get(name) == "":
                row.text[name], row.values[name] = text, value

    def _areas(self, row: Row, book: PoolBook) -> list[int] | None:
        if "served" not in row.text:
            return None
        names = [name.strip() for name in re.split(r"[、,，;；\n]+", row.text["served"]) if name.strip()]
        found = [book.places.find(name, "served", "服务区域", row.faults, book.guesses) for name in names]
        ids = sorted({place.id for place in found if place})
        if not row.faults.about("served"):
            row.text["served"] = self._served(book, ids)
        return ids

    @staticmethod
    def _home(row: Row, book: PoolBook, partner: tuple[str, str, int] | None, *, known: bool) -> int | None:
        text = row.text.get("area", "")
        if text:
            place = book.places.find(text, "area", "存放区域", row.faults, book.guesses)
            if place is not None:
                row.text["area"] = book.places.words(place.id)
            return place.id if place else None
        if partner and ("area" in row.text or not known):
            row.text["area"] = book.places.words(partner[2])
            return partner[2]
        return None

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a resource."""
        keys = {"partner": "partner_id", "type": "type_id", "area": "area_id"}
        for name in names:
            if name == "served" or name not in data:
                continue
            value = data[name]
            empty = None if name == "max_quantity" else ""
            setattr(row, keys.get(name, name), value if value is not None else empty)

    def extras(self, ids: list[Any]) -> dict[str, Values]:
        """Return the areas that these resources serve."""
        found: dict[str, Values] = {str(pk): {"served": []} for pk in ids}
        rows = ResourceServedArea.objects.filter(resource__in=ids).order_by("area_id")
        for resource, area in rows.values_list("resource_id", "area_id"):
            found[str(resource)]["served"].append(area)
        return found

    def extra_values(self, data: Values, names: Iterable[str]) -> Values:
        """Return what a line says about the served areas."""
        return {"served": data["served"]} if "served" in names and data.get("served") is not None else {}

    def put_extras(self, changes: dict[str, Values], user: Any) -> None:
        """Write the served areas."""
        table_actions.set_served_areas({pk: values["served"] or [] for pk, values in changes.items()})


class Slots(RowRegistry):
    """Time windows, found by resource and beginning; what is used is written by dispatch alone."""

    code, title = "slots", "档期"
    keeps, looks = "manage_pool", "view_pool"
    model, verb, label = ResourceSlot, "slot", "partners.resourceslot"
    page = "admin:partners_resourceslot_changelist"
    columns_of: ClassVar = {
        "resource": ("resource_id",), "starts_at": ("starts_at",), "ends_at": ("ends_at",), "capacity": ("capacity",),
    }  # fmt: skip
    columns: tuple[Column, ...] = (
        Column("partner", "提供方", "reference", True, hint="编号或者名称", example="D001", width=12),
        Column("resource", "资源", "reference", True, most=80, example="普法讲座", width=28),
        Column("starts_at", "开始", "moment", True, example="2026-03-02 09:00", width=18),
        Column("ends_at", "结束", "moment", True, example="2026-03-02 11:00", width=18),
        Column("capacity", "容量", "number", True, example="1", width=8),
    )

    def book(self, user: Any, rows: list[Cells] | None) -> PoolBook:
        """Read resources and slots within the person's reach."""
        right = self.looks if rows is None else self.keeps
        book = PoolBook()
        read_partners(book, user, right)
        standing = list(Resource.objects.filter(within_reach(user, right)).select_related("partner").order_by("pk"))
        for one in standing:
            book.resources[f"{one.partner_id}|{one_form(one.name)}"].append(one)
        by_key = {one.pk: one for one in standing}
        slots = ResourceSlot.objects.filter(resource__in=by_key).order_by("resource__partner__code", "starts_at", "pk")
        for slot in slots:
            text = moment_text(slot.starts_at)
            resource = by_key[slot.resource_id]
            cells = {
                "partner": resource.partner.code, "resource": self._name(book, resource), "starts_at": text,
                "ends_at": moment_text(slot.ends_at), "capacity": str(slot.capacity),
            }  # fmt: skip
            book.add(f"{slot.resource_id}|{text}", Known(str(slot.pk), cells, slot))
        return book

    def kept_by(self, user: Any, verb: str) -> Q:
        """Take a slot back where its resource lies."""
        return within_reach(user, self.keeps, "resource__scope_path")

    @staticmethod
    def _name(book: PoolBook, one: Resource) -> str:
        same = book.resources[f"{one.partner_id}|{one_form(one.name)}"]
        return one.name if len(same) == 1 else f"{one.name}（第{same.index(one) + 1}个）"

    def meaning(self, row: Row, book: PoolBook) -> tuple[str, Values]:
        """Find the resource; refuse an end before the beginning and less room than is taken."""
        partner = partner_of(row, book)
        resource = self._resource(row, book, partner) if partner else None
        if partner:
            row.text["partner"] = partner[1]
        start, end = row.values.get("starts_at"), row.values.get("ends_at")
        if start and end and datetime.fromisoformat(end) <= datetime.fromisoformat(start):
            row.faults.say("ends_at", "结束时间要晚于开始时间。")
        key = f"{resource.pk}|{row.text['starts_at']}" if resource else ""
        known = book.known.get(key, [])
        capacity = row.values.get("capacity")
        if known and capacity is not None and capacity < known[0].row.used:
            row.faults.say("capacity", f"已经约出去 {known[0].row.used}，容量不能比这个小。")
        return key, {
            "resource": str(resource.pk) if resource else None, "starts_at": start, "ends_at": end,
            "capacity": capacity,
        }  # fmt: skip

    def _resource(self, row: Row, book: PoolBook, partner: tuple[str, str, int]) -> Resource | None:
        text = row.text["resource"]
        numbered = re.fullmatch(r"(.+)（第(\d{1,4})个）", text)
        found = book.resources.get(f"{partner[0]}|{text}", [])
        if not found and numbered:
            same = book.resources.get(f"{partner[0]}|{numbered[1]}", [])
            found = same[int(numbered[2]) - 1 : int(numbered[2])] if int(numbered[2]) else []
        if len(found) == 1:
            return found[0]
        names = [one.name for key, ones in book.resources.items() if key.startswith(partner[0]) for one in ones]
        if text and found:
            row.faults.say("resource", f"资源“{text}”有 {len(found)} 个，请写明是第几个。", f"{text}（第1个）")
        elif text:
            row.faults.say("resource", f"{partner[1]}没有资源“{text}”", book.guesses.of(text, names, partner[0]))
        return None

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a slot."""
        for name in names:
            if name == "resource":
                row.resource_id = ResourceSlot._meta.get_field("resource").target_field.to_python(data["resource"])
            elif name in ("starts_at", "ends_at"):
                setattr(row, name, datetime.fromisoformat(data[name]))
            elif name == "capacity":
                row.capacity = data["capacity"]

    def busy(self, row: Any) -> bool:
        """Tell whether somebody holds a part of it."""
        return bool(row.used)
