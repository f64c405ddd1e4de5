"""Which place a street's worker means by what is typed, in a street with more places than are suggested."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids.models import Area
from requests_board import desk_selectors
from requests_board.models import ServiceRequest
from tests import factories

ESTATES = 620


@pytest.fixture
def street(client, pool):
    """Let the street's worker sit at the desk, before whom lie more estates than are suggested."""
    client.force_login(pool.town.person("street_worker"))
    community = pool.town.community
    community.refresh_from_db()
    return community


@pytest.fixture
def crowded(street):
    with Area.objects.delay_mptt_updates():
        return [factories.area(street, "estate", f"第{n}号院") for n in range(ESTATES)]


def take_in(client, area):
    answer = client.post("/desk/new/", {"text": "门坏了", "area": area, "channel": "phone"})
    row = ServiceRequest.objects.first()
    return answer, row.area if row else None


def test_a_place_beyond_the_suggested_ones_is_known(client, crowded):
    page = client.get("/desk/new/").content.decode()
    last = crowded[-1]
    assert page.count("<option") == desk_selectors.SUGGESTED
    assert f'value="{last.name}"' not in page
    answer, area = take_in(client, last.name)
    assert (answer.status_code, area) == (302, last)


def test_few_rows_are_read_for_what_is_typed(client, crowded, pool):
    worker = pool.town.person("street_worker")
    with CaptureQueriesContext(connection) as asked:
        found = desk_selectors.places_called(worker, "handle_request", "号院")
    assert len(found) == desk_selectors.LIKE
    assert sum('FROM "grids_area"' in query["sql"] for query in asked) == 1
    answer, _ = take_in(client, "号院")
    assert answer.status_code == 422
    assert "有很多个地方叫这个，是不是" in answer.content.decode()


def test_the_very_name_wins_over_names_that_hold_it(client, street, pool):
    estate = factories.area(street, "estate", "杏园")
    for n in range(desk_selectors.LIKE + 10):
        factories.area(estate, "building", f"{n}号楼")
    assert take_in(client, "杏园")[1] == estate
    assert take_in(client, "杏园 1号楼")[1].name == "1号楼"


@pytest.mark.parametrize("said", ["槐荫小区1号楼", "槐荫小区 1号楼", "槐荫社区槐荫小区1号楼"])
def test_a_building_is_known_by_estate_and_number_and_with_its_community(client, street, pool, said):
    assert take_in(client, said)[1] == pool.town.building


def test_a_building_that_names_its_estate_itself_and_one_in_a_micro_grid(client, street, pool):
    itself = factories.area(pool.town.estate, "building", "槐荫小区 甲A座")
    small = factories.area(pool.town.grid, "micro_grid", "第一微网格")
    deep = factories.area(small, "building", "9号楼")
    for said, place in (("槐荫小区甲a座", itself), ("槐荫社区槐荫小区甲A座", itself), ("槐荫小区9号楼", deep)):
        assert take_in(client, said)[1] == place
        ServiceRequest.objects.all().delete()


def test_two_of_one_name_are_told_apart_by_the_community(client, street, pool):
    other = factories.area(pool.town.next_community, "estate", "槐荫小区")
    answer, area = take_in(client, "槐荫小区")
    assert (answer.status_code, area) == (422, None)
    page = answer.content.decode()
    assert "有 2 个地方叫这个，是不是" in page
    for name in ("槐荫社区槐荫小区", "柳青社区槐荫小区"):
        assert f'<option value="{name}">' in page
    assert take_in(client, "柳青社区槐荫小区")[1] == other


def test_a_place_out_of_reach_or_gone_is_not_known(client, street, pool):
    factories.area(pool.town.far_community, "estate", "远处的院子")
    gone = factories.area(street, "estate", "拆了的院子")
    assert take_in(client, "拆了的院子")[1] == gone
    ServiceRequest.objects.all().delete()
    Area.objects.filter(pk=gone.pk).update(valid_to="2020-01-01")
    for said in ("远处的院子", "拆了的院子", "100%", "_", "第一网格"):
        answer, area = take_in(client, said)
        assert (answer.status_code, area) == (422, None), said
        assert "没有找到这个地方" in answer.content.decode()
