"""What every verb of the tree writer does: read again under the lock, ask for the right, insert, change, end."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models
from django.db.models.functions import Now

from audit.actions import record
from common.errors import Conflict, Invalid, NotFound
from grids import permissions
from grids.models import Area, BuildingCode, today
from grids.trees import levels, numbers
from grids.trees.numbers import AREAS, Tree, locked

# A district stands at the top; only who keeps everything may add one.
TOP = Area(scope_path="/")


def fresh(tree: Tree, node: Any) -> Any:
    """Read a node as it is now, under the lock; refuse one that is gone."""
    row = models.QuerySet(tree.model).filter(pk=getattr(node, "pk", node)).first()
    if row is None:
        raise NotFound("没有找到这个区域或党组织，可能刚刚被别人改动了。")
    return row


def fresh_parent(tree: Tree, parent: Any) -> Any:
    """Read a parent as it is now, under the lock; refuse one that is gone or ended."""
    row = fresh(tree, parent)
    if row.valid_to is not None:
        raise Invalid(f"“{row.name}”已经停用，请换一个上级。", field="parent")
    return row


def require_keeper(actor: Any, *places: Any) -> None:
    """Raise NotAllowed unless `actor` keeps all these places; the system itself (None) does."""
    for place in places:
        if actor is not None:
            permissions.require(actor, "manage_places", place)


def above(tree: Tree, node: Any) -> Any:
    """Return whose keeper moves, ends and re-codes `node`: its parent, or itself where nothing stands above.

    A community's worker keeps everything in the community, but does not put it under another street.
    """
    return node if node.parent_id is None else fresh(tree, node.parent_id)


def insert(row: models.Model) -> None:
    """Insert one row past mptt's own save; refuse a code that is in use."""
    try:
        row.save_base(raw=True, force_insert=True)
    except IntegrityError as error:
        raise explained(error) from error


def explained(error: IntegrityError) -> Exception:
    """Say that a code is in use; return any other failure as it is."""
    if "code_once" in str(error):
        return Invalid("这个代码已经有别的在用，请核对代码。", field="code")
    return error


def refuse_unknown(fields: dict[str, Any], known: frozenset[str]) -> None:
    """Raise TypeError for columns that a verb does not write."""
    unknown = set(fields) - known
    if unknown:
        raise TypeError(f"Not to be written here: {', '.join(sorted(unknown))}.")


def check_parent(tree: Tree, node: Any, parent: Any) -> None:
    """Refuse to put a node under itself, into another district's tree, or where its level may not stand."""
    if parent.tree_id != node.tree_id:
        raise Invalid("不能移到另一个区的下面。", field="parent")
    if node.lft <= parent.lft <= node.rght:
        raise Invalid("不能移到自己或者自己的下级下面，请换一个上级。", field="parent")
    if tree is AREAS:
        levels.check_area_level(node.kind, parent.kind)
    else:
        levels.check_party_level(node.level, parent.level)


def refuse_moved(node: Any, was: int | None) -> None:
    """Refuse a move that was decided when the node stood under another parent than now."""
    if was is not None and node.parent_id != was:
        raise Conflict(f"“{node.name}”刚刚被别人移动过，请看过最新的位置再办。")


def relink(tree: Tree, node: Any, parent: Any) -> None:
    """Put `node` last under `parent`: numbers and parent key."""
    numbers.shift_subtree(tree, node, parent)
    models.QuerySet(tree.model).filter(pk=node.pk).update(parent=parent.pk)


def update(tree: Tree, row: Any, verb: str, fields: dict[str, Any], *, actor: Any, reason: str) -> Any:
    """Write what differs and record both sides; a new public code takes the right at the parent."""
    with locked(tree):
        node = fresh(tree, row)
        require_keeper(actor, node)
        changed = {name: value for name, value in fields.items() if getattr(node, name) != value}
        if not changed:
            return node
        if "code" in changed:
            require_keeper(actor, above(tree, node))
        before = {name: str(getattr(node, name)) for name in changed}
        for name, value in changed.items():
            setattr(node, name, value)
        node.clean_fields(exclude={field.name for field in tree.model._meta.concrete_fields} - set(changed))
        try:
            models.QuerySet(tree.model).filter(pk=node.pk).update(**changed)
        except IntegrityError as error:
            raise explained(error) from error
        after = {name: str(value) for name, value in changed.items()}
        record(actor=actor, verb=verb, target=node, before=_words(before), after=_words(after), reason=reason)
    return node


def _words(values: dict[str, str]) -> str:
    return "；".join(f"{name}={value}" for name, value in sorted(values.items()))


def retire(tree: Tree, row: Any, verb: str, *, actor: Any, reason: str) -> Any:
    """End a node today; refuse while something valid still stands under it."""
    with locked(tree):
        node = fresh(tree, row)
        require_keeper(actor, above(tree, node))
        if node.valid_to is not None:
            raise Conflict(f"“{node.name}”已经停用了。")
        below = models.QuerySet(tree.model).filter(parent=node.pk, valid_to=None).count()
        if below:
            raise Conflict(f"“{node.name}”下面还有 {below} 个没有停用，请先移走或者停用它们。")
        models.QuerySet(tree.model).filter(pk=node.pk).update(valid_to=today())
        if tree is AREAS:
            BuildingCode.objects.filter(area=node, valid_to=None).update(valid_to=Now())
        record(actor=actor, verb=verb, target=node, before="valid", after="retired", reason=reason)
        return fresh(tree, node)


def restore(tree: Tree, row: Any, verb: str, *, actor: Any, reason: str) -> Any:
    """Bring a retired node back with the sticker it had; refuse under a retired parent and with a code in use."""
    with locked(tree):
        node = fresh(tree, row)
        require_keeper(actor, above(tree, node))
        if node.valid_to is None:
            raise Conflict(f"“{node.name}”没有停用，不用恢复。")
        if node.parent_id is not None:
            fresh_parent(tree, node.parent_id)
        try:
            models.QuerySet(tree.model).filter(pk=node.pk).update(valid_to=None)
        except IntegrityError as error:
            raise explained(error) from error
        if tree is AREAS and node.short_code:
            BuildingCode.objects.filter(area=node, code=node.short_code).update(valid_to=None)
        record(actor=actor, verb=verb, target=node, before="retired", after="valid", reason=reason)
        return fresh(tree, node)
