"""Pairings of departments and communities as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from django.db.models import Q

from audit.tables import RowRegistry
from common.tables.cells import day_text
from common.tables.registry import CHANGED, NEW, WRONG, Known, Row
from common.tables.sheet import Cells, Column, Fault, Values
from grids.permissions import within_reach
from grids.tables.places import COMMUNITIES, Places
from partners.models import Pairing, Partner
from partners.tables.pool import PoolBook, partner_of
from partners.workflow import Category

_FAR = "9999-12-31"


class Pairings(RowRegistry):
    """Which department is paired with which community, found by both and the first day."""

    code, title = "pairings", "部门社区结对"
    keeps, looks = "manage_partner", "view_partner"
    model, verb, label = Pairing, "pairing", "partners.pairing"
    page = "admin:partners_pairing_changelist"
    columns_of: ClassVar = {
        "partner": ("department_id",), "community": ("community_id",), "valid_from": ("valid_from",),
        "valid_to": ("valid_to",),
    }  # fmt: skip
    columns: tuple[Column, ...] = (
        Column("partner", "部门", "reference", True, hint="编号或者名称", example="D001", width=24),
        Column("community", "社区（村）", "reference", True, most=200, example="东街街道/槐荫社区", width=30),
        Column("valid_from", "开始日期", "date", True, example="2026-01-01", width=12),
        Column("valid_to", "结束日期", "date", hint="长期的留空", width=12),
    )

    def book(self, user: Any, rows: list[Cells] | None) -> PoolBook:
        """Read departments anywhere, communities and pairings within the person's reach."""
        right = self.looks if rows is None else self.keeps
        book = PoolBook(places=Places(user, right))
        # A department belongs to the whole district; the community is what must lie within the reach.
        departments = Partner.objects.filter(category=Category.DEPARTMENT).order_by("code")
        for pk, code, name, area in departments.values_list("pk", "code", "name", "area_id"):
            for word in {code, name}:
                book.partners[word].append((str(pk), code, area))
        standing = Pairing.objects.filter(within_reach(user, right, "community__scope_path"))
        standing = standing.select_related("department").order_by("department__code", "community__lft", "valid_from")
        for pairing in standing:
            cells = {
                "partner": pairing.department.code, "community": book.places.words(pairing.community_id),
                "valid_from": day_text(pairing.valid_from), "valid_to": day_text(pairing.valid_to),
            }  # fmt: skip
            pair = f"{pairing.department_id}|{pairing.community_id}"
            book.add(f"{pair}|{pairing.valid_from}", Known(str(pairing.pk), cells))
            book.labels.setdefault(pair, {})[cells["valid_from"]] = cells["valid_to"] or _FAR
        return book

    def kept_by(self, user: Any, verb: str) -> Q:
        """A pairing is kept by whoever keeps both sides."""
        both = within_reach(user, self.keeps, "department__scope_path")
        return both & within_reach(user, self.keeps, "community__scope_path")

    def plan(self, rows: Any, user: Any) -> Any:
        """Plan as any registry; new terms are for whoever keeps both sides, as on the pages."""
        mine = Partner.objects.filter(within_reach(user, self.keeps), category=Category.DEPARTMENT)
        kept = {str(pk) for pk in mine.values_list("pk", flat=True)}
        for planned in super().plan(rows, user):
            if planned.verb in (NEW, CHANGED) and planned.data["partner"] not in kept:
                fault = Fault("partner", "这个部门不归您管，结对请找区里管合伙人的同事来登记。")
                planned = replace(planned, verb=WRONG, data={}, faults=(fault,))
            yield planned

    def meaning(self, row: Row, book: PoolBook) -> tuple[str, Values]:
        """Find both sides; refuse a term that ends before it begins or overlaps another one of the two."""
        department = partner_of(row, book, title="部门")
        if department:
            row.text["partner"] = department[1]
        text, community = row.text["community"], None
        if text:
            community = book.places.find(text, "community", "社区（村）", row.faults, book.guesses, COMMUNITIES)
        if community is not None:
            row.text["community"] = book.places.words(community.id)
        start, end = row.values.get("valid_from"), row.values.get("valid_to")
        if start and end and end < start:
            row.faults.say("valid_to", "结束日期不能早于开始日期。")
        data = {"valid_from": start, "valid_to": end}
        if not (department and community and start):
            return "", data
        pair = f"{department[0]}|{community.id}"
        self._overlap(row, book, pair, start, end or _FAR)
        return f"{pair}|{start}", {**data, "partner": department[0], "community": community.id}

    @staticmethod
    def _overlap(row: Row, book: PoolBook, pair: str, start: str, end: str) -> None:
        terms = book.labels.setdefault(pair, {})
        for other, until in terms.items():
            if other != start and other <= end and start <= until:
                span = f"从 {other} 起" if until == _FAR else f"{other} 到 {until}"
                row.faults.say("valid_from", f"这两家{span}已经结对，时间重叠了，请先给前一段填结束日期。")
                return
        terms[start] = end

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a pairing."""
        for name in names:
            if name == "partner":
                row.department_id = Pairing._meta.get_field("department").target_field.to_python(data["partner"])
            elif name == "community":
                row.community_id = data["community"]
            else:
                setattr(row, name, date.fromisoformat(data[name]) if data.get(name) else None)
