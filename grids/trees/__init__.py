"""The only writer of the two trees: places and party organisations.

Each verb takes the tree's lock, reads parent and node again, checks right and level, renumbers, and records the
event in the same transaction. What is below a place is its keeper's; moving, ending or re-coding the place itself
takes the right at its parent.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models.functions import Now

from audit.actions import record
from grids.models import Area, BuildingCode, PartyOrganization
from grids.placed import current_paths
from grids.trees import levels, numbers
from grids.trees.check import Fault, check, fix, report
from grids.trees.load import NewArea, NewParty, load_areas, load_party_organizations
from grids.trees.many import add_many
from grids.trees.moves import move_area, move_party_organization, undo_move
from grids.trees.numbers import AREAS, PARTY, locked
from grids.trees.rows import (
    TOP,
    above,
    fresh,
    fresh_parent,
    insert,
    refuse_unknown,
    require_keeper,
    restore,
    retire,
    update,
)

__all__ = [
    "AREAS",
    "PARTY",
    "Fault",
    "NewArea",
    "NewParty",
    "add_many",
    "check",
    "create_area",
    "create_party_organization",
    "fix",
    "load_areas",
    "load_party_organizations",
    "move_area",
    "move_party_organization",
    "replace_short_code",
    "report",
    "restore_area",
    "restore_party_organization",
    "retire_area",
    "retire_party_organization",
    "set_covers",
    "undo_move",
    "update_area",
    "update_party_organization",
]

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_AREA_FIELDS = frozenset(
    {"name", "code", "phone", "households", "units", "managing_authority", "sort_order", "valid_from"}
)
_PARTY_FIELDS = frozenset({"name", "code", "kind", "established_on", "area"})


# Places -----------------------------------------------------------------------------------------------------


def create_area(*, parent: Area | None, kind: str, name: str, actor: Any = None, **fields: Any) -> Area:
    """Add a place as the last child of `parent`; refuse a level that may not stand there and a code in
    use.
    """
    refuse_unknown(fields, _AREA_FIELDS | {"short_code"})
    with locked(AREAS):
        over = fresh_parent(AREAS, parent) if parent is not None else None
        require_keeper(actor, over or TOP)
        levels.check_area_level(kind, over.kind if over else None)
        (pk,) = numbers.next_ids(AREAS, 1)
        path = f"{over.scope_path if over else '/'}{pk}/"
        area = Area(pk=pk, parent=over, kind=kind, name=name.strip(), scope_path=path, **fields)
        for column, value in numbers.make_room(AREAS, over).items():
            setattr(area, column, value)
        if kind in levels.CODED_KINDS and not area.short_code:
            area.short_code = new_short_code()
        area.clean_fields(exclude={"valid_from", "parent"})
        insert(area)
        if area.short_code:
            BuildingCode.objects.create(area=area, code=area.short_code)
        record(
            actor=actor,
            verb="area.created",
            target=area,
            after=name,
            data={"parent": over.pk if over else None},
        )
    return area


def update_area(area: Area, *, actor: Any = None, reason: str = "", **fields: Any) -> Area:
    """Change name, code, telephone, households, managing authority or order of a place."""
    refuse_unknown(fields, _AREA_FIELDS)
    return update(AREAS, area, "area.changed", fields, actor=actor, reason=reason)


def retire_area(area: Area, *, actor: Any = None, reason: str = "") -> Area:
    """End a place today; refuse while something valid still stands under it."""
    return retire(AREAS, area, "area.retired", actor=actor, reason=reason)


def restore_area(area: Area, *, actor: Any = None, reason: str = "") -> Area:
    """Bring a retired place back; refuse under a retired parent and with a code that is in use by now."""
    return restore(AREAS, area, "area.restored", actor=actor, reason=reason)


def replace_short_code(area: Area, *, actor: Any = None, reason: str = "") -> str:
    """Give a place a new public code; the old one's sticker says so from now on."""
    with locked(AREAS):
        node, code = fresh(AREAS, area), new_short_code()
        require_keeper(actor, above(AREAS, node))
        BuildingCode.objects.filter(area=node, valid_to=None).update(valid_to=Now())
        BuildingCode.objects.create(area=node, code=code)
        models.QuerySet(Area).filter(pk=node.pk).update(short_code=code)
        record(
            actor=actor,
            verb="area.code_replaced",
            target=node,
            before=node.short_code,
            after=code,
            reason=reason,
        )
    return code


def new_short_code() -> str:
    """Return a public code that no sticker carries; without letters and digits that look alike."""
    while True:
        code = "".join(secrets.choice(_LETTERS) for _ in range(6))
        if not BuildingCode.objects.filter(code=code).exists():
            return code


# Party organisations ----------------------------------------------------------------------------------------


def create_party_organization(
    *,
    parent: PartyOrganization | None,
    level: str,
    name: str,
    area: Area,
    covers: Iterable[Area] = (),
    actor: Any = None,
    **fields: Any,
) -> PartyOrganization:
    """Add an organisation as the last child of `parent`; refuse a level that may not stand there and a
    code in use.
    """
    refuse_unknown(fields, _PARTY_FIELDS)
    with locked(PARTY):
        over = fresh_parent(PARTY, parent) if parent is not None else None
        require_keeper(actor, over or area, area)
        levels.check_party_level(level, over.level if over else None)
        path = current_paths([area.pk])[area.pk]
        (pk,) = numbers.next_ids(PARTY, 1)
        row = PartyOrganization(pk=pk, parent=over, level=level, name=name.strip(), area=area, **fields)
        row.scope_path = path
        for column, value in numbers.make_room(PARTY, over).items():
            setattr(row, column, value)
        insert(row)
        row.covers.set(covers or [area])
        record(
            actor=actor,
            verb="party.created",
            target=row,
            after=name,
            data={"parent": over.pk if over else None},
        )
    return row


def update_party_organization(
    row: PartyOrganization, *, actor: Any = None, reason: str = "", **fields: Any
) -> PartyOrganization:
    """Change name, code, kind, day of establishment or main area of an organisation."""
    refuse_unknown(fields, _PARTY_FIELDS)
    with locked(PARTY):
        if "area" in fields:
            require_keeper(actor, fields["area"])
            fields["scope_path"] = current_paths([fields["area"].pk])[fields["area"].pk]
        return update(PARTY, row, "party.changed", fields, actor=actor, reason=reason)


def set_covers(row: PartyOrganization, areas: Iterable[Area], *, actor: Any = None) -> None:
    """Say which areas an organisation covers."""
    with locked(PARTY):
        node = fresh(PARTY, row)
        require_keeper(actor, node)
        now, wanted = set(node.covers.all()), set(areas)
        # Joint branches cover places of several keepers; each adds and takes away only their own.
        require_keeper(actor, *(now ^ wanted))
        if now == wanted:
            return
        node.covers.set(wanted)
        before, after = sorted(area.pk for area in now), sorted(area.pk for area in wanted)
        record(actor=actor, verb="party.covers_changed", target=node, data={"before": before, "after": after})


def retire_party_organization(row: PartyOrganization, *, actor: Any = None, reason: str = "") -> PartyOrganization:
    """End an organisation today; refuse while something valid still stands under it."""
    return retire(PARTY, row, "party.retired", actor=actor, reason=reason)


def restore_party_organization(row: PartyOrganization, *, actor: Any = None, reason: str = "") -> PartyOrganization:
    """Bring an ended organisation back; refuse under an ended one and with a code that is in use by now."""
    return restore(PARTY, row, "party.restored", actor=actor, reason=reason)
