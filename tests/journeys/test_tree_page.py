"""The tree page in a real browser: moved and undone with access following at once, by keys alone, without script."""

import re

import pytest
from playwright.sync_api import expect

from clockwork.actions import load_calendar, load_policies
from grids import trees
from grids.models import Area
from requests_board.actions import requests
from tests import factories
from tests.factories import PASSWORD
from tests.journeys.test_staff_pages import (
    AXE,
    HEAVIEST,
    SERIOUS,
    SIDEWAYS,
    SMALL,
    WEIGHT,
    beside_the_screen,
    sign_in,
)
from tests.people import make_town
from tests.stack import wait_until


@pytest.fixture
def district(live_stack):
    """Two streets; one worker holds both, and each has a worker of its own. A request waits in the community."""
    load_calendar()
    load_policies()
    town = make_town()
    town.both = factories.user("both", password=PASSWORD)
    for street in (town.street, town.far_street):
        factories.post(town.both, "street_worker", street)
    for name in ("street_worker", "far_street_worker"):
        person = getattr(town, name)
        person.set_password(PASSWORD)
        person.save()
    trees.add_many(town.next_grid, kind="building", text="11-150号楼")
    factories.party(town.general_branch, "branch", town.estate, "槐荫小区党支部")
    town.request = requests.submit_request(area=town.building, text="楼道灯不亮", phone="19900001234")
    return town


def parent_of(area):
    return Area.objects.get(pk=area.pk).parent_id


def test_a_moved_community_takes_its_requests_along_and_undo_gives_them_back(live_stack, district, new_page):
    town, base = district, live_stack.base_url
    mover = sign_in(new_page(), base, "both")
    old, new = (sign_in(new_page(), base, name) for name in ("street_worker", "far_street_worker"))
    request = f"{base}/desk/?open={town.request.number}"
    assert (old.goto(request).status, new.goto(request).status) == (200, 404)

    mover.goto(f"{base}/tree/")
    mover.get_by_role("treeitem", name=re.compile("东街街道")).click()
    mover.get_by_role("treeitem", name=re.compile("槐荫社区")).click()
    mover.locator("#detail h2").get_by_text("槐荫社区").wait_for()
    mover.locator("#detail").get_by_role("link", name="换上级").click()
    mover.get_by_label(re.compile("西河街道")).check()
    mover.get_by_role("button", name="看看会怎样").click()
    assert "居民诉求 1" in mover.locator(".preview").inner_text()
    assert "东街街道 街道（镇）工作人员 2 人" in mover.locator(".preview").inner_text()
    mover.get_by_label("为什么").fill("区划调整")
    mover.get_by_role("button", name="确定移到西河街道").click()
    mover.get_by_role("status").get_by_text("移动好了").wait_for()
    # The page that the old street's worker still has open is of no use any more.
    assert (old.reload().status, new.goto(request).status) == (404, 200)
    new.locator("#detail").get_by_text("楼道灯不亮").first.wait_for()

    mover.get_by_role("button", name=re.compile("撤回这次移动")).click()
    mover.get_by_role("status").get_by_text("已经撤回").wait_for()
    assert (old.goto(request).status, new.reload().status) == (200, 404)
    assert "撤回" in mover.locator("#detail .line").inner_text()
    assert parent_of(town.community) == town.street.pk


def test_with_the_keys_alone(live_stack, district, new_page):
    town = district
    page = sign_in(new_page(), live_stack.base_url, "street_worker")
    page.goto(f"{live_stack.base_url}/tree/")
    tree = page.get_by_role("tree")
    here = lambda: page.evaluate("document.activeElement.dataset.node || document.activeElement.dataset.more")  # noqa: E731
    assert tree.locator("[tabindex='0']").count() == 1
    tree.locator("[tabindex='0']").focus()
    assert here() == str(town.street.pk)
    page.keyboard.press("ArrowDown")
    assert here() == str(town.community.pk)
    page.keyboard.press("ArrowRight")
    estate = page.locator(f"a[data-node='{town.estate.pk}']")
    estate.wait_for()
    expect(page.locator(f"a[data-node='{town.community.pk}']")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    assert here() == str(town.estate.pk)
    expect(estate).to_have_attribute("aria-level", "3")
    page.keyboard.press("ArrowRight")
    page.locator(f"a[data-node='{town.next_grid.pk}']").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert here() == str(town.next_grid.pk)
    page.keyboard.press("ArrowRight")
    more = page.locator(f"a[data-more='{town.next_grid.pk}']")
    more.wait_for()
    assert page.locator(f"a[data-node='{town.next_grid.pk}'] + ul > li").count() == 101
    page.keyboard.type("15")
    fifteen = Area.objects.get(name="15号楼")
    assert here() == str(fifteen.pk)
    more.focus()
    page.keyboard.press("Enter")
    more.wait_for(state="detached")
    assert page.locator(f"a[data-node='{town.next_grid.pk}'] + ul > li").count() == 141
    assert here() is not None, "the focus stays in the tree"
    page.keyboard.press("Home")
    assert here() == str(town.street.pk)
    page.keyboard.press("End")
    assert here() == str(town.next_community.pk)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"open={town.next_community.pk}"))
    page.locator("#detail h2").get_by_text("柳青社区").wait_for()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(f"a[data-node='{town.street.pk}']")).to_have_attribute("aria-expanded", "false")
    assert not estate.is_visible()


