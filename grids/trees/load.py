"""Many places or party organisations at once: one lock, one numbering, one event per batch."""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import models

from audit.actions import record
from common.errors import Invalid
from common.rows import insert_rows
from grids.models import Area, BuildingCode, PartyOrganization
from grids.placed import current_paths
from grids.trees import levels, numbers
from grids.trees.numbers import AREAS, PARTY, Tree, locked

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class NewArea:
    """A place to load; `parent` is the key of a row before it, an Area that exists, or None for a
    district.
    """

    key: Hashable
    parent: Any
    kind: str
    name: str
    code: str = ""
    phone: str = ""
    households: int | None = None
    short_code: str = ""
    sort_order: int = 0
    units: int | None = None


@dataclass(frozen=True, slots=True)
class NewParty:
    """An organisation to load; `parent` is the key of a row before it, one that exists, or None for the
    top.
    """

    key: Hashable
    parent: Any
    level: str
    name: str
    area: int
    kind: str = "area"
    code: str = ""
    covers: Sequence[int] = field(default=())
    established_on: date | None = None


def load_areas(rows: Iterable[NewArea], *, actor: Any = None) -> dict[Hashable, Area]:
    """Add many places and return them by key; refuses a wrong level, an unknown parent and a code in use."""
    batch = list(rows)
    with locked(AREAS):
        made = _build(AREAS, batch, _area)
        _number(AREAS, made)
        _give_short_codes(list(made.values()))
        insert_rows([*made.values()])
        codes = [BuildingCode(area=area, code=area.short_code) for area in made.values() if area.short_code]
        insert_rows(codes)
        _record_batch("area.loaded", made, actor)
    return made


def load_party_organizations(rows: Iterable[NewParty], *, actor: Any = None) -> dict[Hashable, PartyOrganization]:
    """Add many organisations with what they cover and return them by key; refuses as `load_areas` does."""
    batch = list(rows)
    with locked(PARTY):
        paths = current_paths(row.area for row in batch)
        made = _build(PARTY, batch, _party)
        for organization in made.values():
            organization.scope_path = paths[organization.area_id]
        _number(PARTY, made)
        insert_rows([*made.values()])
        through = PartyOrganization.covers.through
        links = [
            through(partyorganization_id=made[row.key].pk, area_id=area)
            for row in batch
            for area in (row.covers or (row.area,))
        ]
        through.objects.bulk_create(links, batch_size=_BATCH)
        _record_batch("party.loaded", made, actor)
    return made


def _record_batch(verb: str, made: dict[Hashable, Any], actor: Any) -> None:
    first = next(iter(made.values()), None)
    if first is not None:
        record(actor=actor, verb=verb, target=first, after=str(len(made)), data={"rows": len(made)})


def _build(tree: Tree, batch: Sequence[Any], make: Any) -> dict[Hashable, Any]:
    """Make the unsaved rows in order, each with its key and its parent as it is now."""
    known = {row.parent.pk for row in batch if isinstance(row.parent, models.Model)}
    existing: dict[int, models.Model] = models.QuerySet(tree.model).in_bulk(known)
    made: dict[Hashable, Any] = {}
    for pk, row in zip(numbers.next_ids(tree, len(batch)), batch, strict=True):
        parent = existing.get(row.parent.pk) if isinstance(row.parent, models.Model) else made.get(row.parent)
        if row.parent is not None and parent is None:
            raise Invalid(f"“{row.name}”的上级不存在，请先导入上级。", field="parent")
        if row.key in made:
            raise Invalid(f"“{row.name}”重复了一次，请核对导入的表。", field="key")
        made[row.key] = make(pk, row, parent)
    return made


def _area(pk: int, row: NewArea, parent: Area | None) -> Area:
    levels.check_area_level(row.kind, parent.kind if parent else None)
    return Area(
        pk=pk,
        parent=parent,
        kind=row.kind,
        name=row.name,
        code=row.code,
        phone=row.phone,
        households=row.households,
        short_code=row.short_code,
        sort_order=row.sort_order,
        units=row.units,
        scope_path=f"{parent.scope_path if parent else '/'}{pk}/",
    )


def _party(pk: int, row: NewParty, parent: PartyOrganization | None) -> PartyOrganization:
    levels.check_party_level(row.level, parent.level if parent else None)
    return PartyOrganization(
        pk=pk,
        parent=parent,
        level=row.level,
        kind=row.kind,
        name=row.name,
        code=row.code,
        area_id=row.area,
        established_on=row.established_on,
    )


def _number(tree: Tree, made: dict[Hashable, Any]) -> None:
    """Number old and new rows together: write what moved, set what is new."""
    old = numbers.read(tree)
    fresh: list[tuple[int, int | None, None]] = [(row.pk, row.parent_id, None) for row in made.values()]
    wanted = numbers.expected([*old, *fresh])
    numbers.write(tree, {pk: wanted[pk] for pk, _, now in old if wanted[pk] != now})
    for row in made.values():
        found = wanted[row.pk]
        row.tree_id, row.lft, row.rght = found.tree_id, found.lft, found.rght
        setattr(row, tree.depth, found.depth)


def _give_short_codes(areas: list[Area]) -> None:
    taken = set(BuildingCode.objects.values_list("code", flat=True)) | {area.short_code for area in areas}
    for area in areas:
        while area.kind in levels.CODED_KINDS and not area.short_code:
            code = "".join(secrets.choice(_LETTERS) for _ in range(6))
            if code not in taken:
                taken.add(code)
                area.short_code = code
