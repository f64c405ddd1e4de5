"""The one door to a decision: may this actor take this step on this row?"""

from dataclasses import dataclass
from typing import Any

from common.errors import NotAllowed
from grids.permissions import can
from partners.permissions import can_for_partner


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whoever holds the unguessable link of one row: the resident of a request, the liaison of an allocation."""

    target_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Engine:
    """The dispatch engine or the clock; no view can become it."""

    label: str = "系统"


ENGINE = Engine()


def may_take(actor: Any, permission: str, row: Any) -> bool:
    """Tell whether `actor` satisfies one of the alternatives of `permission` (see `workflow`) for `row`."""
    return any(_satisfies(actor, alternative, row) for alternative in permission.split("|"))


def require_step(actor: Any, permission: str, row: Any) -> None:
    """Raise NotAllowed unless `actor` may take a step with this `permission` on `row`."""
    if not may_take(actor, permission, row):
        raise NotAllowed


def _satisfies(actor: Any, alternative: str, row: Any) -> bool:
    kind, _, right = alternative.partition(":")
    if kind == "engine":
        return isinstance(actor, Engine)
    if kind == "link":
        return isinstance(actor, LinkHolder) and actor.target_id == str(row.pk)
    if isinstance(actor, Engine | LinkHolder) or actor is None:
        return False
    if kind == "partner":
        partner_id = getattr(row, "partner_id", None) or getattr(row, "handler_partner_id", None)
        return partner_id is not None and can_for_partner(actor, right, partner_id)
    return can(actor, right, row)
