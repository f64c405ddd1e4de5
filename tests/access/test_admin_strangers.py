"""What is out of reach answers like what is not there, and no address or form, however hostile, breaks a list."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from django.contrib import admin
from django.db import connection, models
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import middleware
from common.admin import ScopedAdmin
from grids import selectors
from hedong.admin_site import AdminSite
from partners.admin import PartnerAdmin
from partners.models import Partner
from partners.workflow import Category
from tests.access import planted
from tests.access.test_admin_matrix import MODELS, by_label, name_of
from tests.access.world import World, undone

pytestmark = pytest.mark.django_db

MANY = 200
COMMUNITY = "community_worker"
PLACED = [label for label in planted.LIES_AT if "view" in MODELS[label].get(COMMUNITY, ())]
PAGES = ("change", "history", "delete")
HOSTILE = (
    {"p": "99999999999"}, {"p": "-1"}, {"p": "x"}, {"o": "zz"}, {"o": "99.-99"}, {"all": "1"}, {"q": "%_'\""},
    {"q": "字" * 5000}, {"q": "\0"}, {"within": "99999999999999999999"}, {"within": "x"}, {"within": "-1"},
    {"e": "1"}, {"_facets": "1"}, {"_popup": "1", "_to_field": "password"}, {"id__exact": "x"}, {"pk__in": "1,x"},
    {"nothing__like__this": "1"}, {"_changelist_filters": "a=b"}, {"password__startswith": "p"},
    {"scope_path__startswith": "/"}, {"area__scope_path__startswith": "/"}, {"status__exact": "x" * 999},
)  # fmt: skip


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Rows of every model at every place, and two hundred more places and partners elsewhere."""
    with django_db_blocker.unblock(), undone(), pytest.MonkeyPatch.context() as patch:
        # What is done again after some seconds would be counted: the stamp of the last request, the profile's reading.
        patch.setattr(middleware, "GRAIN", 3600)
        patch.setattr(selectors, "_PROFILE_SECONDS", 3600)
        world = planted.make()
        far = world.town.far_building
        Partner.objects.bulk_create(
            Partner(area=far, category=Category.BUSINESS, name=f"远店{n}", code=f"FAR{n:03}") for n in range(MANY)
        )
        yield world


def answer_of(client: Any, address: str, key: str) -> tuple[Any, ...]:
    """Return what an address answers, without the key that was asked for: status, where to, body, statements."""
    with CaptureQueriesContext(connection) as caught, undone():
        response = client.get(address)
    client.cookies.pop("messages", None)
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", unquote(response.content.decode()))
    # Only in addresses: a short key is also a digit somewhere on the page.
    body = body.replace(f"/{key}/", "//")
    return response.status_code, response.get("Location", ""), body, len(caught)


def missing_keys(model: type[models.Model]) -> list[str]:
    """Return keys that no row has."""
    if isinstance(model._meta.pk, models.UUIDField):
        return [f"00000000-0000-4000-8000-{n:012}" for n in range(3)]
    return [str(2**31 - 1 - n) for n in range(3)]


def told_apart(world: World, label: str, most: int = MANY) -> list[Any]:
    """Say which foreign rows of a model answer otherwise than rows that are not there."""
    model, client = by_label()[label], world.client(COMMUNITY)
    foreign = list(planted.rows_of(world, model, COMMUNITY)[1])[:most]
    assert foreign, label
    found = []
    for page in PAGES:
        def ask(key: str, page: str = page) -> tuple[Any, ...]:
            return answer_of(client, reverse(name_of(label, page), args=[key]), key)

        ask(missing_keys(model)[0])  # what is read for the first time
        (nothing,) = {ask(key) for key in missing_keys(model)}
        found += [(label, page, pk) for pk in foreign if ask(str(pk)) != nothing]
    return found


@pytest.mark.parametrize("label", PLACED)
def test_a_foreign_row_answers_like_none(world: World, label: str) -> None:
    assert told_apart(world, label) == []


