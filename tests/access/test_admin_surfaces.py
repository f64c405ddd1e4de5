"""Nothing from elsewhere on any surface of the admin: every list × surface × staff role, against rows marked by hand.

The surfaces: list, search, filters, look-ups, choices of foreign keys (posted by hand, too), rows within rows, one
row's page, its history, the buttons over chosen rows, and the list as a file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.urls import reverse

from accounts.admin import UserAdmin
from common.admin.scope import ScopedAdmin
from common.versions import fingerprint
from partners.admin import PartnerAdmin
from tests.access import planted
from tests.access.test_admin_matrix import MODELS, OFFICIAL, SYSTEM, by_label, name_of
from tests.access.world import World, undone
from tests.admin_forms import sent

pytestmark = pytest.mark.django_db

STAFF = (OFFICIAL, "street_worker", "community_worker", "grid_worker")
ADMINISTRATORS = (SYSTEM, "security_admin", "auditor")
ROLES = (*STAFF, *ADMINISTRATORS)
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
# Within one district, those whose post stands on it have nothing foreign; they open what the others may not.
ELSEWHERE = tuple(role for role in ROLES if role in ("street_worker", "community_worker", "grid_worker"))


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Rows of every model at every place of the town."""
    with django_db_blocker.unblock(), undone():
        yield planted.make()


class Eyes:
    """One person before one list, with what may be seen there and what may not."""

    def __init__(self, world: World, label: str, role: str) -> None:
        self.world, self.label, self.role = world, label, role
        self.model = by_label()[label]
        self.admin = admin.site._registry[self.model]
        self.own, self.foreign = planted.rows_of(world, self.model, role)
        self.words = planted.foreign_words(world, role)
        self.client = world.client(role)
        self.lists = reverse(name_of(label, "changelist"))

    def look(self, address: str, **query: Any) -> Any:
        """Open a page."""
        return self.client.get(f"{address}?{urlencode(query)}" if query else address)

    def page(self, page: str, row: models.Model) -> str:
        """Return the address of one row's page."""
        return reverse(name_of(self.label, page), args=[row.pk])

    def shown(self, response: Any, but: str = "") -> list[str]:
        """Return the foreign words that a page shows, besides what was typed."""
        text = unescape(response.content.decode())
        return sorted(word for word in self.words if word != but and word in text)

    def listed(self, response: Any) -> set[Any]:
        """Return the foreign rows behind a list."""
        return set(response.context["cl"].queryset.values_list("pk", flat=True)) & self.foreign


def in_lists(eyes: Eyes) -> Iterator[Any]:
    """Yield what the list shows of elsewhere, as it opens and for every search."""
    page = eyes.look(eyes.lists)
    yield "list", eyes.listed(page), eyes.shown(page)
    seen = set(page.context["cl"].queryset.values_list("pk", flat=True))
    if eyes.own and eyes.label not in planted.EVERYWHERE:
        yield "own rows", eyes.own - seen, []
    for word in ("标", sorted(eyes.words)[0] if eyes.words else "河"):
        page = eyes.look(eyes.lists, q=word)
        yield f"search {word}", eyes.listed(page), eyes.shown(page, but=word)


def in_filters(eyes: Eyes) -> Iterator[Any]:
    """Yield what the filters offer of elsewhere, and what they find when a foreign row is asked for by hand."""
    page = eyes.look(eyes.lists)
    for spec in page.context["cl"].filter_specs:
        offered = list(spec.choices(page.context["cl"]))
        words = " ".join(str(choice["display"]) for choice in offered)
        yield f"filter {spec.title}", set(), [word for word in eyes.words if word in words]
        for choice in offered[1:3]:
            found = eyes.client.get(eyes.lists + choice["query_string"])
            yield f"filter {spec.title}={choice['display']}", eyes.listed(found), eyes.shown(found)
    far = eyes.world.town.far_community.pk
    if any(getattr(spec, "parameter_name", "") == "within" for spec in page.context["cl"].filter_specs):
        found = eyes.look(eyes.lists, within=far)
        inside = eyes.role not in ELSEWHERE
        yield "filter by hand", set() if inside else set(found.context["cl"].queryset), eyes.shown(found)


