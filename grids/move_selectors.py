"""What putting a place under another one would change, before it is done."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Value

from grids import roles
from grids.models import Area, AreaGroupPermission, AreaUserPermission, PartyOrganization, Post
from grids.trees import paths

# How many organisations are named; the rest are looked up when the place has moved.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Change:
    """Holders of one role, or the members of one group, at one place above."""

    place: str
    role: str
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a move changes: rows of each kind that go along, who loses sight of them and who gains it."""

    nodes: int
    counts: list[tuple[str, int]]
    codes: int
    old_codes: int
    stickers: int
    loses: list[Change]
    gains: list[Change]
    crossing: list[tuple[str, str]]


def preview(node: Area, to: Area) -> Preview:
    """Say what putting a place under another one changes, in five statements."""
    old = Area.objects.only("code", "scope_path").get(pk=node.parent_id)
    below = Area.objects.within(node.scope_path)
    codes, old_codes, stickers, nodes = below.aggregate(
        codes=Count("pk", filter=~Q(code="")),
        old=Count("pk", filter=Q(code__startswith=old.code or "-")),
        stickers=Count("pk", filter=~Q(short_code="")),
        nodes=Count("pk"),
    ).values()
    loses, gains = _changes(old.scope_path, to.scope_path)
    return Preview(nodes, _along(node), codes, old_codes, stickers, loses, gains, _crossing(node, to))


def _along(node: Area) -> list[tuple[str, int]]:
    """Count the rows that go along with a place, of every table that belongs to places: one statement."""
    counts = []
    for model in paths.placed_models():
        name = Value(str(model._meta.verbose_name))
        placed: Any = model._default_manager
        rows = placed.within(node.scope_path).in_hand().order_by().annotate(what=name)
        counts.append(rows.values("what").annotate(n=Count("pk")).values_list("what", "n"))
    found = [pair for pair in counts[0].union(*counts[1:], all=True) if pair[1]]
    return sorted(found, key=lambda pair: -pair[1])


def _changes(old: str, new: str) -> tuple[list[Change], list[Change]]:
    """Return who loses and who gains: the posts and groups above the place on one side only."""
    before, after = ({int(part) for part in path.split("/") if part} for path in (old, new))
    one_sided = before ^ after
    found = _holders(Post.objects.current().filter(area__in=one_sided), "area", "role", "user")
    for model, who, people in _GRANTS:
        rows = model.objects.filter(content_object__in=one_sided)
        found = found.union(_holders(rows, "content_object", who, people), all=True)
    sides: dict[bool, list[Change]] = defaultdict(list)
    for pk, place, what, count in found:
        known = roles.BY_CODE.get(what)
        words = known.label if known else f"“{what}”组" if what else "个人授权"
        sides[pk in before].append(Change(place, words, count))
    for side in sides.values():
        side.sort(key=lambda change: (change.place, change.role))
    return sides[True], sides[False]


_GRANTS: tuple[tuple[Any, Any, str], ...] = (
    (AreaGroupPermission, F("group__name"), "group__user"),
    (AreaUserPermission, Value(""), "user"),
)


def _holders(rows: QuerySet[Any], place: str, who: Any, people: str) -> QuerySet[Any]:
    """Return (key of the place, its name, role or group, how many people) of posts or grants."""
    named = rows.order_by().annotate(
        at=F(f"{place}_id"), named=F(f"{place}__name"), who=F(who) if who == "role" else who
    )
    return (
        named.values("at", "named", "who")
        .annotate(n=Count(people, distinct=True))
        .values_list("at", "named", "who", "n")
    )


def _crossing(node: Area, to: Area) -> list[tuple[str, str]]:
    """Name organisations that stay behind and cover places that move; their coverage has to be looked at."""
    links = PartyOrganization.covers.through.objects.filter(
        area__scope_path__startswith=node.scope_path, partyorganization__valid_to=None
    ).exclude(partyorganization__scope_path__startswith=node.scope_path)
    above = [to.scope_path[: at + 1] for at, sign in enumerate(to.scope_path) if sign == "/"]
    links = links.exclude(partyorganization__scope_path__in=above)
    return list(links.order_by("pk").values_list("partyorganization__name", "area__name")[:NAMED])
