"""The web admin and the refusals that staff meet, in a real browser: no page breaks the content policy, all of them
fit a phone, are read by everybody and work without scripts.

The `watch` behind `new_page` fails a test for a violation, an error in the console or a request to another host;
tests/journeys/test_stack.py holds the control that it hears them.
"""

import pytest

from partners.models import Partner, Resource
from tests.factories import PASSWORD
from tests.journeys.test_staff_pages import AXE, SERIOUS, SIDEWAYS, SMALL, UNFOLD, sign_in
from tests.people import make_town
from tests.pool import make_pool

LINKS = "links => [...new Set(links.map(a => a.href))]"


@pytest.fixture
def pool(live_stack):
    """A district with partners and what they offer, whose staff signs in by password."""
    pool = make_pool(make_town())
    town = pool.town
    Partner.objects.create(area=town.community, category="property", name="示例物业", code="W1")
    for person in (town.system_admin, town.community_worker, town.building_leader, town.security_admin, town.auditor):
        person.set_password(PASSWORD)
        person.save()
    return pool


@pytest.fixture
def rooms(live_stack, pool, new_page):
    """The index of the set-up rooms, before a system administrator."""
    page = sign_in(new_page(), live_stack.base_url, "system_admin")
    assert page.goto(f"{live_stack.base_url}/admin/").status == 200
    return page


def test_every_list_and_every_first_row_of_it_opens(rooms):
    lists = rooms.locator("#content-main a.list").evaluate_all(LINKS)
    assert len(lists) > 20
    opened = 0
    for address in lists:
        assert rooms.goto(address).status == 200
        if rows := rooms.locator("#result_list th a").evaluate_all(LINKS):
            assert rooms.goto(rows[0]).status == 200
            assert rooms.locator("#content-main form").count(), rows[0]
            opened += 1
    assert opened >= 5


def test_every_form_to_add_something_opens(rooms):
    forms = rooms.locator("#content-main a.addlink").evaluate_all(LINKS)
    assert len(forms) >= 5
    for address in forms:
        assert rooms.goto(address).status == 200
        rooms.locator("#content-main form").first.wait_for()


def test_the_scripts_of_a_form_work(live_stack, rooms):
    """One more row in a table of rows, and a day from the calendar."""
    rooms.goto(f"{live_stack.base_url}/admin/partners/resource/{Resource.objects.first().pk}/change/")
    before = rooms.locator(".inline-related tr.form-row:visible").count()
    rooms.locator(".add-row a").last.click()
    assert rooms.locator(".inline-related tr.form-row:visible").count() == before + 1
    rooms.locator(".datetimeshortcuts a:visible").first.click()


def test_a_row_is_saved(live_stack, rooms, pool):
    rooms.goto(f"{live_stack.base_url}/admin/requests_board/declinereason/{pool.busy.pk}/change/")
    rooms.locator("input[name=_continue]").click()
    rooms.locator(".messagelist .success").first.wait_for()


# Every kind of page, by who sees it; what is pressed on the way stands behind the address.
ROW = "#result_list tbody th a"
KINDS = {
    "system_admin": (
        ("/admin/",),
        ("/admin/grids/area/?kind=building",),
        ("/admin/grids/area/?q=没有这个",),
        ("/admin/grids/area/?_popup=1",),
        ("/admin/grids/area/add/", "input[name=_save]"),
        ("/admin/partners/resource/add/",),
        ("/admin/partners/resource/", ROW),
        ("/admin/partners/partner/", ROW, ".historylink"),
        ("/admin/partners/resourceslot/", ROW, ".deletelink"),
        ("/admin/grids/area/nothing/change/",),
        ("/admin/search/?q=社区",),
        ("/admin/search/?q=没有这个",),
    ),
    "community_worker": (
        ("/admin/",),
        ("/admin/grids/area/?q=槐荫",),
        ("/admin/grids/area/", ROW),
        ("/admin/grids/area/", ROW, ".row-step button", "#content input[type=submit]"),
        ("/admin/partners/partner/", ROW),
        ("/admin/partners/partner/", ".object-tools a[href^='/exports/']"),
        ("/admin/search/?q=号楼",),
    ),
    "security_admin": (("/admin/accounts/user/add/", "input[name=_save]"),),
    "auditor": (("/admin/audit/event/",), ("/admin/audit/event/", ROW)),
    "": (("/login/?next=/admin/", "main button[type=submit]"),),
}


