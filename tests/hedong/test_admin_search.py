"""The one search box of the web admin: everything by two characters, nothing that a list would not show."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.admin import ScopedAdmin
from hedong import admin_search
from requests_board.models import ServiceRequest
from tests.access.world import make_world, undone

pytestmark = pytest.mark.django_db

ROLES = ("district_official", "street_worker", "community_worker", "grid_worker")
MOST = 14


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One district for all: nothing is written."""
    with django_db_blocker.unblock(), undone():
        yield make_world()


def found(world, role, words):
    """Return the names of the rows on the page, by kind."""
    request = RequestFactory().get("/")
    request.user = type(world.users[role]).objects.get(pk=world.users[role].pk)
    groups = admin_search.search(admin.site, request, words)
    return {group.label: {row.name for row in group.rows} for group in groups}


def page(world, role, words):
    answer = world.client(role).get(reverse("admin:search"), {"q": words})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("words", "label", "name"),
    [
        ("槐荫", "区域", "槐荫社区"),
        ("槐荫 社区", "区域", "槐荫社区"),
        ("990001001001", "区域", "槐荫社区"),
        ("总支", "党组织", "槐荫社区党总支"),
    ],
)
def test_a_worker_finds_by_two_characters_and_by_numbers(world, words, label, name):
    assert name in found(world, "street_worker", words)[label]


def test_an_official_finds_needs_partners_and_what_they_lend(world):
    department, resource = world.pool.departments[0], world.pool.resources[0]
    need = world.rows["need"]["building"]
    assert department.name in found(world, "district_official", department.name[-2:])["合伙人"]
    assert department.name in found(world, "district_official", department.code)["合伙人"]
    assert resource.name in found(world, "district_official", resource.name[:2])["资源"]
    assert need.number in found(world, "district_official", need.number.lower())["资源需求"]


def test_a_request_is_found_by_number_words_phone_and_last_four(world):
    row = world.rows["request"]["building"]
    for words in (row.number, row.number[-4:].lower(), "标记building", "19900001234", "199-0000-1234", "1234"):
        assert row.number in found(world, "community_worker", words)["居民诉求"], words


def test_a_phone_finds_nothing_for_whoever_may_not_see_it(world):
    """Officials and grid workers see the requests, and no phone."""
    for role in ("district_official", "grid_worker"):
        assert found(world, role, "标记building")["居民诉求"]
        assert "居民诉求" not in found(world, role, "19900001234")
    # Where the worker holds the right, and nowhere else.
    mine = found(world, "community_worker", "19900001234")["居民诉求"]
    assert world.rows["request"]["far_building"].number not in mine


def test_accounts_are_found_by_whoever_keeps_them_alone(world):
    assert found(world, "security_admin", "far_worker")["账号"]
    for role in ROLES:
        assert "账号" not in found(world, role, "worker")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("words", ["标记", "社区", "号楼", "1234", "TEST", "示例"])
def test_nothing_from_outside_is_found(world, role, words):
    """What a person finds lies at or below the posts that the person holds, or has no place."""
    request = RequestFactory().get("/")
    request.user = world.users[role]
    for kind in admin_search.KINDS:
        shown = admin.site._registry[kind.model]
        rows = admin_search._rows(admin.site, request, kind, words)
        listed = {row.pk for row in shown.get_queryset(request)} if rows else set()
        assert {row.pk for row in rows} <= listed
        if isinstance(shown, ScopedAdmin) and kind.model is ServiceRequest:
            path = request.user.posts.get().scope_path
            assert all(row.scope_path.startswith(path) for row in rows)


def test_more_than_ten_lead_to_the_list(world):
    html = page(world, "street_worker", "标记")
    assert html.count(reverse("admin:requests_board_servicerequest_changelist")) >= 2
    assert "?q=%E6%A0%87%E8%AE%B0" in html
    assert len(re.findall(r"/servicerequest/[^/]+/change/", html)) == admin_search.EACH


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "在最上面的框里写"),
        ("书", "请至少写两个字"),
        ("%%", "没有找到"),
        ("__", "没有找到"),
        ("\\'\"", "没有找到"),
        ("😀😀", "没有找到"),
        ("书" * 10_000, "没有找到"),
        ("<script>alert(1)</script>", "没有找到"),
        ("²²²²", "没有找到"),
        ("１２３４", "居民诉求"),
    ],
)
def test_whatever_is_typed_gets_an_answer(world, words, says):
    html = page(world, "community_worker", words)
    assert says in html
    assert "<script>alert" not in html


def test_a_null_byte_is_refused_like_on_every_page(world):
    assert world.client("community_worker").get(reverse("admin:search"), {"q": "\x00"}).status_code == 400


def test_nobody_comes_in_without_a_door(world):
    assert world.client("building_leader").get(reverse("admin:search"), {"q": "社区"}).status_code == 403
    assert world.client("stranger").get(reverse("admin:search"), {"q": "社区"}).status_code == 302


def test_many_rows_cost_no_more_statements_than_one(world):
    client, counts = world.client("street_worker"), []
    client.get(reverse("admin:search"))
    for words in ("标记building_two", "标记"):
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse("admin:search"), {"q": words})
        counts.append(len(caught))
    assert counts[0] == counts[1] <= MOST


def test_a_person_is_found_by_two_characters_where_the_posts_are_seen(world):
    user = world.users["community_worker"]
    rows = found(world, "street_worker", user.username)
    assert any(user.posts.get().get_role_display() in name for name in rows["岗位"])
    assert "岗位" not in found(world, "grid_worker", user.username)
