"""Volunteer teams as a table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from audit.tables import RowRegistry
from common.tables.cells import day_text, one_form, yes_text
from common.tables.registry import Known, Row
from common.tables.sheet import Cells, Column, Values, register
from grids.permissions import within_reach
from grids.tables.places import Places
from partners.tables.pool import PoolBook, partner_of, read_partners
from volunteering import actions
from volunteering.models import ServiceType, VolunteerTeam


@dataclass(slots=True)
class TeamBook(PoolBook):
    """Places, partners, and the kinds of service by code and name."""

    kinds: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)


class Teams(RowRegistry):
    """Volunteer teams, found by place and name."""

    code, title = "teams", "志愿服务队"
    keeps, looks = "manage_partner", "view_partner"
    model, verb, label = VolunteerTeam, "team", "volunteering.volunteerteam"
    page = "admin:volunteering_volunteerteam_changelist"
    own: ClassVar = (VolunteerTeam.service_types.through,)
    columns_of: ClassVar = {
        "area": ("area_id", "scope_path"), "name": ("name",), "partner": ("partner_id",), "active": ("active",),
        "founded_on": ("founded_on",),
    }  # fmt: skip
    columns: tuple[Column, ...] = (
        Column("area", "所在区域", "reference", True, most=200, example="东街街道/槐荫社区", width=30),
        Column("name", "名称", required=True, most=60, example="槐荫社区助老志愿服务队", width=30),
        Column("partner", "所属合伙人", "reference", hint="编号或者名称，没有就留空", example="G001", width=16),
        Column("service_types", "服务类型", most=400, hint="用“、”隔开", example="助老、助残", width=28),
        Column("active", "在活动", "yes_no", hint="停了的填“否”，留空也算“否”", example="是", width=8),
        Column("founded_on", "成立日期", "date", example="2021-03-05", width=12),
    )

    def book(self, user: Any, rows: list[Cells] | None) -> TeamBook:
        """Read the teams within the person's reach, places, partners and kinds of service."""
        right = self.looks if rows is None else self.keeps
        book = TeamBook(places=Places(user, right))
        read_partners(book, user, right)
        names = dict(ServiceType.objects.values_list("code", "name"))
        book.kinds = {one_form(name): code for code, name in names.items()} | {code: code for code in names}
        links = VolunteerTeam.service_types.through.objects.order_by("servicetype_id")
        for pk, kind in links.values_list("volunteerteam_id", "servicetype_id"):
            book.offered.setdefault(str(pk), []).append(names[kind])
        standing = VolunteerTeam.objects.filter(within_reach(user, right)).select_related("partner")
        for team in standing.order_by("area__tree_id", "area__lft", "name", "pk"):
            key = f"{team.area_id}|{one_form(team.name)}"
            book.add(key, Known(str(team.pk), self._cells(book, team), team.partner_id))
        return book

    @staticmethod
    def _cells(book: TeamBook, team: VolunteerTeam) -> Cells:
        return {
            "area": book.places.words(team.area_id), "name": team.name,
            "partner": team.partner.code if team.partner else "",
            "service_types": "、".join(book.offered.get(str(team.pk), ())), "active": yes_text(team.active),
            "founded_on": day_text(team.founded_on),
        }  # fmt: skip

    def meaning(self, row: Row, book: TeamBook) -> tuple[str, Values]:
        """Find place, partner and kinds of service."""
        area = None
        if row.text["area"]:
            area = book.places.find(row.text["area"], "area", "所在区域", row.faults, book.guesses)
        if area is not None:
            row.text["area"] = book.places.words(area.id)
        key = f"{area.id}|{row.text['name']}" if area else ""
        data = {**row.values, "area": area.id if area else None, "service_types": self._kinds(row, book)}
        return key, {**data, "partner": self._partner(row, book, key)}

    @staticmethod
    def _partner(row: Row, book: TeamBook, key: str) -> str | None:
        """Return the partner; one that lies outside the reach stays as it stands."""
        text, known = row.text.get("partner", ""), book.known.get(key, [])
        if text and known and text == known[0].cells["partner"]:
            return str(known[0].row)
        found = partner_of(row, book, title="所属合伙人") if text else None
        if found:
            row.text["partner"] = found[1]
        return found[0] if found else None

    @staticmethod
    def _kinds(row: Row, book: TeamBook) -> list[str] | None:
        if "service_types" not in row.text:
            return None
        wanted = [name.strip() for name in re.split(r"[、,，;；\n]+", row.text["service_types"]) if name.strip()]
        for name in wanted:
            if name not in book.kinds:
                guess = book.guesses.of(name, book.kinds, "service_types")
                row.faults.say("service_types", f"服务类型“{name}”找不到" + ("" if guess else "。"), guess)
        codes = sorted({book.kinds[name] for name in wanted if name in book.kinds})
        if not row.faults.about("service_types"):
            names = {code: name for name, code in book.kinds.items() if name != code}
            row.text["service_types"] = "、".join(names.get(code, code) for code in codes)
        return codes

    # Writing ----------------------------------------------------------------------------------------------------

    def put(self, row: Any, data: Values, names: Iterable[str]) -> None:
        """Set columns of a team."""
        for name in names:
            if name in ("area", "partner"):
                setattr(row, f"{name}_id", data[name])
            elif name == "founded_on":
                row.founded_on = date.fromisoformat(data[name]) if data.get(name) else None
            elif name in self.columns_of and data.get(name) is not None:
                setattr(row, name, data[name])

    def extras(self, ids: list[Any]) -> dict[str, Values]:
        """Return the kinds of service that these teams offer."""
        found: dict[str, Values] = {str(pk): {"service_types": []} for pk in ids}
        links = VolunteerTeam.service_types.through.objects.filter(volunteerteam__in=ids).order_by("servicetype_id")
        for team, kind in links.values_list("volunteerteam_id", "servicetype_id"):
            found[str(team)]["service_types"].append(kind)
        return found

    def extra_values(self, data: Values, names: Iterable[str]) -> Values:
        """Return what a line says about the kinds of service."""
        given = "service_types" in names and data.get("service_types") is not None
        return {"service_types": data["service_types"]} if given else {}

    def put_extras(self, changes: dict[str, Values], user: Any) -> None:
        """Write the kinds of service."""
        actions.set_services({pk: values["service_types"] or [] for pk, values in changes.items()})


register(Teams())
