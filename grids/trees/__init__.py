"""The only writer of the two trees: places and party organisations.

Each verb takes the tree's lock, reads parent and node again, checks the level table, renumbers, and
records the event in
the same transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, models
from django.db.models.functions import Now

from audit.actions import record
from common.errors import Conflict, Invalid, NotFound
from grids import permissions
from grids.models import Area, BuildingCode, PartyOrganization, today
from grids.placed import current_paths
from grids.trees import levels, numbers, paths
from grids.trees.check import Fault, check, fix, report
from grids.trees.load import NewArea, NewParty, load_areas, load_party_organizations
from grids.trees.numbers import AREAS, PARTY, Tree, locked

__all__ = [
    "Fault",
    "NewArea",
    "NewParty",
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
    "retire_area",
    "retire_party_organization",
    "set_covers",
    "update_area",
    "update_party_organization",
]

# A district stands at the top; only who keeps everything may add one.
_TOP = Area(scope_path="/")
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_AREA_FIELDS = frozenset({"name", "code", "phone", "households", "managing_authority", "sort_order", "valid_from"})
_PARTY_FIELDS = frozenset({"name", "code", "kind", "established_on", "area"})


def fresh(tree: Tree, node: Any) -> Any:
    """Read a node as it is now, under the lock; refuse one that is gone."""
    row = models.QuerySet(tree.model).filter(pk=getattr(node, "pk", node)).first()
    if row is None:
        raise NotFound("没有找到这个区域或党组织，可能刚刚被别人改动了。")
    return row


def require_keeper(actor: Any, *places: Any) -> None:
    """Raise NotAllowed unless `actor` keeps all these places; the system itself (None) does."""
    for place in places:
        if actor is not None:
            permissions.require(actor, "manage_places", place)


def _fresh_parent(tree: Tree, parent: Any) -> Any:
    row = fresh(tree, parent)
    if row.valid_to is not None:
        raise Invalid(f"“{row.name}”已经停用，请换一个上级。", field="parent")
    return row


def _insert(row: models.Model) -> None:
    """Insert one row past mptt's own save; refuse a code that is in use."""
    try:
        row.save_base(raw=True, force_insert=True)
    except IntegrityError as error:
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    if "code_once" in str(error):
        return Invalid("这个代码已经有别的在用，请核对代码。", field="code")
    return error


# Places -----------------------------------------------------------------------------------------------------


def create_area(*, parent: Area | None, kind: str, name: str, actor: Any = None, **fields: Any) -> Area:
    """Add a place as the last child of `parent`; refuse a level that may not stand there and a code in
    use.
    """
    _refuse_unknown(fields, _AREA_FIELDS | {"short_code"})
    with locked(AREAS):
        above = _fresh_parent(AREAS, parent) if parent is not None else None
        require_keeper(actor, above or _TOP)
        levels.check_area_level(kind, above.kind if above else None)
        (pk,) = numbers.next_ids(AREAS, 1)
        path = f"{above.scope_path if above else '/'}{pk}/"
        area = Area(pk=pk, parent=above, kind=kind, name=name.strip(), scope_path=path, **fields)
        for column, value in numbers.make_room(AREAS, above).items():
            setattr(area, column, value)
        if kind in levels.CODED_KINDS and not area.short_code:
            area.short_code = new_short_code()
        area.clean_fields(exclude={"valid_from", "parent"})
        _insert(area)
        if area.short_code:
            BuildingCode.objects.create(area=area, code=area.short_code)
        record(
            actor=actor,
            verb="area.created",
            target=area,
            after=name,
            data={"parent": above.pk if above else None},
        )
    return area


def move_area(area: Area, *, to: Area, actor: Any = None, reason: str = "") -> Area:
    """Put a place with all below it under another one; scope moves with it, in every table, at once.

    Refuses a place under itself, another district's tree and a level that may not stand there.
    """
    with locked(AREAS):
        paths.freeze()
        node, parent = fresh(AREAS, area), _fresh_parent(AREAS, to)
        require_keeper(actor, node, parent)
        if node.parent_id == parent.pk:
            return node
        _check_move(node, parent)
        levels.check_area_level(node.kind, parent.kind)
        before, after = node.scope_path, f"{parent.scope_path}{node.pk}/"
        _relink(AREAS, node, parent)
        changed = paths.replace_prefix(before, after)
        moved = fresh(AREAS, node)
        record(
            actor=actor,
            verb="area.moved",
            target=moved,
            before=before,
            after=after,
            reason=reason,
            data={"rows": sum(changed.values())},
        )
    return moved


def update_area(area: Area, *, actor: Any = None, reason: str = "", **fields: Any) -> Area:
    """Change name, code, telephone, households, managing authority or order of a place."""
    _refuse_unknown(fields, _AREA_FIELDS)
    return _update(AREAS, area, "area.changed", fields, actor=actor, reason=reason)


def retire_area(area: Area, *, actor: Any = None, reason: str = "") -> Area:
    """End a place today; refuse while something valid still stands under it."""
    return _retire(AREAS, area, "area.retired", actor=actor, reason=reason)