def test_a_page_that_tells_them_apart_turns_red(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(PartnerAdmin, "rows", lambda self, request, rows: rows)
    assert len(told_apart(world, "partners.partner", 5)) >= 5


@pytest.mark.parametrize("label", MODELS)
def test_no_address_of_a_list_breaks_it(world: World, label: str) -> None:
    role = next(role for role in ("district_official", "system_admin", "security_admin", "auditor")
                if "view" in MODELS[label].get(role, ()))  # fmt: skip
    client, lists = world.client(role), reverse(name_of(label, "changelist"))
    model_admin = admin.site._registry[by_label()[label]]
    day = model_admin.date_hierarchy
    dates = [{f"{day}__year": "99999"}, {f"{day}__year": "2026", f"{day}__month": "77"}, {f"{day}__day": "x"}]
    for query in (*HOSTILE, *(dates if day else ())):
        response = client.get(lists, query, follow=True)
        assert response.status_code in (200, 400), (query, response.status_code)
    for form in ({"action": "end"}, {"action": "x", "_selected_action": "1"}):
        for key in ("x", "99999999999999999999999", "-1", "\u0661"):
            response = client.post(lists, {**form, "_selected_action": key, "index": "z"}, follow=True)
            assert response.status_code in (200, 403), (form, key, response.status_code)
    for key in ("x", "99999999999999999999999", "-1", "_5F", "a/b"):
        response = client.get(reverse(name_of(label, "change"), args=[key]), follow=True)
        assert response.status_code in (200, 403, 404), (key, response.status_code)


def test_a_list_is_asked_only_by_what_it_offers(world: World) -> None:
    """By other columns a page could be asked about what it does not show, letter by letter."""
    client = world.client("security_admin")
    users = reverse("admin:accounts_user_changelist")
    assert client.get(users, {"password__startswith": "pbkdf2"}).status_code == 400
    assert client.get(users, {"is_active__exact": "1"}).status_code == 200
    official = world.client("district_official")
    requests = reverse("admin:requests_board_servicerequest_changelist")
    assert official.get(requests, {"phone_index": "x"}).status_code == 400
    assert official.get(requests, {"handler_user__password__startswith": "p"}).status_code == 400


# Keys of columns that are not offered, and relations without a name of their own.
BY_THE_WAY = (
    ("grids.area", {"+__user__password__startswith": "pbkdf2"}),
    ("grids.area", {"PartyOrganization_covers+__partyorganization__code": "x"}),
    ("grids.area", {"managing_authority_id": "1"}),
    ("requests_board.servicerequest", {"handler_user_id__isnull": "1"}),
    ("partners.partner", {"party_organization_id": "1"}),
)


@pytest.mark.parametrize(("label", "query"), BY_THE_WAY)
def test_a_list_is_asked_by_no_hidden_way(world: World, label: str, query: dict[str, str]) -> None:
    lists = reverse(name_of(label, "changelist"))
    assert world.client(COMMUNITY).get(lists, query).status_code == 400
    taken = world.client(COMMUNITY).post(f"{reverse('export', args=[f'admin.{label}'])}?{urlencode(query)}")
    assert taken.status_code == 422


def test_a_list_that_asks_for_anything_gives_passwords_away(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(ScopedAdmin, "lookup_allowed", lambda self, lookup, value, request: True)
    label, query = BY_THE_WAY[0]
    lists = reverse(name_of(label, "changelist"))
    found = [
        world.client(COMMUNITY).get(lists, {name: word}).context["cl"].result_count
        for name in query for word in ("", "no such hash")
    ]  # fmt: skip
    assert found[0] > found[1] == 0


def test_the_box_that_searches_by_itself_follows_columns_only(world: World, monkeypatch: Any) -> None:
    client = world.client(COMMUNITY)
    column = {"app_label": "grids", "model_name": "post", "field_name": "area", "term": "1"}
    assert client.get("/admin/autocomplete/", column).status_code == 200
    for other in ({"field_name": "partners", "model_name": "partyorganization"}, {"model_name": "x"},
                  {"app_label": ""}, {"field_name": "nothing"}, {"field_name": "role"}):  # fmt: skip
        assert client.get("/admin/autocomplete/", {**column, **other}).status_code == 403, other
    monkeypatch.delattr(AdminSite, "autocomplete_view")
    with pytest.raises(AttributeError, match="get_limit_choices_to"):
        admin.site.autocomplete_view(
            _asked(world, {**column, "field_name": "partners", "model_name": "partyorganization"})
        )


def _asked(world: World, query: dict[str, str]) -> Any:
    request = RequestFactory().get("/admin/autocomplete/", query)
    request.user = world.town.person(COMMUNITY)
    return request