@pytest.mark.parametrize("who", KINDS)
def test_every_kind_of_page_fits_and_is_readable(live_stack, pool, new_page, who):
    """One page is under the content policy; the other, where axe may run, is measured."""
    plain, bypassed = new_page(), new_page(bypass_csp=True)
    for page in (plain, bypassed) if who else ():
        sign_in(page, live_stack.base_url, who)
    faults = {}
    for path, *presses in KINDS[who]:
        for page in (plain, bypassed):
            page.set_viewport_size({"width": 1366, "height": 800})
            page.goto(live_stack.base_url + path)
            for press in presses:
                page.locator(press).first.click()
                page.wait_for_load_state("load")
        for width in (1366, 390, 320):
            if found := _faults(bypassed, width):
                faults[path, *presses, width] = found
    assert faults == {}


def _faults(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    found = [page.evaluate(SMALL), page.evaluate(SIDEWAYS) > 0]
    if width != 320:
        page.evaluate(AXE)
        found.append(page.evaluate(SERIOUS))
    return [part for part in found if part]


def test_large_letters_stay_on_the_screen(live_stack, pool, new_page):
    """At 320 pixels with letters twice as large, which is also what 200 % of a small laptop's screen shows."""
    page, wide = sign_in(new_page(), live_stack.base_url, "community_worker"), {}
    sizes = page.context.new_cdp_session(page)
    for path in ("/admin/", "/admin/grids/area/", "/admin/grids/area/add/", "/admin/search/?q=号楼"):
        page.goto(live_stack.base_url + path)
        page.evaluate(UNFOLD)
        for letters, width in ((24, 320), (24, 390), (32, 320), (32, 640)):
            sizes.send("Page.setFontSizes", {"fontSizes": {"standard": letters, "fixed": letters}})
            page.set_viewport_size({"width": width, "height": 800})
            if (more := page.evaluate(SIDEWAYS)) > 0:
                wide[path, letters, width] = more
    assert wide == {}


def test_the_search_box_is_one_key_away(live_stack, rooms):
    for key in ("/", "Control+k"):
        rooms.goto(f"{live_stack.base_url}/admin/")
        rooms.keyboard.press(key)
        rooms.keyboard.type("槐荫")
        rooms.keyboard.press("Enter")
        rooms.wait_for_url("**/admin/search/?q=*")
        rooms.get_by_role("link", name="槐荫社区", exact=True).first.wait_for()


def test_the_menu_closes_on_escape(live_stack, rooms):
    menu = rooms.locator("details.menu").first
    menu.locator("summary").click()
    menu.get_by_role("link", name="区域", exact=True).wait_for()
    rooms.keyboard.press("Escape")
    assert not menu.evaluate("box => box.open")


def test_a_clerk_without_scripts_adds_changes_searches_and_filters(live_stack, pool, new_page):
    base = live_stack.base_url
    page = sign_in(new_page(390, 844, javascript=False), base, "system_admin")
    page.goto(f"{base}/admin/partners/partner/add/")
    page.locator("[name=name]").fill("青禾书店")
    page.locator("[name=code]").fill("B77")
    page.locator("[name=category]").select_option("business")
    page.locator("[name=area]").fill(str(pool.town.community.pk))
    page.locator("input[name=_save]").click()
    page.locator(".messagelist .success").wait_for()
    partner = Partner.objects.get(code="B77")
    page.locator("#searchbar").fill("青禾")
    page.locator("#changelist-search button").click()
    page.locator("#result_list").get_by_role("link", name="青禾书店").click()
    page.locator("[name=name]").fill("青禾社区书店")
    page.locator("input[name=_save]").click()
    page.locator(".messagelist .success").wait_for()
    partner.refresh_from_db()
    assert partner.name == "青禾社区书店"
    page.locator("details.filters summary").first.click()
    page.locator("#changelist-filter").get_by_role("link", name="商业", exact=True).click()
    page.locator("#result_list").get_by_role("link", name="青禾社区书店").wait_for()
    assert page.locator("#result_list tbody tr").count() == 1


REFUSALS = {
    "building_leader": (("/admin/", 403),),
    "community_worker": (("/district/nothing/", 404), ("/logout/", 405)),
    "system_admin": (("/admin/nothing/", 404),),
}


def test_a_refusal_shows_a_way_out(live_stack, pool, new_page):
    for who, pages in REFUSALS.items():
        page = sign_in(new_page(390, 844), live_stack.base_url, who)
        for path, status in pages:
            assert page.goto(live_stack.base_url + path).status == status
            assert page.locator("main h1").inner_text()
            page.locator("main a.btn").first.click()
            page.wait_for_url(lambda address, path=path: not address.endswith(path))
