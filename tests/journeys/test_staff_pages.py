"""The staff's pages in a real browser: readable by everyone, light, no wider than the screen, quick by keyboard."""

import re
from datetime import timedelta
from pathlib import Path

import axe_playwright_python
import pytest

from accounts.actions import issue_token, renew_calendar
from clockwork.selectors import db_now
from dashboards.actions import load_definitions
from partners.models import Membership, Partner, PropertyService
from requests_board import links
from requests_board.actions import dispatch, requests
from requests_board.models import ServiceRequest
from tests import factories
from tests.factories import PASSWORD
from tests.people import make_town
from tests.pool import ask_time_has_come, make_pool
from tests.stack import wait_until

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SERIOUS = """axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => `${v.id} ${v.nodes.length}x ${v.nodes[0].html.slice(0, 120)}`))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL = """[...document.querySelectorAll('main a, main button, main select, main summary, header a, header button')]
  .filter(e => { const r = e.getBoundingClientRect(); return r.width && r.height && r.height < 31.5 })
  .map(e => `${e.tagName} ${e.textContent.trim().slice(0, 20)} ${e.getBoundingClientRect().height}`)"""
WEIGHT = "performance.getEntries().reduce((sum, e) => sum + (e.transferSize || 0), 0)"
HEAVIEST = 100_000
UNFOLD = "document.querySelectorAll('details').forEach(box => { box.open = true })"
LETTERS = "getComputedStyle(document.documentElement).fontSize"
TOO_LONG = """document.querySelector('h1').after(
  Object.assign(document.createElement('pre'), {textContent: '长'.repeat(40)}))"""


@pytest.fixture
def office(live_stack):
    """A district at work: requests, a firm, a need that a department is asked for, definitions."""
    pool = make_pool(make_town())
    load_definitions()
    town = pool.town
    firm = Partner.objects.create(area=town.community, category="property", name="示例物业", code="W1")
    steward = factories.user("steward")
    Membership.objects.create(user=steward, partner=firm, role="partner_staff", valid_from="2020-01-01")
    PropertyService.objects.create(partner=firm, area=town.estate, valid_from="2020-01-01")
    for n in range(18):
        row = requests.submit_request(area=town.building, text=f"第{n}件，楼道灯不亮", phone="19900001234")
        ServiceRequest.objects.filter(pk=row.pk).update(due_at=db_now() + timedelta(hours=n - 2))
    need = pool.ask()
    ask_time_has_come(need)
    pool.asked, pool.firm, pool.need = dispatch.run(str(need.pk)), firm, need
    issue_token(user=town.community_worker, name="对接热线", permissions=["view_request"], days=9, actor=None)
    renew_calendar(town.community_worker, actor=town.community_worker)
    for name in ("community_worker", "district_official", "security_admin"):
        person = getattr(town, name)
        person.set_password(PASSWORD)
        person.save()
    for person in (*pool.liaisons, steward):
        person.set_password(PASSWORD)
        person.save()
    return pool


def sign_in(page, base, name):
    page.goto(f"{base}/login/")
    page.get_by_label(re.compile("用户名|手机号")).first.fill(name)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "login" not in url)
    return page


DOORS = {
    "community_worker": (
        "/desk/",
        "/desk/?f=needs",
        "/desk/?q=灯",
        "/desk/new/",
        "/desk/need/",
        "/inbox/",
        "/me/",
        "/tokens/",
        "OPEN",
        "NEED",
    ),
    "liaison1": ("/liaison/", "/liaison/month/", "/liaison/pool/"),
    "steward": ("/liaison/",),
    "security_admin": ("/tokens/new/",),
    "district_official": ("/district/", "/district/rows/?m=overdue", "/district/needs/", "/district/metrics/"),
}


def address(office, path):
    first = ServiceRequest.objects.order_by("due_at").first()
    named = {"OPEN": f"/desk/?open={first.number}", "NEED": f"/desk/?f=needs&open={office.need.number}"}
    return named.get(path, path)


@pytest.mark.parametrize("who", DOORS)
def test_every_page_is_readable_light_and_fits(live_stack, office, new_page, who):
    base = live_stack.base_url
    plain, bypassed = new_page(), new_page(bypass_csp=True)
    for page in (plain, bypassed):
        sign_in(page, base, who)
    for path in DOORS[who]:
        for width in (320, 640, 390, 1366, 1920):
            plain.set_viewport_size({"width": width, "height": 800})
            assert plain.goto(base + address(office, path)).status == 200
            plain.wait_for_load_state("networkidle")
            assert plain.evaluate(SIDEWAYS) <= 0, f"{path} scrolls sideways at {width}"
            assert plain.evaluate(SMALL) == [], f"{path} has small targets at {width}"
        assert plain.evaluate(WEIGHT) <= HEAVIEST
        for width in (390, 1366):
            bypassed.set_viewport_size({"width": width, "height": 800})
            bypassed.goto(base + address(office, path))
            bypassed.wait_for_load_state("networkidle")
            bypassed.evaluate(AXE)
            assert bypassed.evaluate(SERIOUS) == [], f"{path} at {width}"


def set_letters(page, size):
    """Choose the size of letters as in the browser's own settings."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size}})
    assert page.evaluate(LETTERS) == f"{size}px"