def test_on_a_phone_without_script(live_stack, district, new_page):
    town = district
    page = sign_in(new_page(390, 844, javascript=False), live_stack.base_url, "both")
    page.goto(f"{live_stack.base_url}/tree/")
    page.get_by_label("在区域里找").fill("槐荫小区")
    page.get_by_role("button", name="找", exact=True).click()
    page.locator(".hits a").first.click()
    assert not page.locator(".tree").is_visible()
    page.get_by_role("link", name="一次添加多个").click()
    page.get_by_label("级别").select_option("building")
    page.get_by_label("添加哪些").fill("A区1-3号楼，每栋2单元")
    page.get_by_role("button", name="先看看会添加哪些").click()
    page.get_by_role("button", name="添加这 3 个").click()
    assert "添加了 3 个" in page.locator(".strip").inner_text()
    assert Area.objects.filter(parent=town.estate, units=2).count() == 3
    page.goto(f"{live_stack.base_url}/tree/{town.community.pk}/move/")
    page.get_by_label(re.compile("西河街道")).check()
    page.get_by_role("button", name="看看会怎样").click()
    page.get_by_label("为什么").fill("区划调整")
    page.get_by_role("button", name="确定移到西河街道").click()
    assert parent_of(town.community) == town.far_street.pk
    page.get_by_role("button", name=re.compile("撤回这次移动")).click()
    assert parent_of(town.community) == town.street.pk
    page.get_by_role("link", name="回到整棵树").click()
    page.get_by_role("link", name=re.compile("^东街街道")).click()
    assert page.locator("#detail h2").inner_text().startswith("东街街道")


def test_a_finger_on_the_mark_opens_and_on_the_name_shows(live_stack, district, new_page):
    page = sign_in(new_page(390, 844, has_touch=True), live_stack.base_url, "street_worker")
    page.goto(f"{live_stack.base_url}/tree/")
    community = page.locator(f"a[data-node='{district.community.pk}']")
    community.locator(".twig").tap()
    estate = page.locator(f"a[data-node='{district.estate.pk}']")
    estate.wait_for()
    assert "open=" not in page.url
    estate.locator("b").tap()
    page.wait_for_url(re.compile(f"open={district.estate.pk}"))
    page.locator("#detail h2").get_by_text("槐荫小区").wait_for()


def pages(town):
    return (
        "/tree/",
        f"/tree/?open={town.next_grid.pk}",
        "/tree/?words=小区",
        f"/tree/{town.community.pk}/move/",
        f"/tree/{town.community.pk}/move/?to={town.far_street.pk}",
        f"/tree/{town.community.pk}/edit/",
        f"/tree/{town.next_grid.pk}/many/",
        f"/tree/{town.community.pk}/retire/",
        "/tree/party/",
        f"/tree/party/?open={town.general_branch.pk}",
        f"/tree/party/{town.general_branch.pk}/add/",
        f"/tree/party/{town.general_branch.pk}/covers/",
    )


def test_every_page_is_readable_light_and_fits(live_stack, district, new_page):
    base = live_stack.base_url
    plain, bypassed = (sign_in(new_page(bypass_csp=lax), base, "both") for lax in (False, True))
    for path in pages(district):
        for width in (320, 390, 1366):
            plain.set_viewport_size({"width": width, "height": 800})
            assert plain.goto(base + path).status == 200
            plain.wait_for_load_state("networkidle")
            assert plain.evaluate(SIDEWAYS) <= 0, f"{path} scrolls sideways at {width}"
            assert plain.evaluate(SMALL) == [], f"{path} has small targets at {width}"
        assert plain.evaluate(WEIGHT) <= HEAVIEST
        bypassed.goto(base + path)
        bypassed.wait_for_load_state("networkidle")
        bypassed.evaluate(AXE)
        assert bypassed.evaluate(SERIOUS) == [], path


def test_large_letters_stay_on_the_screen(live_stack, district, new_page):
    page, wide = sign_in(new_page(), live_stack.base_url, "both"), {}
    for path in pages(district):
        page.goto(live_stack.base_url + path)
        page.wait_for_load_state("networkidle")
        if found := beside_the_screen(page):
            wide[path] = found
    assert wide == {}


def test_a_move_pressed_twice_moves_once(live_stack, district, new_page):
    page = sign_in(new_page(), live_stack.base_url, "both")
    page.goto(f"{live_stack.base_url}/tree/{district.community.pk}/move/?to={district.far_street.pk}")
    page.get_by_label("为什么").fill("区划调整")
    page.get_by_role("button", name="确定移到西河街道").dblclick()
    page.get_by_role("status").get_by_text("移动好了").wait_for()
    wait_until(lambda: parent_of(district.community) == district.far_street.pk)
    assert page.locator("#detail .line li").count() == 1
