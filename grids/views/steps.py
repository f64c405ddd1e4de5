"""The steps at a node: each shows its page, or parses its form, calls one verb of the trees and goes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common import access
from common.errors import Conflict, Invalid, NotFound
from common.typed import whole
from grids import move_selectors, trees
from grids import tree_selectors as selectors
from grids.permissions import can, require
from grids.tree_forms import ManyForm, Reason, add_form, edit_form, refuse
from grids.tree_selectors import AREA_SIDE, KEEPS, PARTY_SIDE, Side
from grids.trees.many import Planned, plan
from grids.trees.rows import check_parent
from grids.views.tree import LONGEST_SEARCH, address, frame

Handler = Callable[[HttpRequest, Side, Any], HttpResponse]
VERBS: dict[tuple[str, str], Callable[..., Any]] = {
    ("area", "update"): trees.update_area,
    ("area", "move"): trees.move_area,
    ("area", "retire"): trees.retire_area,
    ("area", "restore"): trees.restore_area,
    ("area", "code"): trees.replace_short_code,
    ("party", "update"): trees.update_party_organization,
    ("party", "move"): trees.move_party_organization,
    ("party", "retire"): trees.retire_party_organization,
    ("party", "restore"): trees.restore_party_organization,
}


@access.needs(KEEPS)
@require_http_methods(["GET", "HEAD", "POST"])
def area_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """Take a step at a place."""
    return _take(request, AREA_SIDE, pk, AREA_STEPS.get(step))


@access.needs(KEEPS)
@require_http_methods(["GET", "HEAD", "POST"])
def party_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """Take a step at a party organisation."""
    return _take(request, PARTY_SIDE, pk, PARTY_STEPS.get(step))


def _take(request: HttpRequest, side: Side, pk: int, handler: Handler | None) -> HttpResponse:
    node = selectors.find(side, request.user, whole(str(pk)))
    if node is None or handler is None:
        raise NotFound
    return handler(request, side, node)


def _above(request: HttpRequest, node: Any) -> None:
    """Refuse whoever does not keep the parent."""
    require(request.user, KEEPS, node.parent or node)


def _page(request: HttpRequest, side: Side, node: Any, name: str, status: int = 200, **more: Any) -> HttpResponse:
    context = {**frame(request, side), "n": node, "label": side.labels[getattr(node, side.tier)], **more}
    context["back"] = address(side, open=node.pk)
    return render(request, f"grids/{name}.html", context, status=status)


def _written(form: forms.BaseForm, write: Callable[[], Any]) -> Any:
    """Return what was written, or None after telling the form why not."""
    try:
        return write()
    except (Invalid, Conflict) as error:
        refuse(form, error)
        return None


def _bad(form: forms.BaseForm) -> int:
    return 422 if form.is_bound and form.errors else 200


# Fields and new nodes ----------------------------------------------------------------------------------------------


def _edit(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    require(request.user, KEEPS, node)
    form = edit_form(side, node, request.POST or None, codes=can(request.user, KEEPS, node.parent or node))
    if request.method == "POST" and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in form.fields}
        update = VERBS[side.code, "update"]
        if _written(form, lambda: update(node.pk, actor=request.user, **fields)):
            return redirect(address(side, open=node.pk, did="edit"))
    return _page(request, side, node, "form", _bad(form), form=form, title="改信息", button="保存")


def _may_add(request: HttpRequest, side: Side, node: Any) -> None:
    """Refuse whoever does not keep the node; below some levels nothing stands, so there is no such page."""
    require(request.user, KEEPS, node)
    if not side.tiers_below(getattr(node, side.tier)):
        raise NotFound


def _add_area(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    _may_add(request, side, node)
    form = add_form(side, node, request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        kind = fields.pop("tier")
        made = _written(form, lambda: trees.create_area(parent=node, kind=kind, actor=request.user, **fields))
        if made:
            return redirect(address(side, open=made.pk, did="add"))
    return _page(request, side, node, "form", _bad(form), form=form, title="添加下级", button="添加")


def _add_party(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    """Add an organisation: its place is chosen from a list that the search narrows."""
    _may_add(request, side, node)
    form = add_form(side, node, request.POST or None)
    words = request.GET.get("words", "").strip()[:LONGEST_SEARCH]
    choices = selectors.places(request.user, node.area, words)
    if request.method == "POST" and form.is_valid():
        place = selectors.find(AREA_SIDE, request.user, whole(request.POST.get("place", "")))
        fields = dict(form.cleaned_data)
        level = fields.pop("tier")
        if place is None:
            form.add_error(None, "请选这个党组织建在哪里。")
        elif made := _written(
            form,
            lambda: trees.create_party_organization(parent=node, level=level, area=place, actor=request.user, **fields),
        ):
            return redirect(address(side, open=made.pk, did="add"))
    more = {"form": form, "title": "添加下级", "button": "添加", "choices": choices, "words": words, "ask": "建在哪里"}
    return _page(request, side, node, "form", _bad(form), chosen=request.POST.get("place", ""), **more)


def _many(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    """Show what the lines would add; add it when it has been looked at."""
    _may_add(request, side, node)
    form = ManyForm(side.tiers_below(node.kind), request.POST or None)
    planned: list[Planned] = []
    if request.method == "POST" and form.is_valid():
        kind, text = form.cleaned_data["tier"], form.cleaned_data["text"]
        if "sure" in request.POST:
            made = _written(form, lambda: trees.add_many(node, kind=kind, text=text, actor=request.user))
            if made:
                return redirect(address(side, open=node.pk, made=len(made)))
        else:
            planned = _written(form, lambda: plan(node, kind, text)) or []
    context = {"new": [one for one in planned if not one.there], "there": [one for one in planned if one.there]}
    return _page(request, side, node, "many", _bad(form), form=form, **context)


# Moves -------------------------------------------------------------------------------------------------------------


def _move(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    """Choose the new parent, look at what changes, confirm."""
    _above(request, node)
    if node.parent_id is None or node.valid_to is not None:
        raise Conflict("最上一级和已经停用的不能移动。")
    form = Reason(request.POST if request.method == "POST" else None)
    wanted = (request.POST if request.method == "POST" else request.GET).get("to", "")
    if not wanted:
        words = request.GET.get("words", "").strip()[:LONGEST_SEARCH]
        choices = selectors.new_parents(side, request.user, node, words)
        return _page(request, side, node, "move", choices=choices, words=words, most=selectors.CANDIDATES)
    to = selectors.find(side, request.user, whole(wanted))
    if to is None:
        raise NotFound
    require(request.user, KEEPS, to)
    check_parent(side.tree, node, to)
    if request.method == "POST" and form.is_valid():
        move, reason = VERBS[side.code, "move"], form.cleaned_data["reason"]
        was = whole(request.POST.get("was", "")) or 0
        if _written(form, lambda: move(node.pk, to=to.pk, actor=request.user, reason=reason, was=was)):
            return redirect(address(side, open=node.pk, did="move"))
    is_area = side is AREA_SIDE
    changes = {"change": move_selectors.preview(node, to)} if is_area else {"below": selectors.size(side, node)}
    return _page(request, side, node, "move_preview", _bad(form), form=form, to=to, **changes)


def _undo(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    """Put the last move back."""
    _above(request, node)
    if request.method != "POST":
        return redirect(address(side, open=node.pk))
    trees.undo_move(side.tree, whole(request.POST.get("event", "")) or 0, node=node.pk, actor=request.user)
    return redirect(address(side, open=node.pk, did="undo"))


# Ends, codes, coverage ---------------------------------------------------------------------------------------------


def _confirm(step: str, title: str, words: str) -> Handler:
    """Return the handler of a step that takes a reason and nothing else."""

    def handler(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
        _above(request, node)
        form = Reason(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            verb = VERBS[side.code, step]
            if _written(form, lambda: verb(node.pk, actor=request.user, reason=form.cleaned_data["reason"])):
                return redirect(address(side, open=node.pk, did=step))
        return _page(request, side, node, "form", _bad(form), form=form, title=title, button=title, words=words)

    return handler


def _covers(request: HttpRequest, side: Side, node: Any) -> HttpResponse:
    """Say which places an organisation covers: untick what it leaves, tick what it takes."""
    require(request.user, KEEPS, node)
    form = forms.Form(request.POST if request.method == "POST" else None)
    now = selectors.covered(node)
    words = request.GET.get("words", "").strip()[:LONGEST_SEARCH]
    if request.method == "POST" and form.is_valid():
        keys = {whole(key) for key in request.POST.getlist("place")[:2000]}
        wanted = selectors.places_by_key(request.user, keys, node)
        trees.set_covers(node, wanted, actor=request.user)
        return redirect(address(side, open=node.pk, did="covers"))
    held = {area.pk for area in now}
    choices = [hit for hit in selectors.places(request.user, node.area, words) if hit.node.pk not in held]
    return _page(request, side, node, "covers", form=form, now=now, choices=choices, words=words)


_RETIRE = _confirm("retire", "停用", "停用以后不再出现在列表里，二维码同时作废；过去的记录都在，可以恢复。")
_END = _confirm("retire", "撤销", "撤销以后不再算作覆盖；过去的记录都在，可以恢复。")
_RESTORE = _confirm("restore", "恢复", "恢复以后回到原来的上级下面，墙上原来的二维码也重新有效。")
_CODE = _confirm("code", "换二维码", "换了以后，墙上现有的二维码马上作废，要贴新的。")
AREA_STEPS: dict[str, Handler] = {
    "edit": _edit, "add": _add_area, "many": _many, "move": _move, "undo": _undo, "retire": _RETIRE,
    "restore": _RESTORE, "code": _CODE,
}  # fmt: skip
PARTY_STEPS: dict[str, Handler] = {
    "edit": _edit, "add": _add_party, "move": _move, "undo": _undo, "retire": _END, "restore": _RESTORE,
    "covers": _covers,
}  # fmt: skip
