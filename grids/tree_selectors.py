"""Reads of the page for places and party organisations: what hangs where, how covered, what a move would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, models
from django.db.models import Count, F, Field, Func, Q, TextField, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from audit.models import Event
from grids import permissions
from grids.models import Area, PartyOrganization, Post
from grids.selectors import PARTY_EXPECTED
from grids.trees import AREAS, PARTY, levels
from grids.trees.moves import MOVED
from grids.trees.numbers import Tree

# Whoever works in the admin sees the tree below their places; keepers by grant do, too.
LOOKS = ("enter_admin", "manage_places")
KEEPS = "manage_places"
CHUNK, FOUND, CANDIDATES, HISTORY = 100, 30, 40, 20


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two trees as the page shows it."""

    code: str
    tree: Tree
    tier: str
    parents: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, str]
    noun: str
    order: tuple[str, ...]
    # The registry through which nodes come in as a table.
    sheet: str

    def tiers_below(self, tier: str) -> list[tuple[str, str]]:
        """Return the levels that may stand under `tier`, each with its name."""
        return [(code, self.labels[code]) for code, over in self.parents.items() if tier in over]

    def rows(self) -> models.QuerySet[Any]:
        """Return all nodes."""
        return self.tree.model._default_manager.all()


AREA_SIDE = Side(
    "area", AREAS, "kind", levels.AREA_PARENTS, levels.AREA_LABELS, "区域", ("sort_order", "lft"), "areas"
)
PARTY_SIDE = Side("party", PARTY, "level", levels.PARTY_PARENTS, levels.PARTY_LABELS, "党组织", ("lft",), "party")


@dataclass(slots=True)
class Row:
    """One line of the tree: the node, how it stands, its children as far as they are loaded."""

    node: Any
    label: str
    figures: Figures
    children: list[Row] = field(default_factory=list)
    next: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands below a node; the rest counts the node itself, too.

    Places that should have a party organisation, those that have none, and buildings without 楼长.
    """

    below: int = 0
    expected: int = 0
    missing: int = 0
    vacant: int = 0


def seen(user: Any, column: str = "scope_path") -> Q:
    """Return the condition that a node lies where the person sees the tree."""
    return reduce(or_, (permissions.within_reach(user, permission, column) for permission in LOOKS))


def find(side: Side, user: Any, pk: int | None) -> Any:
    """Return the node with this key, or None when there is none within the person's reach."""
    rows = side.rows().filter(seen(user), pk=pk).select_related("parent")
    return rows.annotate(above=_above(side)).first() if pk else None


# What is written at a node ------------------------------------------------------------------------------------------


def _above(side: Side) -> Func:
    """Return the names above a node, from the top down, as one text."""
    table = side.tree.table
    sql = f"""(
        WITH RECURSIVE up AS (
            SELECT t.parent_id, t.name, 0 AS n FROM {table} t WHERE t.id = %(expressions)s
            UNION ALL SELECT p.parent_id, p.name, n + 1 FROM {table} p JOIN up ON p.id = up.parent_id
        ) SELECT coalesce(string_agg(name, ' › ' ORDER BY n DESC), '') FROM up)"""  # noqa: S608
    return Func(F("parent_id"), template=sql, output_field=TextField())


def _figures(side: Side) -> Func:
    """Return what stands below a node and how covered it is, in the order of `Figures`.

    `IN` over a set that does not depend on the row is read once; `EXISTS` would be asked anew for each place.
    """
    covered = """(SELECT c.area_id FROM grids_partyorganization_covers c
        JOIN grids_partyorganization o ON o.id = c.partyorganization_id WHERE o.valid_to IS NULL)"""
    day = f"(now() AT TIME ZONE '{timezone.get_current_timezone_name()}')::date"
    led = f"""(SELECT area_id FROM grids_post WHERE role = 'building_leader' AND valid_from <= {day}
        AND (valid_to IS NULL OR valid_to >= {day}))"""  # noqa: S608
    expected = "d.kind IN ({})".format(", ".join(f"'{kind}'" for kind in PARTY_EXPECTED))
    counts = f"""count(*) FILTER (WHERE {expected}), count(*) FILTER (WHERE {expected} AND d.id NOT IN {covered}),
        count(*) FILTER (WHERE d.kind = 'building' AND d.id NOT IN {led})"""
    sql = f"""(
        SELECT ARRAY[count(*) - 1, {counts if side is AREA_SIDE else "0, 0, 0"}] FROM {side.tree.table} d
        JOIN (VALUES (%(expressions)s)) AS s(tree, lft, rght) ON d.tree_id = s.tree AND d.lft BETWEEN s.lft AND s.rght
        WHERE d.valid_to IS NULL)"""  # noqa: S608
    return Func(F("tree_id"), F("lft"), F("rght"), template=sql, output_field=Field())


