"""A district of 34,000 places with their party organisations and 楼长, copied in within seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection

from grids.models import Area, PartyOrganization, Post
from grids.trees import numbers
from hedong.demo.copying import copy_rows
from hedong.up import database
from tests import factories

STREETS, COMMUNITIES, ESTATES, GRIDS, BUILDINGS = 10, 10, 5, 4, 15
PLACES, CROWDED = 34_000, 600
PARTY_LEVELS = {"d": "committee", "s": "committee", "c": "general_branch", "g": "branch"}


@dataclass
class Large:
    """Keys of places by name (`d`, `s0`, `c0-0`, `e0-0-0`, `g0-0-0-0`); the first grid holds 600 buildings."""

    places: dict[str, int] = field(default_factory=dict)
    rows: list[list[object]] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)

    def add(self, name: str, over: str, kind: str, label: str) -> None:
        """Note one place; it is written with the others."""
        pk = len(self.places) + 1
        parent = self.places.get(over)
        self.places[name] = pk
        self.paths[pk] = f"{self.paths.get(parent or 0, '/')}{pk}/"
        self.rows.append([pk, parent, kind, label, self.paths[pk]])


def make() -> Large:
    """Make the places, their organisations down to the grids, and a 楼长 for every second building."""
    large = Large()
    large.add("d", "", "district", "大区")
    for s in range(STREETS):
        large.add(f"s{s}", "d", "street", f"第{s}街道")
        for c in range(COMMUNITIES):
            large.add(f"c{s}-{c}", f"s{s}", "community", f"{s}街{c}社区")
            for e in range(ESTATES):
                large.add(f"e{s}-{c}-{e}", f"c{s}-{c}", "estate", f"{c}社区{e}小区")
                for g in range(GRIDS):
                    _grid(large, f"{s}-{c}-{e}", g)
    for n in range(PLACES - len(large.rows)):
        large.add(f"x{n}", "g9-9-4-3", "building", f"附{n}号楼")
    _write(large)
    return large


def _grid(large: Large, estate: str, g: int) -> None:
    large.add(f"g{estate}-{g}", f"e{estate}", "grid", f"第{g}网格")
    for n in range(1, (CROWDED if (estate, g) == ("0-0-0", 0) else BUILDINGS) + 1):
        large.add(f"b{estate}-{g}-{n}", f"g{estate}-{g}", "building", f"{n}号楼")


def _write(large: Large) -> None:
    today = "2020-01-01"
    numbered = numbers.expected((row[0], row[1], None) for row in large.rows)  # type: ignore[misc]
    columns = [
        "id",
        "parent_id",
        "kind",
        "name",
        "scope_path",
        "valid_from",
        "code",
        "short_code",
        "phone",
        "sort_order",
    ]
    mptt = ["tree_id", "lft", "rght"]
    copy_rows(
        Area,
        [*columns, *mptt, "level"],
        ([*row, today, "", "", "", 0, *_numbers(numbered[row[0]])] for row in large.rows),
    )
    parties, covers = _parties(large)
    known = numbers.expected((row[0], row[1], None) for row in parties)  # type: ignore[misc]
    columns = ["id", "parent_id", "level", "name", "area_id", "scope_path", "kind", "code"]
    copy_rows(PartyOrganization, [*columns, *mptt, "depth"], ([*row, *_numbers(known[row[0]])] for row in parties))
    copy_rows(PartyOrganization.covers.through, ["partyorganization_id", "area_id"], covers)
    leader = factories.user("leader")
    led = [row for row in large.rows if row[2] == "building" and int(str(row[0])) % 2]
    copy_rows(
        Post,
        ["user_id", "role", "area_id", "scope_path", "valid_from"],
        ([leader.pk, "building_leader", row[0], row[4], today] for row in led),
    )
    _tell_the_planner()


def _numbers(found: numbers.Numbers) -> list[int]:
    return [found.tree_id, found.lft, found.rght, found.depth]


def _parties(large: Large) -> tuple[list[list[object]], list[list[object]]]:
    """Return one organisation for each district, street, community and grid, each covering its place."""
    rows: list[list[object]] = []
    keys: dict[str, int] = {}
    for name, place in large.places.items():
        if name[0] not in PARTY_LEVELS:
            continue
        parts = name[1:].split("-")
        over = {"d": "", "s": "d", "c": f"s{parts[0]}", "g": "c" + "-".join(parts[:2])}[name[0]]
        keys[name] = len(rows) + 1
        rows.append(
            [keys[name], keys.get(over), PARTY_LEVELS[name[0]], f"{name}党组织", place, large.paths[place], "area", ""]
        )
    return rows, [[row[0], row[4]] for row in rows]


def _tell_the_planner() -> None:
    """Without this it takes tables that were filled in this very transaction for empty."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("ANALYZE")
        cursor.execute(f"SET ROLE {database.APP}")