def beside_the_screen(page):
    """Return where the page, with all of it unfolded, is wider than a phone in large letters."""
    page.evaluate(UNFOLD)
    wide = {}
    for size in (24, 32):
        set_letters(page, size)
        for width in (320, 390):
            page.set_viewport_size({"width": width, "height": 800})
            if (more := page.evaluate(SIDEWAYS)) > 0:
                wide[size, width] = more
            assert page.evaluate(SMALL) == []
    return wide


@pytest.mark.parametrize("who", DOORS)
def test_large_letters_stay_on_the_screen(live_stack, office, new_page, who):
    page, wide = sign_in(new_page(), live_stack.base_url, who), {}
    for path in DOORS[who]:
        page.goto(live_stack.base_url + address(office, path))
        page.wait_for_load_state("networkidle")
        if found := beside_the_screen(page):
            wide[path] = found
    assert wide == {}


def test_a_line_that_does_not_fit_would_be_noticed(live_stack, office, new_page):
    """Control."""
    page = sign_in(new_page(), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/inbox/")
    page.evaluate(TOO_LONG)
    assert set(beside_the_screen(page)) == {(24, 320), (24, 390), (32, 320), (32, 390)}


def test_the_wide_table_is_moved_by_keyboard(live_stack, office, new_page):
    """What is wider than a phone moves inside its own box, which the keyboard reaches and a screen reader names."""
    page = sign_in(new_page(320, 800), live_stack.base_url, "district_official")
    page.goto(f"{live_stack.base_url}/district/")
    set_letters(page, 24)
    box = page.get_by_role("region", name="各处对照表")
    box.focus()
    page.keyboard.press("ArrowRight")
    wait_until(lambda: box.evaluate("e => e.scrollLeft") > 0)
    assert page.evaluate(SIDEWAYS) <= 0


def test_the_sign_in_page_and_the_link_are_readable(live_stack, office, new_page):
    page = new_page(390, 800, bypass_csp=True)
    for path in ("/login/", links.answer_url(office.asked)):
        page.goto(live_stack.base_url + path)
        page.evaluate(AXE)
        assert page.evaluate(SERIOUS) == []
        assert page.evaluate(SIDEWAYS) <= 0


def test_fifteen_rows_stand_on_a_small_screen(live_stack, office, new_page):
    page = sign_in(new_page(1366, 768), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/desk/")
    seen = page.evaluate("""[...document.querySelectorAll('[data-list] tbody tr')]
        .filter(row => row.getBoundingClientRect().bottom <= innerHeight).length""")
    assert seen >= 15


def test_from_the_list_to_dispatched_in_two_clicks(live_stack, office, new_page):
    page = sign_in(new_page(), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/desk/?f=assign")
    page.locator("[data-list] tbody a").nth(1).click()
    page.locator("#detail").get_by_role("button", name="派给示例物业").click()
    page.get_by_role("status").get_by_text("已派给示例物业，还剩").wait_for()
    assert ServiceRequest.objects.get(status="assigned").handler_partner == office.firm
    page.get_by_role("status").get_by_role("button", name="撤回").click()
    wait_until(lambda: not ServiceRequest.objects.filter(status="assigned").exists())


def test_the_seconds_run_out_before_the_eyes(live_stack, office, new_page):
    page = sign_in(new_page(), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/desk/?f=assign")
    page.locator("#detail [data-key='1']").click()
    button = page.get_by_role("status").get_by_role("button", name="撤回")
    button.wait_for()
    button.wait_for(state="detached")


def test_with_the_keys_alone(live_stack, office, new_page):
    page = sign_in(new_page(), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/desk/?f=assign")
    page.locator("#detail [data-key='1']").wait_for()
    numbers = page.locator("[data-list] tbody a").evaluate_all("links => links.map(a => a.href.split('open=')[1])")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(numbers[2]))
    page.locator("#detail").get_by_text(numbers[2]).wait_for()
    page.keyboard.press("4")
    page.keyboard.type("换了灯泡")
    page.keyboard.press("Tab")
    page.locator("#spot .texts button").first.wait_for()
    page.locator("#spot").get_by_role("button", name="办结", exact=True).press("Enter")
    wait_until(lambda: ServiceRequest.objects.get(number=numbers[2]).status == "resolved")
    page.get_by_role("status").wait_for()
    # The keys are heard once the page's script has run.
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("第5件")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q="))
    assert page.locator("[data-list] tbody tr").count() == 1


def test_on_a_phone_without_script_list_then_detail(live_stack, office, new_page):
    page = sign_in(new_page(390, 844, javascript=False), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/desk/?f=assign")
    page.locator("[data-list] tbody a").first.click()
    assert not page.locator("[data-list]").is_visible()
    page.get_by_role("button", name="派给示例物业").click()
    assert "已派给示例物业" in page.locator(".strip").inner_text()
    assert page.locator("[data-list]").is_visible()


def test_a_liaison_answers_with_one_press(live_stack, office, new_page):
    page = sign_in(new_page(390, 844), live_stack.base_url, "liaison1")
    page.goto(f"{live_stack.base_url}/liaison/")
    page.get_by_role("button", name="能来").click()
    page.get_by_role("status").get_by_text("没有等您答复的了").wait_for()
    live_stack.run_jobs()
    worker = sign_in(new_page(), live_stack.base_url, "community_worker")
    worker.goto(f"{live_stack.base_url}/inbox/")
    worker.get_by_role("button", name=re.compile("已落实")).click()
    worker.wait_for_url(re.compile(office.need.number))


def test_what_was_typed_comes_back_after_signing_in_again(live_stack, office, new_page):
    page = sign_in(new_page(), live_stack.base_url, "community_worker")
    page.goto(f"{live_stack.base_url}/desk/new/")
    page.get_by_label("说的什么事").fill("大爷来说电梯不动了")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="记下来").click()
    page.get_by_text("登录以后回到刚才那一页").wait_for()
    page.get_by_label(re.compile("用户名|手机号")).first.fill("community_worker")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(re.compile("/desk/new/"))
    assert page.get_by_label("说的什么事").input_value() == "大爷来说电梯不动了"
    page.reload()
    assert page.get_by_label("说的什么事").input_value() == ""


def test_enter_in_the_note_answers_nothing(live_stack, office, new_page):
    page = new_page(390, 844)
    page.goto(live_stack.base_url + links.answer_url(office.asked))
    page.get_by_label("补充一句").fill("那天要开会")
    page.get_by_label("补充一句").press("Enter")
    page.wait_for_timeout(300)
    office.asked.refresh_from_db()
    assert office.asked.status == "held"
    page.get_by_role("button", name="那天已有安排").click()
    page.get_by_text("这次来不了").wait_for()
    office.asked.refresh_from_db()
    assert (office.asked.status, office.asked.decline_note) == ("declined", "那天要开会")
