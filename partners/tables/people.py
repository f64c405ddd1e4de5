"""Partners of the five categories as a table, and departments with what only they have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from audit.tables import RowRegistry
from common.masks import mask_phone
from common.tables import cells
from common.tables.cells import yes_text
from common.tables.registry import Book, Known, Row
from common.tables.sheet import Cells, Column, Values
from grids.models import PartyOrganization
from grids.permissions import within_reach
from grids.tables.places import Places
from partners import table_actions
from partners.models import DepartmentProfile, Partner
from partners.workflow import Category, DepartmentGroup, Standing


def labels(choices: Any) -> dict[str, str]:
    """Return the values of a closed list by their labels."""
    return {str(label): value for value, label in choices.choices}


def phone_of(row: Row, column: str = "contact_phone", title: str = "联系电话") -> None:
    """Bring a telephone number into one form; say what is none."""
    text = row.text.get(column, "")
    if text and "*" not in text:
        try:
            row.text[column] = row.values[column] = cells.phone(text)
        except ValueError:
            row.faults.say(column, f"{title}“{text[:20]}”不对，请看看。手机号是 11 位，座机要带区号。")


@dataclass(slots=True)
class PartnerBook(Book):
    """Places, party organisations, and whose codes are taken anywhere."""

    places: Any = None
    taken: set[str] = field(default_factory=set)
    party: dict[str, list[int]] = field(default_factory=dict)
    party_names: dict[int, str] = field(default_factory=dict)
    district: Any = None


class Partners(RowRegistry):
    """Partners, found by their number (编号). Departments have a sheet of their own, with what only they have."""

    code, title = "partners", "合伙人"
    keeps, looks, opens = "manage_partner", "view_partner", "manage_partner"
    model, verb, label = Partner, "partner", "partners.partner"
    page = "admin:partners_partner_changelist"
    own: ClassVar = (DepartmentProfile,)
    masks: ClassVar = {"contact_phone": mask_phone}
    categories: tuple[str, ...] = tuple(value for value in Category.values if value != Category.DEPARTMENT)
    columns_of: ClassVar = {
        "code": ("code",), "category": ("category",), "name": ("name",), "status": ("status",), "uscc": ("uscc",),
        "contact_name": ("contact_name",), "contact_phone": ("contact_phone",), "area": ("area_id", "scope_path"),
        "party": ("party_organization_id",), "note": ("note",),
    }  # fmt: skip
    columns: tuple[Column, ...] = (
        Column("code", "编号", required=True, most=20, example="W001", width=10),
        Column(
            "category",
            "类别",
            "choice",
            True,
            tuple(str(label) for value, label in Category.choices if value != Category.DEPARTMENT),
            width=8,
            hint="部门另有一张表",
        ),
        Column(
            "name",
            "名称",
            required=True,
            most=80,
            example="安心物业服务有限公司",
            width=28,
            aliases=("单位名称", "单位", "合伙人"),
        ),
        Column("status", "状态", "choice", choices=tuple(map(str, Standing.labels)), hint="留空就是“合作中”", width=10),
        Column("uscc", "统一社会信用代码", most=18, example="91110000600037341L", width=22),
        Column("contact_name", "联系人", most=40, example="张三", width=10, aliases=("联系人姓名",)),
        Column(
            "contact_phone",
            "联系电话",
            most=20,
            example="19900000001",
            personal=True,
            width=16,
            aliases=("联系方式", "联系人电话", "电话"),
        ),
        Column("area", "所在区域", "reference", most=200, hint="留空就是全区", example="东街街道/槐荫社区", width=28),
        Column("party", "所在党组织", "reference", most=200, width=24),
        Column("note", "备注", most=2000, width=24),
    )

    def book(self, user: Any, rows: list[Cells] | None) -> PartnerBook:
        """Read the partners within the person's reach, places, party organisations and the numbers in use."""
        right = self.looks if rows is None else self.keeps
        book = PartnerBook(places=Places(user, right))
        book.labels = {"category": self._categories(), "status": labels(Standing), "group": labels(DepartmentGroup)}
        book.district = next((p for p in book.places.inside if p.kind == "district"), None)
        valid = PartyOrganization.objects.filter(valid_to=None).order_by("tree_id", "lft")
        for pk, name, code in valid.values_list("pk", "name", "code"):
            book.party_names[pk] = name
            for word in {cells.one_form(name), code} - {""}:
                book.party.setdefault(word, []).append(pk)
        typed = {row.get("code", "") for row in rows or ()}
        book.taken = set(Partner.objects.filter(code__in=typed).values_list("code", flat=True))
        standing = Partner.objects.filter(within_reach(user, right), category__in=self.categories)
        for partner in standing.select_related("department").order_by("category", "code"):
            book.add(partner.code, Known(str(partner.pk), self._cells(book, partner)))
        return book

    def _categories(self) -> dict[str, str]:
        return {label: value for label, value in labels(Category).items() if value in self.categories}

    def _cells(self, book: PartnerBook, partner: Partner) -> Cells:
        party = partner.party_organization_id
        name = book.party_names.get(party or 0, "")
        alone = len(book.party.get(cells.one_form(name), ())) < 2
        return {
            "code": partner.code, "category": Category(partner.category).label, "name": partner.name,
            "status": Standing(partner.status).label, "uscc": partner.uscc, "contact_name": partner.contact_name,
            "contact_phone": partner.contact_phone, "area": book.places.words(partner.area_id),
            "party": name if alone else f"{name}（编号{party}）", "note": partner.note,
        }  # fmt: skip

    def meaning(self, row: Row, book: PartnerBook) -> tuple[str, Values]:
        """Find the partner by its number; check code, telephone, place and party organisation."""
        code = row.text["code"]
        known = book.known.get(code, [])
        if code in book.taken and not known:
            row.faults.say("code", f"编号“{code}”已经有别的在用，请核对编号。")
        if row.text.get("status") == "":
            row.text["status"], row.values["status"] = Standing.ACTIVE.label, Standing.ACTIVE.value
        uscc = row.text.get("uscc", "").upper()
        if "uscc" in row.text and uscc and not cells.uscc_is_right(uscc):
            row.faults.say("uscc", f"统一社会信用代码“{uscc}”不对：要 18 位，最后一位是校验码，请对照执照看看。")
        elif "uscc" in row.text:
            row.text["uscc"] = row.values["uscc"] = uscc
        phone_of(row)
        area = self._area(row, book, known)
        party = self._party(row, book)
        return code, {**row.values, "area": area, "party": party}

    @staticmethod
    def _area(row: Row, book: PartnerBook, known: list[Known]) -> int | None:
        """Return the place; an empty one is the district, for whoever keeps the whole district."""
        text = row.text.get("area", "")
        if not text and "area" not in row.text and known:
            return None
        if not text and book.district is not None:
            row.text["area"] = book.places.words(book.district.id)
            return int(book.district.id)
        if not text:
            row.faults.say("area", "所在区域没有填。请填您负责的街道、社区或者下面的地方。")
            return None
        place = book.places.find(text, "area", "所在区域", row.faults, book.guesses)
        if place is not None:
            row.text["area"] = book.places.words(place.id)
        return place.id if place else None

    @staticmethod
    def _party(row: Row, book: PartnerBook) -> int | None:
        text = row.text.get("party", "")
        name, _, number = text.partition("（编号")
        found = book.party.get(text) or book.party.get(name, []) if text else []
        if number and number.rstrip("）").isdigit():
            found = [pk for pk in found if pk == int(number.rstrip("）"))]
        if text and len(found) != 1:
            way = f"有 {len(found)} 个，请填它的代码" if found else "找不到"
            guess = "" if found else book.guesses.of(text, book.party, "party")
            row.faults.say("party", f"所在党组织“{text}”{way}", guess)
        return found[0] if len(found) == 1 else None

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a partner."""
        for name in names:
            if name == "area":
                row.area_id = data["area"]
            elif name == "party":
                row.party_organization_id = data.get("party")
            elif name in self.columns_of and name in data:
                setattr(row, name, data[name] if data[name] is not None else "")
        if not row.status:
            row.status = Standing.ACTIVE


class Departments(Partners):
    """Departments with their system and whether they sit in the joint conference."""

    code, title = "departments", "部门"
    categories = (Category.DEPARTMENT.value,)
    columns: tuple[Column, ...] = (
        Column("code", "编号", required=True, most=20, example="D001", width=10),
        Column(
            "name",
            "名称",
            required=True,
            most=80,
            example="区司法局",
            width=26,
            aliases=("部门名称", "单位名称", "部门"),
        ),
        Column("group", "系统", "choice", True, tuple(map(str, DepartmentGroup.labels)), width=14),
        Column("joint_conference_member", "联席会议成员", "yes_no", example="是", width=12),
        *(column for column in Partners.columns if column.key not in {"code", "name", "category"}),
    )

    def _cells(self, book: PartnerBook, partner: Partner) -> Cells:
        profile = getattr(partner, "department", None)
        found = super()._cells(book, partner)
        del found["category"]
        return found | {
            "group": DepartmentGroup(profile.group).label if profile else "",
            "joint_conference_member": yes_text(bool(profile and profile.joint_conference_member)),
        }

    def meaning(self, row: Row, book: PartnerBook) -> tuple[str, Values]:
        """Read as any partner; its category is given."""
        key, data = super().meaning(row, book)
        return key, {**data, "category": Category.DEPARTMENT.value}

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a department."""
        super().put(row, data, names)
        row.category = Category.DEPARTMENT

    def extras(self, ids: list[Any]) -> dict[str, Values]:
        """Return the profiles."""
        rows = DepartmentProfile.objects.filter(pk__in=ids).values_list("pk", "group", "joint_conference_member")
        return {str(pk): {"group": group, "joint_conference_member": member} for pk, group, member in rows}

    def extra_values(self, data: Values, names: Iterable[str]) -> Values:
        """Return what a line says about the profile."""
        return {n: data[n] for n in ("group", "joint_conference_member") if n in names and data.get(n) is not None}

    def put_extras(self, changes: dict[str, Values], user: Any) -> None:
        """Write the profiles."""
        gone = {pk: {n: v for n, v in values.items() if v is not None} for pk, values in changes.items()}
        table_actions.set_profiles(gone)
