"""Residents' requests that another system took in first, such as a city's hot line, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from audit.tables import RowRegistry
from clockwork.selectors import db_now
from common.masks import mask_name, mask_phone
from common.tables import cells
from common.tables.cells import moment_text, one_form
from common.tables.registry import Book, Known, Row
from common.tables.sheet import Cells, Column, Planned, Values
from grids.models import AreaKind
from grids.permissions import within_reach
from grids.tables.places import Place, Places
from requests_board.actions import imported
from requests_board.models import RequestCategory, ServiceRequest
from requests_board.workflow import REQUEST_OPEN, RequestStatus, Severity

_SAID = (AreaKind.COMMUNITY, AreaKind.VILLAGE, AreaKind.ESTATE, AreaKind.BUILDING)


@dataclass(slots=True)
class RequestBook(Book):
    """Places as people say them, categories by name and code, and external ids that lie outside the reach."""

    places: Any = None
    said: dict[str, list[Place]] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    now: Any = None


class Requests(RowRegistry):
    """Requests with the number that another system gave them, found by system and number."""

    code, title = "requests", "外部诉求"
    keeps, looks, opens = "handle_request", "view_request", "reveal_contact"
    model, verb, label = ServiceRequest, "request", "requests_board.servicerequest"
    page = "requests_board:desk"
    masks: ClassVar = {"phone": mask_phone, "contact_name": mask_name}
    columns_of: ClassVar = {
        "source": ("source",), "external_id": ("external_id",), "area": ("area_id", "scope_path"), "text": ("text",),
        "place_detail": ("place_detail",), "category": ("category_id",), "severity": ("severity",),
        "contact_name": ("contact_name",), "phone": ("phone",), "created_at": ("created_at",),
    }  # fmt: skip
    columns: tuple[Column, ...] = (
        Column("source", "来源系统", required=True, most=20, example="12345", width=12),
        Column("external_id", "外部编号", required=True, most=60, example="GD20260301001", width=20),
        Column("area", "地点", "reference", True, most=200, example="槐荫小区3号楼", width=30),
        Column("text", "原话", required=True, most=500, example="楼道灯不亮", width=44),
        Column("place_detail", "具体位置", most=60, example="3单元2楼", width=16),
        Column("category", "类别", "reference", most=40, hint="名称或者编码，不清楚就留空", width=14),
        Column("severity", "缓急", "choice", choices=tuple(map(str, Severity.labels)), hint="留空就是“一般”", width=8),
        Column("contact_name", "称呼", most=40, personal=True, width=10),
        Column("phone", "手机号", most=20, personal=True, example="19900000003", width=16),
        Column("created_at", "提交时间", "moment", hint="留空就是现在", example="2026-03-01 09:30", width=18),
    )  # fmt: skip

    def choices(self, user: Any) -> dict[str, tuple[str, ...]]:
        """Return the categories that may be chosen."""
        return {"category": tuple(str(row) for row in RequestCategory.objects.filter(active=True))}

    def book(self, user: Any, rows: list[Cells] | None) -> RequestBook:
        """Read places, categories, and the requests with the external ids of the file."""
        right = self.looks if rows is None else self.keeps
        book = RequestBook(places=Places(user, right), now=db_now())
        book.labels = {"severity": {str(label): value for value, label in Severity.choices}}
        self._say_places(book)
        for row in RequestCategory.objects.filter(active=True):
            book.names[row.pk] = str(row)
            for word in {row.pk, one_form(row.name), one_form(row.short_name)} - {""}:
                book.categories.setdefault(word, []).append(row.pk)
        wanted = ServiceRequest.objects.exclude(external_id="")
        if rows is not None:
            wanted = wanted.filter(external_id__in={row.get("external_id", "") for row in rows})
        mine = within_reach(user, right)
        if rows is not None:
            others = wanted.exclude(mine).values_list("source", "external_id")
            book.elsewhere = {self._key(*pair) for pair in others}
        for request in wanted.filter(mine).select_related("category").order_by("source", "external_id"):
            book.add(self._key(request.source, request.external_id), self._known(book, request))
        return book

    @staticmethod
    def _say_places(book: RequestBook) -> None:
        """Note buildings by the estate's name before their number, as people say them."""
        for place in book.places.inside:
            if place.kind == AreaKind.BUILDING:
                estate = book.places.above(place, {AreaKind.ESTATE})
                name = place.name if not estate or place.name.startswith(estate.name) else estate.name + place.name
                book.said.setdefault(one_form(name), []).append(place)

    @staticmethod
    def _key(source: str, number: str) -> str:
        return f"{one_form(source)}|{one_form(number)}"

    def _known(self, book: RequestBook, row: ServiceRequest) -> Known:
        found = {
            "source": row.source, "external_id": row.external_id, "area": book.places.words(row.area_id),
            "text": row.text, "place_detail": row.place_detail, "category": self._category(book, row.category_id),
            "severity": Severity(row.severity).label, "contact_name": row.contact_name, "phone": row.phone,
            "created_at": moment_text(row.created_at),
        }  # fmt: skip
        return Known(str(row.pk), found, row)

    @staticmethod
    def _category(book: RequestBook, code: str | None) -> str:
        name = book.names.get(code or "", "")
        return name if len(book.categories.get(one_form(name), ())) == 1 else code or ""

    def meaning(self, row: Row, book: RequestBook) -> tuple[str, Values]:
        """Find place and category; refuse what is at its end, lies elsewhere or comes from the future."""
        key = self._key(row.text["source"], row.text["external_id"])
        known = book.known.get(key, [])
        if key in book.elsewhere:
            row.faults.say("external_id", f"外部编号“{row.text['external_id']}”已经登记在别的地方了，请核对。")
        place = self._place(row, book) if row.text["area"] else None
        if place is not None:
            row.text["area"] = book.places.words(place.id)
        category = self._kind(row, book, known)
        if row.text.get("severity") == "":
            row.text["severity"], row.values["severity"] = Severity.ROUTINE.label, Severity.ROUTINE.value
        self._phone(row)
        if row.text.get("created_at") == "" and known:
            row.text["created_at"] = known[0].cells["created_at"]
        came = row.values.get("created_at")
        if came and datetime.fromisoformat(came) > book.now:
            row.faults.say("created_at", "提交时间还没有到，请核对。")
        self._still_open(row, known)
        return key, {**row.values, "area": place.id if place else None, "category": category}

    @staticmethod
    def _phone(row: Row) -> None:
        text = row.text.get("phone", "")
        if text and "*" not in text:
            try:
                row.text["phone"] = row.values["phone"] = cells.phone(text)
            except ValueError:
                row.faults.say("phone", "手机号不对，请看看。手机号是 11 位，座机要带区号。")

    @staticmethod
    def _place(row: Row, book: RequestBook) -> Place | None:
        text = row.text["area"]
        found = book.said.get(text.replace(" ", ""), [])
        if len(found) == 1:
            return found[0]
        if not found and "/" not in text:
            said = cells.Faults()
            where: Place | None = book.places.find(text, "area", "地点", said, cells.Guesses(0))
            if where is None and "找不到" not in "".join(fault.sentence for fault in said.found):
                row.faults.found += said.found
            elif where is None:
                guess = book.guesses.of(text, lambda: [*book.said, *book.places.names(_SAID)], "area")
                row.faults.say("area", f"地点“{text}”找不到", guess)
            return where
        return book.places.find(text, "area", "地点", row.faults, book.guesses)

    @staticmethod
    def _kind(row: Row, book: RequestBook, known: list[Known]) -> str | None:
        text = row.text.get("category", "")
        if known and text and text == known[0].cells["category"]:
            return str(known[0].row.category_id)
        found = book.categories.get(text, []) if text else []
        if text and len(found) != 1:
            way = f"有 {len(found)} 个，请填编码" if found else "找不到"
            row.faults.say(
                "category", f"类别“{text}”{way}", "" if found else book.guesses.of(text, book.categories, "category")
            )
        return found[0] if len(found) == 1 else None

    @staticmethod
    def _still_open(row: Row, known: list[Known]) -> None:
        if not known or known[0].row.status in REQUEST_OPEN:
            return
        given = {name: text for name, text in row.text.items() if "*" not in text}
        if any(one_form(known[0].cells.get(name, text)) != one_form(text) for name, text in given.items()):
            row.faults.say("", f"这件事（{known[0].row.number}）已经有结果了，不能再改。要删掉这一行才能导入别的。")

    # Writing ----------------------------------------------------------------------------------------------------

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a request."""
        for name in names:
            if name == "area":
                row.area_id = data["area"]
            elif name == "category":
                row.category_id = data.get("category")
            elif name == "created_at":
                if data.get("created_at"):
                    row.created_at = datetime.fromisoformat(data["created_at"])
            elif name in data:
                setattr(row, name, data[name] if data[name] is not None else "")

    def insert(self, rows: list[Any], user: Any) -> None:
        """Insert new requests."""
        imported.take_in_many(rows, actor=user)

    def alter(self, changed: list[tuple[Any, str, str]], fields: set[str], verb: str, user: Any) -> None:
        """Write changed requests."""
        imported.correct_many(changed, fields=fields, verb=verb, actor=user)

    def busy(self, row: Any) -> bool:
        """Tell whether somebody has begun to work on it."""
        return bool(row.status != RequestStatus.SUBMITTED or row.version != 1)

    def _words(self, line: Planned, names: Iterable[str]) -> tuple[str, str]:
        """Name the changed columns only: what residents say does not belong into the trail."""
        return "", "、".join(column.title for column in self.columns if column.key in names)
