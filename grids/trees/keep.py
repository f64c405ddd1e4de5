"""Changes made on a page that may be out of date: where a row stands and what is known about it, in one go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.versions import require_unchanged
from grids import trees
from grids.models import Area, PartyOrganization
from grids.trees.numbers import AREAS, PARTY, locked


def keep_area(area: Area, *, parent: Area | None, seen: str | None, actor: Any = None, **fields: Any) -> Area:
    """Change a place and move it under `parent` where that is another one; refuse one that was changed since."""
    with locked(AREAS):
        require_unchanged(trees.fresh(AREAS, area), seen)
        row = trees.update_area(area, actor=actor, **fields)
        if parent is None or parent.pk == row.parent_id:
            return row
        return trees.move_area(row, to=parent, actor=actor)


def keep_party_organization(
    row: PartyOrganization,
    *,
    parent: PartyOrganization | None,
    covers: Iterable[Area],
    seen: str | None,
    actor: Any = None,
    **fields: Any,
) -> PartyOrganization:
    """Change an organisation, what it covers and where it stands; refuse one that was changed since."""
    with locked(PARTY):
        require_unchanged(trees.fresh(PARTY, row), seen)
        kept = trees.update_party_organization(row, actor=actor, **fields)
        if {area.pk for area in covers} != set(kept.covers.values_list("pk", flat=True)):
            trees.set_covers(kept, covers, actor=actor)
        if parent is None or parent.pk == kept.parent_id:
            return kept
        return trees.move_party_organization(kept, to=parent, actor=actor)
