"""Doors: no rule, no entry; strangers are sent to sign in; refusals read the same everywhere."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import checks
from django.http import HttpResponse
from django.urls import URLResolver, include, path, reverse
from django.urls.resolvers import RegexPattern
from django.views import View
from rest_framework.response import Response
from rest_framework.views import APIView

from common import access
from common.errors import Conflict, Invalid, NotFound


def bare(request):
    return HttpResponse("inside")


@access.public
def for_all(request):
    return HttpResponse("inside")


@access.signed_in
def for_accounts(request):
    return HttpResponse("inside")


@access.needs("view_request")
def for_viewers(request):
    return HttpResponse("inside")


@access.public
def refuses(request, what):
    raise {
        "conflict": Conflict(),
        "invalid": Invalid("请写一句话。", field="text"),
        "missing": NotFound(),
        "crash": ZeroDivisionError(),
    }[what]


class BareApi(APIView):
    def get(self, request):
        return Response({"inside": True})


class ViewersApi(BareApi):
    access_rule = access.needs("view_request")


class InvalidApi(BareApi):
    access_rule = access.public

    def get(self, request):
        raise Invalid("请写一句话。", field="text")


class PublicPage(View):
    access_rule = access.public

    def get(self, request):
        return HttpResponse("inside")


urlpatterns = [
    path("", include("hedong.urls")),
    path("x/bare/", bare),
    path("x/all/", for_all),
    path("x/accounts/", for_accounts),
    path("x/viewers/", for_viewers),
    path("x/class/", PublicPage.as_view()),
    path("x/refuses/<what>/", refuses),
    path("api/x/bare/", BareApi.as_view()),
    path("api/x/viewers/", ViewersApi.as_view()),
    path("api/x/invalid/", InvalidApi.as_view()),
]

from hedong.urls import handler400, handler403, handler404, handler500  # noqa: E402, F401

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def sign_in(client, user):
    client.force_login(user, backend="accounts.backends.PhoneOrNameBackend")


def test_a_view_without_a_rule_is_refused_for_everybody(town, client):
    assert client.get("/x/bare/").status_code == 403
    sign_in(client, town.system_admin)
    assert client.get("/x/bare/").status_code == 403
    assert client.get("/api/x/bare/").status_code == 403


def test_start_up_fails_for_a_url_without_a_rule():
    found = {error.msg for error in access.every_door_has_a_rule() if isinstance(error, checks.Error)}
    assert {text.split(" ")[0] for text in found} == {"/x/bare/", "/api/x/bare/"}


def test_the_product_has_no_url_without_a_rule():
    resolver = URLResolver(RegexPattern(r"^/"), "hedong.urls")
    assert [door.route for door in access.doors(resolver) if door.rule is None] == []


def test_public_doors_are_open(client):
    assert client.get("/x/all/").content == b"inside"
    assert client.get("/x/class/").content == b"inside"


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client):
    answer = client.get("/x/viewers/?page=2")
    assert (answer.status_code, answer["Location"]) == (302, f"{_login()}?next=%2Fx%2Fviewers%2F%3Fpage%3D2")
    posted = client.post("/x/viewers/")
    assert (posted.status_code, posted["Location"]) == (302, _login())


def _login():
    return reverse("accounts:login")


def test_a_strangers_script_and_fragment_get_401(client):
    assert client.get("/api/x/viewers/").json()["code"] == "not_signed_in"
    assert client.get("/x/viewers/", HTTP_ACCEPT="application/json").status_code == 401
    fragment = client.get("/x/viewers/", HTTP_HX_REQUEST="true")
    assert fragment.status_code == 401
    assert fragment["HX-Redirect"].startswith(_login())


def test_who_lacks_the_right_gets_a_sentence_and_a_way_out(town, client):
    sign_in(client, town.outsider)
    assert client.get("/x/accounts/").status_code == 200
    page = client.get("/x/viewers/")
    assert page.status_code == 403
    assert "管理员" in page.content.decode()
    assert 'href="/' in page.content.decode()
    assert client.get("/api/x/viewers/").json()["code"] == "not_allowed"


def test_who_holds_the_right_comes_in(town, client):
    sign_in(client, town.building_leader)
    assert client.get("/x/viewers/").content == b"inside"
    assert client.get("/api/x/viewers/").json() == {"inside": True}


def test_what_only_some_may_see_waits_in_no_cache(town, client):
    sign_in(client, town.building_leader)
    assert client.get("/x/viewers/")["Cache-Control"] == "private, no-store"
    assert not client.get("/x/all/").has_header("Cache-Control")


def test_a_refusal_reads_the_same_on_a_page_in_a_fragment_and_as_json(client):
    sentence = "刚刚有别人改了这一条"
    page = client.get("/x/refuses/conflict/")
    fragment = client.get("/x/refuses/conflict/", HTTP_HX_REQUEST="true")
    script = client.get("/x/refuses/conflict/", HTTP_ACCEPT="application/json")
    assert {page.status_code, fragment.status_code, script.status_code} == {409}
    assert sentence in page.content.decode()
    assert "<html" in page.content.decode()
    assert sentence in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    assert sentence in script.json()["message"]


def test_a_refused_field_is_named(client):
    expected = {"code": "invalid", "message": "请写一句话。", "field": "text"}
    assert client.get("/api/x/invalid/").json() == expected
    assert client.get("/x/refuses/invalid/", HTTP_ACCEPT="application/json").json() == expected


def test_a_missing_row_and_a_missing_address_look_alike(client):
    row, address = client.get("/x/refuses/missing/"), client.get("/x/nothing/here/")
    assert (row.status_code, address.status_code) == (404, 404)
    # A page may name its own address (to come back after changing the letter size), and nothing else differs.
    assert _nameless(row, "refuses/missing") == _nameless(address, "nothing/here")


def _nameless(answer, path):
    text = answer.content.decode()
    return text.replace(path, "").replace(quote(path, safe=""), "")


def test_a_crash_has_a_page_with_a_way_out_and_asks_no_database(client, django_assert_num_queries):
    client.raise_request_exception = False
    with django_assert_num_queries(0):
        page = client.get("/x/refuses/crash/")
    assert page.status_code == 500
    assert "不是您的问题" in page.content.decode()
    assert client.get("/api/x/nothing").status_code == 404


def test_a_lost_form_token_says_how_to_send_again(client):
    client.handler.enforce_csrf_checks = True
    answer = client.post("/x/all/")
    assert answer.status_code == 403
    assert "刷新" in answer.content.decode()


def test_a_rule_names_at_least_one_right():
    with pytest.raises(ValueError, match="at least one"):
        access.needs()


def test_nobody_holds_anything():
    assert access.held(AnonymousUser()) == frozenset()
    gone = SimpleNamespace(is_authenticated=True, is_active=False)
    assert not access.signed_in.allows(gone)
