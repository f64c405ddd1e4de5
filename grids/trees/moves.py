"""Put a node under another parent, and put the last move back."""

from __future__ import annotations

from typing import Any

from audit.actions import record
from audit.models import Event
from common.errors import Conflict, NotFound
from grids.models import Area, PartyOrganization
from grids.trees import paths
from grids.trees.numbers import AREAS, PARTY, Tree, locked
from grids.trees.rows import above, check_parent, fresh, fresh_parent, refuse_moved, relink, require_keeper

MOVED = {AREAS: "area.moved", PARTY: "party.moved"}
_OVERTAKEN = "移动以后这里又改过，不能直接撤回。请看过现在的位置，需要的话再移动一次。"


def move_area(area: Area, *, to: Area, actor: Any = None, reason: str = "", was: int | None = None) -> Area:
    """Put a place with all below it under another one; scope moves with it, in every table, at once.

    Takes the right at the present parent and at the new one. Refuses a place under itself, another district's tree,
    a level that may not stand there and, with `was`, a place that no longer stands under the parent with that key.
    """
    with locked(AREAS):
        paths.freeze()
        return _move_area(fresh(AREAS, area), fresh_parent(AREAS, to), actor, reason, was)


def _move_area(node: Area, parent: Area, actor: Any, reason: str, was: int | None, undoes: int = 0) -> Area:
    require_keeper(actor, node, above(AREAS, node), parent)
    if node.parent_id == parent.pk:
        return node
    refuse_moved(node, was)
    check_parent(AREAS, node, parent)
    before, after = node.scope_path, f"{parent.scope_path}{node.pk}/"
    relink(AREAS, node, parent)
    changed = paths.replace_prefix(before, after)
    moved = fresh(AREAS, node)
    data = {"rows": sum(changed.values()), "from": node.parent_id, "to": parent.pk, "undoes": undoes}
    record(actor=actor, verb=MOVED[AREAS], target=moved, before=before, after=after, reason=reason, data=data)
    return moved


def move_party_organization(
    row: PartyOrganization, *, to: PartyOrganization, actor: Any = None, reason: str = "", was: int | None = None
) -> PartyOrganization:
    """Put an organisation with all below it under another one; refuses loops and wrong levels."""
    with locked(PARTY):
        return _move_party(fresh(PARTY, row), fresh_parent(PARTY, to), actor, reason, was)


def _move_party(node: Any, parent: Any, actor: Any, reason: str, was: int | None, undoes: int = 0) -> Any:
    require_keeper(actor, node, above(PARTY, node), parent)
    if node.parent_id == parent.pk:
        return node
    refuse_moved(node, was)
    check_parent(PARTY, node, parent)
    relink(PARTY, node, parent)
    moved = fresh(PARTY, node)
    record(
        actor=actor,
        verb=MOVED[PARTY],
        target=moved,
        before=str(node.parent_id),
        after=str(parent.pk),
        reason=reason,
        data={"from": node.parent_id, "to": parent.pk, "undoes": undoes},
    )
    return moved


def undo_move(tree: Tree, event: int, *, node: int, actor: Any = None, reason: str = "撤回上一次移动") -> Any:
    """Put back what one move did, as a move of its own.

    Refuses a move that was not the last thing that happened to the node, one that was an undoing itself, and one
    whose old parent has moved away or ended meanwhile.
    """
    with locked(tree):
        if tree is AREAS:
            paths.freeze()
        moved = Event.objects.filter(pk=event, verb=MOVED[tree], target_id=str(node)).first()
        if moved is None or not moved.data.get("from"):
            raise NotFound
        row = fresh(tree, node)
        if moved.data.get("undoes") or last_change(tree, row) != moved.pk or row.parent_id != moved.data["to"]:
            raise Conflict(_OVERTAKEN)
        parent = fresh_parent(tree, moved.data["from"])
        if tree is AREAS and f"{parent.scope_path}{row.pk}/" != moved.before:
            raise Conflict(_OVERTAKEN)
        move = _move_area if tree is AREAS else _move_party
        return move(row, parent, actor, reason, None, moved.pk)


def last_change(tree: Tree, node: Any) -> int | None:
    """Return the key of the last event about the node itself."""
    verbs = MOVED[tree].partition(".")[0]
    events = Event.objects.filter(
        target_type=tree.model._meta.label_lower, target_id=str(node.pk), verb__startswith=f"{verbs}."
    )
    return events.order_by("-pk").values_list("pk", flat=True).first()
