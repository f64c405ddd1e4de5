"""The tree (区域与党组织): tops within reach, the way down to what is opened, and beside it the one node."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common import access
from common.errors import NotFound
from common.typed import whole
from common.views import wants_fragment
from grids import roles
from grids import tree_selectors as selectors
from grids.models import Area
from grids.permissions import can
from grids.tree_selectors import AREA_SIDE, KEEPS, Side
from grids.trees.moves import last_change

SHORTEST_SEARCH, LONGEST_SEARCH, FARTHEST = 2, 40, 100_000
DONE = {
    "edit": "改好了。", "add": "添加好了。", "move": "移动好了，权限已经跟着换了。",
    "undo": "已经撤回，回到原来的上级下面。",
    "retire": "已经停用。", "restore": "已经恢复。",
    "code": "换好了，旧的二维码已经作废。", "covers": "覆盖范围改好了。",
}  # fmt: skip


@access.needs(*selectors.LOOKS)
@require_safe
def page(request: HttpRequest, side: Side) -> HttpResponse:
    """Show the tree; a script that asks for a part gets the children of one node, or its detail, alone."""
    part = wants_fragment(request)
    opened = _node(request, side, "open") or _node(request, side, "of")
    context = {**frame(request, side), "opened": opened, "start": _start(request)}
    if part and request.GET.get("of"):
        row = selectors.children(side, request.user, opened, start=context["start"], ended=context["ended"])
        return render(request, "grids/rows.html", {**context, "rows": row.children, "over": row})
    if opened is not None:
        context |= detail(request, side, opened)
    if part and opened is not None:
        return render(request, "grids/detail.html", context)
    return render(request, "grids/tree.html", {**context, **_list(request, side, opened, context)})


def frame(request: HttpRequest, side: Side) -> dict[str, Any]:
    """Return what every page of one tree needs: its name, its address, and whether ended nodes are shown."""
    ended = request.GET.get("ended") == "1"
    base = address(side)
    return {"door": "tree", "side": side, "base": base, "ended": ended, "keep": "&ended=1" if ended else ""}


def address(side: Side, **query: Any) -> str:
    """Return the address of a tree."""
    base = reverse("grids:tree" if side is AREA_SIDE else "grids:party_tree")
    return f"{base}?{urlencode(query)}" if query else base


def step_address(side: Side, node: Any, step: str) -> str:
    """Return the address of a step at a node."""
    return reverse("grids:step" if side is AREA_SIDE else "grids:party_step", args=[node.pk, step])


def _node(request: HttpRequest, side: Side, name: str) -> Any:
    """Return the node that the address names; what is outside the reach is not there."""
    wanted = request.GET.get(name, "")
    if not wanted:
        return None
    node = selectors.find(side, request.user, whole(wanted))
    if node is None:
        raise NotFound
    return node


def _start(request: HttpRequest) -> int:
    start = whole(request.GET.get("from", "")) or 0
    return min(start, FARTHEST)


def _list(request: HttpRequest, side: Side, opened: Any, context: dict[str, Any]) -> dict[str, Any]:
    words = request.GET.get("words", "").strip()[:LONGEST_SEARCH]
    if len(words) >= SHORTEST_SEARCH:
        return {"words": words, "hits": selectors.search(side, request.user, words), "most": selectors.FOUND}
    roots = selectors.tree(side, request.user, opened, start=context["start"], ended=context["ended"])
    return {"words": words, "too_short": bool(words), "roots": roots}


# One node ----------------------------------------------------------------------------------------------------------


def detail(request: HttpRequest, side: Side, node: Any) -> dict[str, Any]:
    """Return what the detail shows of a node, with the steps that the person may take."""
    user = request.user
    moves = selectors.history(side, node)
    context: dict[str, Any] = {
        "n": node,
        "label": side.labels[getattr(node, side.tier)],
        "offers": [(step_address(side, node, step), words) for step, words in offers(side, user, node)],
        "moves": moves,
        "undo": _undo(side, user, node, moves),
        "ended_below": selectors.ended_below(side, node),
        "did": DONE.get(request.GET.get("did", "")),
        "made": whole(request.GET.get("made", "")),
    }
    if side is AREA_SIDE:
        posts = {"posts": selectors.posts_at(node), "appoint": appointments(user, node)}
        return {**context, **posts, "covering": selectors.covering(node)}
    return {**context, "covers": selectors.covered(node), "place": node.area}


def offers(side: Side, user: Any, node: Any) -> list[tuple[str, str]]:
    """Return the steps that the person may take at a node; the verbs ask again."""
    keeps, over = can(user, KEEPS, node), can(user, KEEPS, node.parent or node)
    if node.valid_to is not None:
        return [("restore", "恢复")] if over else []
    found = []
    if keeps:
        found += [("edit", "改信息")]
        if side.tiers_below(getattr(node, side.tier)):
            found += [("add", "添加下级")] + ([("many", "一次添加多个")] if side is AREA_SIDE else [])
        if side is not AREA_SIDE:
            found += [("covers", "覆盖范围")]
    if over:
        found += [("move", "换上级")] if node.parent_id else []
        if getattr(node, "short_code", ""):
            found += [("code", "换二维码")]
        found += [("retire", "停用" if side is AREA_SIDE else "撤销")]
    return found


def appointments(user: Any, node: Area) -> list[tuple[str, str]]:
    """Return the address and the words for each local post that the person may give at a place."""
    if node.valid_to is not None or not (can(user, "appoint_locally", node) or can(user, "manage_posts", node)):
        return []
    form = reverse("admin:grids_post_add")
    local = (roles.BY_CODE[code] for code in roles.LOCAL)
    return [
        (f"{form}?{urlencode({'area': node.pk, 'role': role.code})}", f"任命{role.label}")
        for role in local
        if node.kind in role.kinds
    ]


def _undo(side: Side, user: Any, node: Any, moves: list[selectors.Moved]) -> selectors.Moved | None:
    """Return the move that can be put back: the last thing that happened here, by whoever keeps both parents."""
    last = moves[0] if moves else None
    if last is None or last.event.data.get("undoes") or last_change(side.tree, node) != last.event.pk:
        return None
    both = can(user, KEEPS, node.parent or node) and can(user, KEEPS, Area(scope_path=last.source_path))
    return last if both else None
