"""Lay out the district: streets, communities, estates, grids and buildings with their codes on the wall."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from grids.models import DistrictProfile
from grids.trees import NewArea, load_areas
from grids.trees.levels import CODED_KINDS
from hedong.demo import BANNER, FICTIONAL_BANNER, names
from hedong.demo.scale import Scale
from hedong.demo.tables import generator, rows

_DEPTH = {
    "district": 0, "street": 1, "town": 1, "community": 2, "village": 2, "estate": 3, "grid": 4, "building": 5,
}  # fmt: skip
SPECIAL = ("学校", "集市", "公园", "卫生院", "商街", "车站", "工地", "文化站")


def load_places(preset: str, scale: Scale) -> int:
    """Write the district's areas and what it says about itself; return how many areas there are."""
    rng = generator("places")
    official = list(_official(preset, scale))
    batch = [*official, *_within(rng, official, scale)]
    load_areas(_signed(rng, _counted(rng, batch)))
    district = official[0].name
    DistrictProfile.objects.update_or_create(
        pk=1,
        defaults={
            "site_name": f"{district}家门口",
            "greeting": "家里楼里有什么事，说一句就行",
            "emergency_line": "有人受伤、着火、煤气漏了，请先打 120、119、110。",
            "help_line": "不会用手机？打社区电话，我们替您登记。",
            "hotline": names.phone(0),
            "is_demo": True,
            "demo_banner": BANNER if preset == "hedong" else FICTIONAL_BANNER,
        },
    )
    return len(batch)


def _official(preset: str, scale: Scale) -> Iterator[NewArea]:
    """Yield district, streets, communities and villages from the preset's table, as many as the scale takes."""
    table = rows(f"{preset}_places")
    streets = [row for row in table if row["kind"] in ("street", "town")][: scale.streets]
    kept = {row["code"] for row in streets}
    below = [row for row in table if row["parent"] in kept]
    communities = [row for row in below if row["kind"] == "community"][: scale.communities]
    villages = [row for row in below if row["kind"] == "village"][: scale.villages]
    for order, row in enumerate([table[0], *streets, *communities, *villages]):
        yield NewArea(
            key=row["code"], parent=row["parent"] or None, kind=row["kind"], name=row["name"], code=row["code"],
            sort_order=order,
        )  # fmt: skip


def _shares(total: int, parts: int) -> list[int]:
    """Divide `total` into `parts` whole numbers that differ by one at most."""
    return [total // parts + (number < total % parts) for number in range(parts)]


def _within(rng: random.Random, official: list[NewArea], scale: Scale) -> Iterator[NewArea]:
    """Yield estates, grids and buildings: grids under an estate, or straight under a village or community."""
    communities = [area for area in official if area.kind == "community"]
    villages = [area for area in official if area.kind == "village"]
    estates = list(_estates(communities, scale))
    yield from estates
    grids = list(_grids(estates, scale.grids - len(villages)))
    yield from grids
    for village in villages:
        yield NewArea(f"{village.key}J001", village.key, "grid", f"{village.name}网格", f"{village.key}J001")
    for number, community in zip(range(scale.special_grids), communities * 20, strict=False):
        code = f"{community.key}Z{number // len(communities) + 1:03d}"
        yield NewArea(code, community.key, "grid", f"{rng.choice(SPECIAL)}专属网格", code)
    yield from _buildings(rng, estates, grids, scale.buildings)


def _estates(communities: list[NewArea], scale: Scale) -> Iterator[NewArea]:
    invented = names.estates()
    for community, amount in zip(communities, _shares(scale.estates, len(communities)), strict=True):
        for number, name in enumerate(islice(invented, amount), 1):
            yield NewArea(f"{community.key}E{number}", community.key, "estate", name, sort_order=number)


def _grids(estates: list[NewArea], amount: int) -> Iterator[NewArea]:
    """Yield the base grids with the numbers that run through their community."""
    serial: dict[object, int] = {}
    for estate, share in zip(estates, _shares(amount, len(estates)), strict=True):
        for number in range(1, share + 1):
            serial[estate.parent] = serial.get(estate.parent, 0) + 1
            code = f"{estate.parent}J{serial[estate.parent]:03d}"
            yield NewArea(code, estate.key, "grid", f"{estate.name}第{number}网格", code, sort_order=number)


def _buildings(rng: random.Random, estates: list[NewArea], grids: list[NewArea], amount: int) -> Iterator[NewArea]:
    """Yield the buildings; their numbers run through the estate, and a few stand in no grid."""
    of_estate: dict[object, list[NewArea]] = {}
    for grid in grids:
        of_estate.setdefault(grid.parent, []).append(grid)
    for estate, share in zip(estates, _shares(amount, len(estates)), strict=True):
        inside = of_estate.get(estate.key, [])
        for number in range(1, share + 1):
            stands = inside[(number - 1) * len(inside) // share] if inside else estate
            grid_code = stands.code or f"{estate.key}"
            yield NewArea(
                f"{grid_code}B{number:04d}", stands.key, "building", f"{estate.name}{number}号楼",
                f"{grid_code}{number:04d}", households=rng.choice((24, 36, 48, 60, 66, 72, 88)), sort_order=number,
            )  # fmt: skip


def _counted(rng: random.Random, batch: list[NewArea]) -> list[NewArea]:
    """Give villages a number of households, and every place above the sum of those below it."""
    sums: dict[object, int] = {area.key: area.households or 0 for area in batch}
    for area in reversed(batch):
        if area.kind == "village":
            sums[area.key] = rng.randint(180, 700)
    for area in sorted(batch, key=lambda one: -_DEPTH[one.kind]):
        if area.parent is not None:
            sums[area.parent] += sums[area.key]
    return [replace(area, households=sums[area.key] or None) for area in batch]


def _signed(rng: random.Random, batch: list[NewArea]) -> Iterator[NewArea]:
    """Give communities and villages a telephone of the reserved block, and every coded place its public code."""
    taken: set[str] = set()
    telephone = 0
    for area in batch:
        phone, code = "", ""
        if area.kind in ("community", "village"):
            telephone += 1
            phone = names.phone(telephone)
        while area.kind in CODED_KINDS and (not code or code in taken):
            code = names.code(rng, 6)
        taken.add(code)
        yield replace(area, phone=phone, short_code=code)