def _way_down(side: Side, opened: Any) -> set[int]:
    """Return the keys of a node and of all above it."""
    table = side.tree.table
    sql = f"""
        WITH RECURSIVE up AS (
            SELECT id, parent_id FROM {table} WHERE id = %s
            UNION ALL SELECT p.id, p.parent_id FROM {table} p JOIN up ON p.id = up.parent_id
        ) SELECT id FROM up
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [opened.pk])
        return {pk for (pk,) in cursor.fetchall()}


# The tree ----------------------------------------------------------------------------------------------------------


def tree(side: Side, user: Any, opened: Any = None, *, start: int = 0, ended: bool = False) -> list[Row]:
    """Return the tops within reach; below them the way to `opened` and its children from `start` on.

    With nothing opened, the only top shows its children. A fixed number of statements.
    """
    tops = list(_tops(side, user, ended)[:CHUNK])
    keys = {top.pk for top in tops}
    first = keys if len(keys) == 1 else set()
    down = _way_down(side, opened) if opened is not None else first
    found = _layers(side, user, down, opened, start, ended) if down else []
    rows = {node.pk: _row(side, node) for node in (*found, *tops)}
    for node in found:
        if node.parent_id in rows and node.pk not in keys:
            _hang(rows[node.parent_id], rows[node.pk], node.beside, opened, start)
    return [rows[top.pk] for top in tops]


def children(side: Side, user: Any, parent: Any, *, start: int = 0, ended: bool = False) -> Row:
    """Return `parent` with its children from `start` on."""
    over = Row(parent, "", Figures())
    for node in _layers(side, user, {parent.pk}, parent, start, ended):
        _hang(over, _row(side, node), node.beside, parent, start)
    return over


def _tops(side: Side, user: Any, ended: bool) -> models.QuerySet[Any]:
    hidden = ~seen(user, "parent__scope_path") | Q(parent=None)
    rows = side.rows().filter(hidden, seen(user)).order_by("tree_id", "lft")
    rows = rows.annotate(figures=_figures(side), above=_above(side))
    return rows if ended else rows.filter(valid_to=None)


def _layers(side: Side, user: Any, down: set[int], opened: Any, start: int, ended: bool) -> list[Any]:
    """Return of each parent in `down` the first children, of `opened` those from `start` on, and all in `down`."""
    parent = F("parent_id")
    rows = side.rows().filter(seen(user), parent__in=down)
    if not ended:
        rows = rows.filter(Q(valid_to=None) | Q(pk__in=down))
    rows = rows.annotate(
        figures=_figures(side),
        place=Window(RowNumber(), partition_by=parent, order_by=side.order),
        beside=Window(Count("pk"), partition_by=parent),
    )
    here = opened.pk if opened else None
    part = Q(place__gt=start, place__lte=start + CHUNK, parent=here) | (Q(place__lte=CHUNK) & ~Q(parent=here))
    return list(rows.filter(part | Q(pk__in=down)).order_by("place"))


def _row(side: Side, node: Any) -> Row:
    return Row(node, side.labels[getattr(node, side.tier)], Figures(*node.figures))


def _hang(over: Row, row: Row, beside: int, opened: Any, start: int) -> None:
    """Put a line under its parent and note how many are still to come."""
    first = start if opened is not None and over.node.pk == opened.pk else 0
    over.children.append(row)
    over.left = max(beside - first - CHUNK, 0)
    over.next = first + CHUNK if over.left else 0


# Search ------------------------------------------------------------------------------------------------------------


def search(side: Side, user: Any, words: str) -> list[Row]:
    """Return the nodes within reach whose name holds `words`, or whose code begins with them; valid ones first."""
    wanted = Q(name__icontains=words) | Q(code__startswith=words)
    if side is AREA_SIDE:
        wanted |= Q(short_code__iexact=words)
    return _hits(side, side.rows().filter(wanted, seen(user)).order_by("-valid_to", "tree_id", "lft")[:FOUND])


def _hits(side: Side, rows: models.QuerySet[Any]) -> list[Row]:
    """Return lines that stand alone, each with the names above it."""
    return [Row(row, side.labels[getattr(row, side.tier)], Figures()) for row in rows.annotate(above=_above(side))]


def new_parents(side: Side, user: Any, node: Any, words: str = "") -> list[Row]:
    """Return under what `node` may be put: nodes of a fitting level that the person keeps, not its present parent."""
    rows = side.rows().filter(
        permissions.within_reach(user, KEEPS), valid_to=None, tree_id=node.tree_id,
        **{f"{side.tier}__in": [tier for tier in side.parents[getattr(node, side.tier)] if tier]},
    )  # fmt: skip
    rows = rows.exclude(pk=node.parent_id).exclude(lft__gte=node.lft, rght__lte=node.rght)
    return _hits(side, rows.filter(name__icontains=words).order_by("lft")[:CANDIDATES])


def places(user: Any, near: Area, words: str = "") -> list[Row]:
    """Return the places that the person keeps and an organisation may be built on or cover: those at hand first."""
    rows = Area.objects.filter(permissions.within_reach(user, KEEPS)).valid()
    rows = rows.filter(name__icontains=words) if words else rows.filter(Q(pk=near.pk) | Q(parent=near.pk))
    return _hits(AREA_SIDE, rows.order_by("tree_id", "lft")[:CANDIDATES])


# One node ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moved:
    """One re-parenting: who, when, from where, to where, why."""

    event: Event
    source: str
    target: str
    source_path: str


def history(side: Side, node: Any) -> list[Moved]:
    """Return the re-parentings of a node, newest first, with the names of the parents."""
    events = list(
        Event.objects.filter(
            target_type=side.tree.model._meta.label_lower, target_id=str(node.pk), verb=MOVED[side.tree]
        ).order_by("-pk")[:HISTORY]
    )
    keys = {pk for event in events for pk in _ends(event)}
    known = {
        pk: (name, path) for pk, name, path in side.rows().filter(pk__in=keys).values_list("pk", "name", "scope_path")
    }
    found = []
    for event in events:
        (source, path), (target, _) = (known.get(pk, ("", "")) for pk in _ends(event))
        found.append(Moved(event, source, target, path))
    return found


def _ends(event: Event) -> tuple[int, int]:
    """Return the keys of the old and the new parent; older events tell them by their paths alone."""
    if "from" in event.data:
        return event.data["from"], event.data["to"]
    before, after = ([int(part) for part in text.split("/") if part.isdigit()] for text in (event.before, event.after))
    return (before[-2:] or [0])[0], (after[-2:] or [0])[0]


def covering(area: Area) -> list[Any]:
    """Return the valid organisations that cover a place."""
    return list(PartyOrganization.objects.filter(covers=area.pk).valid().order_by("tree_id", "lft")[:HISTORY])


def posts_at(area: Area) -> list[Post]:
    """Return who holds a post right here today."""
    return list(Post.objects.current().filter(area=area.pk).select_related("user").order_by("role", "pk")[:HISTORY])


def ended_below(side: Side, node: Any) -> int:
    """Count the direct children that have ended."""
    return side.rows().filter(parent=node.pk).exclude(valid_to=None).count()


def size(side: Side, node: Any) -> int:
    """Count the valid nodes below a node."""
    return side.rows().filter(tree_id=node.tree_id, lft__gt=node.lft, rght__lt=node.rght, valid_to=None).count()


def covered(organization: PartyOrganization) -> list[Area]:
    """Return the places that an organisation covers."""
    return list(organization.covers.order_by("tree_id", "lft"))


def places_by_key(user: Any, keys: Iterable[int | None], organization: PartyOrganization) -> list[Area]:
    """Return the places with these keys that the person keeps, and those that the organisation covers already."""
    known = permissions.within_reach(user, KEEPS) | Q(party_organizations=organization.pk)
    return list(Area.objects.filter(known, pk__in=[key for key in keys if key]).distinct())
