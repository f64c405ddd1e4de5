"""The tree page on a district of 34,000 places: few statements, small answers, whatever is opened."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from grids import selectors, tree_selectors, trees
from grids.models import Area
from tests import factories
from tests.access.world import undone
from tests.grids import large_district

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}
FIRST_PAGE, OPENED, PREVIEW = 6, 14, 12
# What a phone on a poor line loads in a second or two.
HEAVIEST = 60_000


@pytest.fixture(scope="module")
def large(django_db_setup, django_db_blocker):
    """The district, made once."""
    with django_db_blocker.unblock(), undone():
        made = large_district.make()
        for name, place in (("boss", "d"), ("worker", "s0")):
            user = factories.user(name)
            factories.post(
                user, {"d": "system_admin", "s0": "street_worker"}[place], Area.objects.get(pk=made.places[place])
            )
            setattr(made, name, user)
        factories.post(made.worker, "street_worker", Area.objects.get(pk=made.places["s1"]))
        yield made


@pytest.fixture
def ask(large):
    """Return a function that opens an address as somebody and returns body and number of statements."""

    def look(who, address, **headers):
        client = Client(headers=headers)
        client.force_login(getattr(large, who), backend="accounts.backends.PhoneOrNameBackend")
        client.get(address)
        selectors.profile()
        with CaptureQueriesContext(connection) as caught:
            response = client.get(address)
        assert response.status_code == 200, address
        return response.content.decode(), len(caught)

    return look


def nodes(body):
    return re.findall(r'data-node="(\d+)"', body)


def test_it_is_as_large_as_said(large):
    assert Area.objects.count() == large_district.PLACES
    assert trees.check() == []


def test_the_first_page_is_light_and_asks_little(large, ask):
    for who, shown in (("boss", 11), ("worker", 2)):
        body, statements = ask(who, "/tree/")
        assert statements <= FIRST_PAGE
        assert len(nodes(body)) == shown
        assert len(body.encode()) < 10_000
    body, statements = ask("boss", "/tree/party/")
    assert statements <= FIRST_PAGE
    assert len(nodes(body)) == 11


def test_six_hundred_children_come_in_parts(large, ask):
    crowded = large.places["g0-0-0-0"]
    seen, start = [], 0
    while True:
        body, statements = ask("worker", f"/tree/?of={crowded}&from={start}", **HX)
        assert statements <= FIRST_PAGE
        assert len(body.encode()) < HEAVIEST
        seen += nodes(body)
        more = re.search(r"from=(\d+)", body)
        if not more:
            break
        start = int(more[1])
    assert len(seen) == len(set(seen)) == large_district.CROWDED


def test_the_whole_page_of_the_most_crowded_node_is_bounded(large, ask):
    body, statements = ask("boss", f"/tree/?open={large.places['g0-0-0-0']}")
    assert statements <= OPENED
    assert len(body.encode()) < HEAVIEST
    assert "还有 500 个" in body


def test_a_deep_link_beyond_the_first_part_shows_the_node(large, ask):
    last = large.places["b0-0-0-0-600"]
    body, _ = ask("worker", f"/tree/?open={last}")
    assert str(last) in nodes(body)


def test_the_number_of_statements_does_not_follow_the_size(large, ask):
    few = ask("boss", f"/tree/?open={large.places['b5-5-0-0-1']}")[1]
    assert ask("boss", f"/tree/?open={large.places['d']}")[1] == few
    assert ask("boss", "/tree/?words=号楼")[1] == ask("boss", "/tree/?words=没有这样的")[1] <= FIRST_PAGE


def test_a_preview_takes_twelve_statements_at_most(large, ask):
    body, statements = ask("worker", f"/tree/{large.places['c0-0']}/move/?to={large.places['s1']}")
    assert statements <= PREVIEW
    # The community, its 5 estates, 20 grids and 19 x 15 + 600 buildings.
    assert "一共 911 处" in body


def test_the_figures_are_those_of_a_plain_count(large):
    community = Area.objects.get(pk=large.places["c0-0"])
    below = Area.objects.within(community.scope_path)
    row = tree_selectors.tree(tree_selectors.AREA_SIDE, large.boss, Area.objects.get(pk=large.places["s0"]))[0]
    street = next(one for one in row.children if one.node.pk == large.places["s0"])
    figures = next(one for one in street.children if one.node.pk == community.pk).figures
    assert figures.missing == selectors.party_coverage(below, covered=False).count()
    assert figures.below == below.count() - 1
    led = {pk for pk in below.filter(kind="building").values_list("pk", flat=True) if pk % 2}
    assert figures.vacant == below.filter(kind="building").count() - len(led)


def test_a_page_that_asked_per_node_would_be_noticed(large, ask, monkeypatch):
    """Control: one more statement for each line, and no parts."""
    real = tree_selectors._row

    def one_by_one(side, node):
        side.rows().filter(parent=node.pk).count()
        return real(side, node)

    monkeypatch.setattr(tree_selectors, "_row", one_by_one)
    monkeypatch.setattr(tree_selectors, "CHUNK", 10_000)
    body, statements = ask("worker", f"/tree/?of={large.places['g0-0-0-0']}", **HX)
    assert statements > 600
    assert len(body.encode()) > HEAVIEST