def in_look_ups(eyes: Eyes) -> Iterator[Any]:
    """Yield what the pop-up list and the autocomplete of each foreign key to this table show of elsewhere."""
    page = eyes.look(eyes.lists, _popup="1", _to_field=eyes.model._meta.pk.name)
    if page.status_code == 200:
        yield "pop-up", eyes.listed(page), eyes.shown(page)
    sources = [
        (model, field)
        for model in by_label().values()
        for field in model._meta.fields
        if field.remote_field and field.related_model is eyes.model
    ]
    for model, field in sources[:2]:
        names = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
        answer = eyes.look(reverse("admin:autocomplete"), term="", **names)
        assert answer.status_code == 200, (answer.status_code, names)
        found = {str(row["id"]) for row in answer.json()["results"]} & {str(pk) for pk in eyes.foreign}
        yield f"autocomplete {field}", found, eyes.shown(answer)


def in_forms(eyes: Eyes) -> Iterator[Any]:
    """Yield what the forms offer and show of elsewhere: choices, rows within rows, a row's page and its history."""
    own, foreign = planted.own_and_foreign(eyes.world, eyes.model, eyes.role)
    pages = [eyes.look(reverse(name_of(eyes.label, "add")))]
    if own is not None:
        pages.append(eyes.look(eyes.page("change", own)))
        history = eyes.look(eyes.page("history", own))
        assert history.status_code == 200, eyes.label
        yield "history", set(), eyes.shown(history)
    for page in pages:
        if page.status_code != 200:
            continue
        yield "form", set(), eyes.shown(page)
        yield from _choices(eyes, page)
        for inline in page.context["inline_admin_formsets"]:
            strange = [form.instance for form in inline.formset.initial_forms if form.instance and own is None]
            yield "rows within rows", set(strange), []
    if foreign is not None:
        for page in ("change", "history", "delete"):
            answer = eyes.look(eyes.page(page, foreign))
            yield page, set() if answer.status_code in (302, 403) else {foreign.pk}, eyes.shown(answer)


def _choices(eyes: Eyes, page: Any) -> Iterator[Any]:
    parts = [page.context["adminform"].form]
    parts += [inline.formset.empty_form for inline in page.context["inline_admin_formsets"]]
    for form in parts:
        for name, field in form.fields.items():
            if isinstance(field, forms.ModelChoiceField) and not field.disabled:
                _, foreign = planted.rows_of(eyes.world, field.queryset.model, eyes.role)
                yet = form.initial.get(name)
                present = {getattr(row, "pk", row) for row in (yet if isinstance(yet, list) else [yet])}
                offered = set(field.queryset.values_list("pk", flat=True)) & foreign
                yield f"choices of {name}", offered - present, []


def by_hand(eyes: Eyes) -> Iterator[Any]:
    """Yield the foreign keys that a form takes when a foreign row is posted by hand."""
    own, _ = planted.own_and_foreign(eyes.world, eyes.model, eyes.role)
    address = eyes.page("change", own) if own is not None else ""
    page = eyes.look(address) if address else None
    if page is None or page.status_code != 200 or not eyes.admin.has_change_permission(page.wsgi_request, own):
        return
    for name, field in page.context["adminform"].form.fields.items():
        if not isinstance(field, forms.ModelChoiceField) or field.disabled:
            continue
        _, foreign = planted.rows_of(eyes.world, field.queryset.model, eyes.role)
        if foreign:
            with undone():
                answer = eyes.client.post(address, sent(page, **{name: sorted(map(str, foreign))[0]}))
                refused = answer.status_code == 200 and name in answer.context["adminform"].form.errors
            yield f"{name} by hand", set() if refused else {name}, []