def replace_short_code(area: Area, *, actor: Any = None, reason: str = "") -> str:
    """Give a place a new public code; the old one's sticker says so from now on."""
    with locked(AREAS):
        node, code = fresh(AREAS, area), new_short_code()
        require_keeper(actor, node)
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
    _refuse_unknown(fields, _PARTY_FIELDS)
    with locked(PARTY):
        above = _fresh_parent(PARTY, parent) if parent is not None else None
        require_keeper(actor, above or area)
        levels.check_party_level(level, above.level if above else None)
        path = current_paths([area.pk])[area.pk]
        (pk,) = numbers.next_ids(PARTY, 1)
        row = PartyOrganization(pk=pk, parent=above, level=level, name=name.strip(), area=area, **fields)
        row.scope_path = path
        for column, value in numbers.make_room(PARTY, above).items():
            setattr(row, column, value)
        _insert(row)
        row.covers.set(covers or [area])
        record(
            actor=actor,
            verb="party.created",
            target=row,
            after=name,
            data={"parent": above.pk if above else None},
        )
    return row


def move_party_organization(
    row: PartyOrganization, *, to: PartyOrganization, actor: Any = None, reason: str = ""
) -> PartyOrganization:
    """Put an organisation with all below it under another one; refuses loops and wrong levels."""
    with locked(PARTY):
        node, parent = fresh(PARTY, row), _fresh_parent(PARTY, to)
        require_keeper(actor, node, parent)
        if node.parent_id == parent.pk:
            return node
        _check_move(node, parent)
        levels.check_party_level(node.level, parent.level)
        before = node.parent_id
        _relink(PARTY, node, parent)
        moved = fresh(PARTY, node)
        record(
            actor=actor,
            verb="party.moved",
            target=moved,
            before=str(before),
            after=str(parent.pk),
            reason=reason,
        )
    return moved


def update_party_organization(
    row: PartyOrganization, *, actor: Any = None, reason: str = "", **fields: Any
) -> PartyOrganization:
    """Change name, code, kind, day of establishment or main area of an organisation."""
    _refuse_unknown(fields, _PARTY_FIELDS)
    with locked(PARTY):
        if "area" in fields:
            fields["scope_path"] = current_paths([fields["area"].pk])[fields["area"].pk]
        return _update(PARTY, row, "party.changed", fields, actor=actor, reason=reason)


def set_covers(row: PartyOrganization, areas: Iterable[Area], *, actor: Any = None) -> None:
    """Say which areas an organisation covers."""
    with locked(PARTY):
        node = fresh(PARTY, row)
        require_keeper(actor, node)
        before = sorted(node.covers.values_list("pk", flat=True))
        node.covers.set(areas)
        after = sorted(node.covers.values_list("pk", flat=True))
        record(actor=actor, verb="party.covers_changed", target=node, data={"before": before, "after": after})


def retire_party_organization(row: PartyOrganization, *, actor: Any = None, reason: str = "") -> PartyOrganization:
    """End an organisation today; refuse while something valid still stands under it."""
    return _retire(PARTY, row, "party.retired", actor=actor, reason=reason)


# What both trees share --------------------------------------------------------------------------------------


def _refuse_unknown(fields: dict[str, Any], known: frozenset[str]) -> None:
    unknown = set(fields) - known
    if unknown:
        raise TypeError(f"Not to be written here: {', '.join(sorted(unknown))}.")


def _check_move(node: Any, parent: Any) -> None:
    if parent.tree_id != node.tree_id:
        raise Invalid("不能移到另一个区的下面。", field="parent")
    if node.lft <= parent.lft <= node.rght:
        raise Invalid("不能移到自己或者自己的下级下面，请换一个上级。", field="parent")


def _relink(tree: Tree, node: Any, parent: Any) -> None:
    numbers.shift_subtree(tree, node, parent)
    models.QuerySet(tree.model).filter(pk=node.pk).update(parent=parent.pk)


def _update(tree: Tree, row: Any, verb: str, fields: dict[str, Any], *, actor: Any, reason: str) -> Any:
    with locked(tree):
        node = fresh(tree, row)
        require_keeper(actor, node)
        changed = {name: value for name, value in fields.items() if getattr(node, name) != value}
        if not changed:
            return node
        before = {name: str(getattr(node, name)) for name in changed}
        for name, value in changed.items():
            setattr(node, name, value)
        node.clean_fields(exclude={field.name for field in tree.model._meta.concrete_fields} - set(changed))
        try:
            models.QuerySet(tree.model).filter(pk=node.pk).update(**changed)
        except IntegrityError as error:
            raise _explained(error) from error
        after = {name: str(value) for name, value in changed.items()}
        record(actor=actor, verb=verb, target=node, before=_words(before), after=_words(after), reason=reason)
    return node


def _words(values: dict[str, str]) -> str:
    return "；".join(f"{name}={value}" for name, value in sorted(values.items()))


def _retire(tree: Tree, row: Any, verb: str, *, actor: Any, reason: str) -> Any:
    with locked(tree):
        node = fresh(tree, row)
        require_keeper(actor, node)
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
