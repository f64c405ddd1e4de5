"""Two Chinese characters are enough, an index finds them, and nothing is found that does not hold them."""

import random

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Q
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from common import search
from grids.models import Area, Post
from partners.models import Partner
from requests_board.models import ResourceRequest, ServiceRequest
from tests import factories
from tests.demo_district import count_rows

pytestmark = pytest.mark.django_db

SIGNS = "楼道灯不亮水管漏电梯书房 aZ9%_\\'\"-😀\U00020000"
WORDS = st.text(SIGNS, max_size=8)


def found(model, text):
    return set(model.objects.filter(search.holds_all(model, text)).values_list("pk", flat=True))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(texts=["楼道灯", "楼%灯", "a_9", "\\'"], typed="%")
@example(texts=["楼道灯"], typed="楼灯")
@example(texts=["城市书房 电梯"], typed="房 电")
@given(texts=st.lists(st.text(SIGNS, max_size=20), min_size=1, max_size=8), typed=WORDS)
def test_finds_what_python_finds(texts, typed):
    area = Area.objects.first() or factories.area(None, "district", "示例区", code="990001")
    ServiceRequest.objects.all().delete()
    rows = [
        ServiceRequest(number=f"N{n}", text=text, place_detail=text[::-1], area=area, channel="web")
        for n, text in enumerate(texts)
    ]
    ServiceRequest.objects.bulk_create(rows)
    wanted = {
        row.pk
        for row in rows
        if all(
            any(word.upper() in column.upper() for column in (row.number, row.text, row.place_detail))
            for word in typed.split()
        )
    }
    assert found(ServiceRequest, typed) == wanted


def _many(area, count=6000):
    """Fill the table as a district does: many sentences, few of which name the same thing."""
    chance = random.Random(4)
    common = [chr(0x4E00 + n) for n in range(400)]
    rows = [
        ServiceRequest(
            number=f"R{n:07}", area=area, channel="web", text="".join(chance.choices(common, k=24)) + "楼道里灯不亮"
        )
        for n in range(count)
    ]
    rows[count // 2].text = "城市书房晚上不开门"
    ServiceRequest.objects.bulk_create(rows)
    count_rows()
    return rows[count // 2]


def test_two_characters_go_through_the_index():
    area = factories.area(None, "district", "示例区", code="990001")
    wanted = _many(area)
    condition = search.holds_all(ServiceRequest, "书房")
    assert found(ServiceRequest, "书房") == {wanted.pk}
    plan = ServiceRequest.objects.filter(condition, scope_path__startswith=area.scope_path)[:11].explain()
    assert "request_words" in plan
    assert "Seq Scan" not in plan
    # Control: the words alone would be looked for in every row.
    assert "Seq Scan" in ServiceRequest.objects.filter(text__icontains="书房")[:11].explain()


@pytest.mark.parametrize("model", [Area, Partner, User, ResourceRequest])
def test_whoever_has_an_index_uses_it(model):
    """With few rows the planner reads all of them; asked not to, it finds the way that it will take with many."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    index = next(index for index in model._meta.indexes if index.name.endswith("_words"))
    assert index.name in model.objects.filter(search.holds_all(model, "书房")).order_by().explain()


@pytest.mark.parametrize("hostile", ["\x00", "%", "_", "\\", "'", "书" * 10_000, "😀", "a b c d e f g", "  ", "\u3000"])
def test_hostile_words_are_only_words(hostile):
    area = factories.area(None, "district", "示例区", code="990001")
    row = ServiceRequest.objects.create(number="N1", area=area, channel="web", text="楼道灯不亮")
    assert found(ServiceRequest, hostile) == ({row.pk} if not search.words_of(hostile) else set())


class PostList(search.SearchMixin, admin.ModelAdmin):
    """A list without words of its own."""

    search_fields = ("user__username", "area__name")


def test_a_list_is_searched_through_the_rows_that_it_points_to(town):
    here, there = Post.objects.get(user=town.community_worker), Post.objects.get(user=town.far_worker)

    def listed(typed):
        rows, twice = PostList(Post, admin.site).get_search_results(None, Post.objects.all(), typed)
        assert not twice
        return set(rows)

    assert here in listed("槐荫")
    assert there not in listed("槐荫")
    assert listed("far_worker") == {there}
    assert listed("far_worker 河湾") == {there}
    assert listed("far_worker 槐荫") == set()
    assert listed("") == set(Post.objects.all())


def test_a_list_is_searched_by_columns_without_an_index_too(town):
    class Listed(PostList):
        search_fields = ("user__username", "role", "area__kind")

    rows, _ = Listed(Post, admin.site).get_search_results(None, Post.objects.all(), "far_worker community")
    assert {row.user.username for row in rows} == {"far_worker"}


def test_a_model_without_an_index_of_words_says_so():
    with pytest.raises(TypeError, match="Post"):
        search.holds(Post, "书房")
    assert search.holds_all(Post, " ") == Q()