def by_buttons(eyes: Eyes) -> Iterator[Any]:
    """Yield the foreign rows that a button changes when they are chosen by hand."""
    page = eyes.look(eyes.lists)
    # Sorted, so that the last ones are no one's more than the first.
    chosen = list(eyes.model._default_manager.filter(pk__in=eyes.foreign).order_by("pk")[:20])
    for name in eyes.admin.get_actions(page.wsgi_request) if chosen else ():
        before = [fingerprint(row) for row in chosen]
        with undone():
            form = {"action": name, "confirmed": "yes", "reason": "顺手", "post": "yes",
                    ACTION_CHECKBOX_NAME: [row.pk for row in chosen]}  # fmt: skip
            answer = eyes.client.post(eyes.lists, form, follow=True)
            now = eyes.model._default_manager.in_bulk([row.pk for row in chosen])
            changed = {row.pk for row, was in zip(chosen, before, strict=True)
                       if row.pk not in now or fingerprint(now[row.pk]) != was}  # fmt: skip
        yield f"button {name}", changed, eyes.shown(answer)


def in_files(eyes: Eyes) -> Iterator[Any]:
    """Yield what the list says of elsewhere when it is taken away, and full numbers of phones."""
    address = reverse("export", args=[f"admin.{eyes.label}"])
    yield "asking for a file", set(), eyes.shown(eyes.look(address))
    # Counted first: what is taken away is itself an event of the trail.
    listed = eyes.look(eyes.lists).context["cl"].result_count
    answer = eyes.client.post(address, {"format": "csv"})
    assert answer.status_code == 200, (eyes.label, answer.status_code)
    lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    said = [word for word in eyes.words if any(word in cell for line in lines for cell in line)]
    # The heading is a line, too.
    yield "file", {"rows"} if len(lines) - 1 != listed else set(), said
    yield "numbers in it", set(), PHONE.findall(str(lines))


SURFACES = (in_lists, in_filters, in_look_ups, in_forms, by_hand, by_buttons, in_files)
# For those to whom nothing is foreign: everything of their own is there, and no number in full.
OWN = (in_lists, in_files)


def leaks(world: World, label: str, role: str, surfaces: Any = ()) -> list[Any]:
    """Say where a role finds something from elsewhere."""
    surfaces = surfaces or (SURFACES if role in ELSEWHERE else OWN)
    if "view" not in MODELS[label].get(role, ()):
        return []
    eyes = Eyes(world, label, role)
    return [(role, label, *found) for surface in surfaces for found in surface(eyes) if found[1] or found[2]]


@pytest.mark.parametrize("label", MODELS)
def test_nothing_from_elsewhere_on_any_surface(world: World, label: str) -> None:
    assert [leak for role in ROLES for leak in leaks(world, label, role)] == []


def test_there_is_something_elsewhere_of_everything_that_lies_somewhere(world: World) -> None:
    for label in planted.LIES_AT:
        for role in ("community_worker", "grid_worker"):
            own, foreign = planted.rows_of(world, by_label()[label], role)
            assert own, label
            assert foreign, label


# Controls: each surface has to see a hole when there is one. -----------------------------------------------------


@pytest.mark.parametrize(
    "surface", [in_lists, in_filters, in_look_ups, in_forms, in_files], ids=lambda surface: surface.__name__
)
def test_one_list_without_its_scope_turns_red(world: World, monkeypatch: Any, surface: Any) -> None:
    monkeypatch.setattr(PartnerAdmin, "rows", lambda self, request, rows: rows)
    assert leaks(world, "partners.partner", "community_worker", (surface,))


def test_a_choice_or_a_button_without_its_scope_turns_red(world: World, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ScopedAdmin, "choices", lambda self, request, rows, keeps: rows)
        assert leaks(world, "partners.partner", "community_worker", (by_hand,))
    monkeypatch.setattr(PartnerAdmin, "rows", lambda self, request, rows: rows)
    monkeypatch.setattr(PartnerAdmin, "kept_rows", lambda self, request, rows: rows)
    monkeypatch.setattr("partners.actions.registry.require", lambda *of: None)
    assert leaks(world, "partners.partner", "community_worker", (by_buttons,))


def test_a_file_that_says_a_number_in_full_turns_red(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(UserAdmin, "masked_phone", lambda self, user: "19900001234")
    assert leaks(world, "accounts.user", "security_admin", (in_files,))
