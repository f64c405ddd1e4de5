"""The residents' pages in a real browser, served by the real stack: for every eye, hand, phone and line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from clockwork.selectors import db_now
from grids import trees
from grids.models import BuildingCode
from grids.trees import NewArea
from requests_board import public_selectors as reads
from requests_board.actions import requests as verbs
from requests_board.models import NotAcceptedReason, ServiceRequest
from tests.public.conftest import LIFT, Block
from tests.stack import LiveStack, wait_until

HEAVIEST = 30 * 1024
MODES = pytest.mark.parametrize("big", [False, True], ids=["normal", "large"])
UNFOLD = "document.querySelectorAll('details').forEach(box => { box.open = true })"
TAPS = "() => { window.taps = 0; addEventListener('click', e => { if (e.isTrusted) window.taps++ }, true) }"


@pytest.fixture
def pages(live_stack: LiveStack, block: Block) -> dict[str, str]:
    """Every public page in every state, by name."""
    dead = BuildingCode.objects.get(area=block.town.building_two, valid_to=None)
    BuildingCode.objects.filter(pk=dead.pk).update(valid_to=db_now() - timedelta(days=1))
    home = f"/c/{reads.place_of(block.community).door}/"
    block.solved()
    new, over = block.say(category=LIFT, phone="19900001234", place_detail="北门口"), block.solved()
    verbs.confirm_ok(over, actor=verbs.resident(over))
    refused = verbs.not_accept(block.say(), actor=block.worker, reason=NotAcceptedReason.objects.first())
    again = block.solved()
    verbs.dissatisfied(again, actor=verbs.resident(again), reason="还是黑的")
    return {
        "home": "/",
        "found": f"/?q={block.town.estate.name}",
        "nothing found": "/?q=月球",
        "community": home,
        "empty community": f"/c/{reads.place_of(block.town.far_community).door}/",
        "building's home": f"{home}?place={block.building.pk}",
        "buildings": f"{home}buildings/",
        "dead sticker": f"/b/{dead.code}/",
        "sticker": f"/b/{block.code}/",
        "report": f"/report/?place={block.community.pk}",
        "received": f"{block.link(new)}?new=1",
        "received without phone": f"{block.link(block.say())}?new=1",
        "sent": block.link(new),
        "solved": block.link(block.solved()),
        "over": block.link(over),
        "refused": block.link(refused),
        "again": block.link(again),
        "lookup": "/progress/",
        "feedback": "/feedback/",
        "thanks": "/feedback/?sent=1",
        "missing": "/nothing/",
    }


@pytest.fixture
def person(live_stack: LiveStack, new_page: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives a phone to another person."""

    def open_page(width: int = 390, height: int = 844, *, big: bool = False, **options: Any) -> Any:
        page = new_page(width, height, base_url=live_stack.base_url, **options)
        if big:
            page.context.add_cookies([{"name": "big", "value": "1", "url": live_stack.base_url}])
        return page

    return open_page


def bottom(page: Any, selector: str, number: int = 0) -> float:
    """Return the lower edge of an element on the screen."""
    box = page.locator(selector).nth(number).bounding_box()
    return float(box["y"] + box["height"])


def wrong_report(page: Any, path: str) -> None:
    """Open a form and send it as it is."""
    page.goto(path)
    page.locator("main form.form > button.btn").first.click()
    page.wait_for_selector("#errors")
    page.wait_for_load_state("load")


@MODES
def test_nothing_hinders_anybody(pages: dict[str, str], person: Callable[..., Any], big: bool) -> None:
    """All rules of axe, best practice included, on every page and on both forms with errors."""
    page, found = person(big=big, bypass_csp=True), {}
    for name, path in pages.items():
        page.goto(path)
        page.evaluate(UNFOLD)
        found[name] = Axe().run(page).response["violations"]
    for name in ("sticker", "lookup", "feedback"):
        wrong_report(page, pages[name])
        found[f"{name} with errors"] = Axe().run(page).response["violations"]
    hindered = {
        name: [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in rules]
        for name, rules in found.items()
        if rules
    }
    assert hindered == {}


@pytest.mark.parametrize(("width", "big"), [(320, False), (320, True), (390, True), (640, False), (1366, True)])
def test_no_page_scrolls_sideways(pages: dict[str, str], person: Callable[..., Any], width: int, big: bool) -> None:
    """640 pixels are a desk's screen at 200 %."""
    page, wide = person(width, big=big), []
    for name, path in pages.items():
        page.goto(path)
        page.evaluate(UNFOLD)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(name)
    assert wide == []


@MODES
@pytest.mark.parametrize("size", [24, 32])
def test_large_letters_of_the_browser_stay_on_the_screen(
    pages: dict[str, str], person: Callable[..., Any], size: int, big: bool
) -> None:
    """Large letters chosen in the browser's own settings, with our large type on top of them."""
    page, wide = person(320, big=big), []
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size}})
    for name, path in pages.items():
        page.goto(path)
        page.evaluate(UNFOLD)
        letters = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
        assert letters == size * (1.5 if big else 1.125)
        for width in (320, 390):
            page.set_viewport_size({"width": width, "height": 844})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append((name, width))
    assert wide == []


@MODES
def test_everything_is_large_enough_for_a_thumb(pages: dict[str, str], person: Callable[..., Any], big: bool) -> None:
    """48 pixels, 60 in large type; links inside a sentence are as high as their line."""
    page, least, small = person(big=big), 60 if big else 48, []
    script = """(least) => [...document.querySelectorAll('a, button, input, textarea, summary')].filter(e => {
        const box = e.getBoundingClientRect(), style = getComputedStyle(e);
        if (!box.width || e.closest('.out') || e.matches('.out') || e.type === 'hidden') return false;
        if (style.display === 'inline' && e.parentElement.textContent.trim() !== e.textContent.trim()) return false;
        return box.height < least - .5;
    }).map(e => e.outerHTML.slice(0, 90))"""
    for name, path in pages.items():
        page.goto(path)
        page.evaluate(UNFOLD)
        small += [(name, html) for html in page.evaluate(script, least)]
    wrong_report(page, pages["sticker"])
    small += [("errors", html) for html in page.evaluate(script, least)]
    assert small == []


@MODES
def test_both_main_things_stand_on_the_first_screen(
    pages: dict[str, str], person: Callable[..., Any], big: bool
) -> None:
    page = person(360, 640, big=big)
    page.goto(pages["building's home"])
    assert bottom(page, ".act", 1) <= 640
    assert page.locator(".act").all_inner_texts()[0].startswith("我要反映")


def test_the_form_is_sent_without_scrolling(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person(390, 844)
    for name in ("sticker", "report"):
        page.goto(pages[name])
        assert bottom(page, "main form.form > button.btn") <= 844
    wrong_report(page, pages["sticker"])
    assert bottom(page, "main form.form > button.btn") <= 844, "with an error too"


def test_text_is_large_and_larger(pages: dict[str, str], person: Callable[..., Any]) -> None:
    sizes = []
    for big in (False, True):
        page = person(big=big)
        page.goto(pages["sticker"])
        sizes.append(page.evaluate("['body','h1'].map(n => getComputedStyle(document.querySelector(n)).fontSize)"))
        smallest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('body *')].filter(e => e.innerText && e.getClientRects().length)"
            ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
        )
        assert smallest >= 15
    assert sizes == [["18px", "27px"], ["24px", "36px"]]


def first_load(page: Any, path: str) -> tuple[Any, list[int]]:
    """Open a page with an empty cache; return its answer and the bytes of each request as they came over the line."""
    loads: list[int] = []
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.loadingFinished", lambda event: loads.append(event["encodedDataLength"]))
    return page.goto(path, wait_until="networkidle"), loads


def test_first_load_is_light(pages: dict[str, str], person: Callable[..., Any]) -> None:
    """At most 30 KB on the line and 8 requests, measured by the browser itself."""
    heavy = {}
    for name, path in pages.items():
        page = person()
        _, loads = first_load(page, path)
        if sum(loads) > HEAVIEST or len(loads) > 8:
            heavy[name] = (len(loads), round(sum(loads) / 1024, 1))
        page.context.close()
    assert heavy == {}


def test_the_list_of_a_whole_district_is_light(block: Block, person: Callable[..., Any]) -> None:
    """11 streets with 302 communities; as it was written, the page would be too heavy."""
    streets = [NewArea(n, block.town.district, "street", f"第{n}街道") for n in range(9)]
    trees.load_areas(
        [
            *streets,
            *(NewArea(f"c{n}", n % 9, "community", f"青石桥第{n}社区", code=f"99{n:010}") for n in range(299)),
        ]
    )
    page = person()
    answer, loads = first_load(page, "/")
    assert page.locator(".picks a").count() == 302
    assert sum(loads) <= HEAVIEST
    assert len(loads) <= 8
    saved = len(answer.body()) - answer.request.sizes()["responseBodySize"]
    assert sum(loads) + saved > HEAVIEST, "control: uncompressed it is too heavy"


def test_only_what_everybody_may_see_is_compressed(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person()
    encodings = {name: page.goto(pages[name]).headers.get("content-encoding") for name in ("home", "sticker", "sent")}
    assert encodings == {"home": "gzip", "sticker": "gzip", "sent": None}


# Journeys -------------------------------------------------------------------------------------------------------------


def test_from_the_sticker_it_takes_two_taps_and_a_sentence(
    block: Block, pages: dict[str, str], person: Callable[..., Any]
) -> None:
    before = ServiceRequest.objects.count()
    page = person(has_touch=True)
    page.goto(pages["sticker"])
    page.evaluate(TAPS)
    page.get_by_label("什么事").tap()
    page.keyboard.type("二单元三楼的灯坏了好几天")
    assert page.evaluate("taps") == 1
    page.get_by_role("button", name="提交", exact=True).tap()
    page.wait_for_url("**/t/**")
    assert ServiceRequest.objects.count() == before + 1
    row = ServiceRequest.objects.order_by("created_at").last()
    assert (row.channel, row.area_id) == ("qr", block.building.pk)
    assert row.number in page.locator(".number").inner_text()


def test_from_the_communitys_home_it_takes_three_taps(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person(has_touch=True)
    page.goto(pages["community"])
    page.get_by_role("link", name="我要反映").first.tap()
    page.get_by_label("什么事").tap()
    page.keyboard.type("北门口井盖松了")
    page.get_by_role("button", name="提交", exact=True).tap()
    page.wait_for_url("**/t/**")
    assert "收到了" in page.locator("h1").inner_text()


def test_the_keyboard_alone_is_enough(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person(1366, 768)
    page.goto(pages["sticker"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "跳到正文"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0, "it comes into sight"
    page.keyboard.press("Enter")
    order = []
    for _ in range(8):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        assert (
            page.evaluate(
                "getComputedStyle(document.activeElement.closest('.pick') || document.activeElement).outlineStyle"
            )
            == "solid"
        )
        if order[-1] == "f-text":
            page.keyboard.type("楼道灯坏了")
        if order[-1] == "提交":
            break
    assert order.index("f-text") < order.index("f-photo") < order.index("提交")
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/**")


def test_everything_works_without_javascript(block: Block, pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person(javascript=False)
    page.goto("/")
    page.get_by_text(block.town.street.name).click()
    page.get_by_role("link", name=block.community.name).click()
    page.get_by_role("link", name="大字版").click()
    assert page.locator("html.big").count() == 1
    page.get_by_role("link", name="标准版").click()
    page.get_by_role("link", name="我要反映").first.click()
    page.get_by_role("link", name="选楼号").click()
    page.get_by_role("link", name=block.building.name, exact=False).first.click()
    page.get_by_role("button", name="提交", exact=True).click()
    assert page.title().startswith("出错：")
    page.get_by_text("留手机号、选类别").click()
    page.get_by_label("手机号").fill("199 0000 8888")
    page.get_by_role("radio", name="电梯").check(force=True)
    page.get_by_label("什么事").fill("电梯又停了")
    page.get_by_role("button", name="提交", exact=True).click()
    number = page.locator(".number").inner_text()
    page.goto("/progress/")
    page.get_by_label("编号").fill(number)
    page.get_by_label("手机号后 4 位").fill("8888")
    page.get_by_role("button", name="查一查").click()
    assert "电梯" in page.locator("h1").inner_text()
    page.get_by_text("不用办了，撤回").click()
    page.get_by_role("button", name="撤回这件事").click()
    assert "您撤回了" in page.locator(".line").inner_text()


def test_the_resident_answers_and_opens_it_again(
    block: Block, pages: dict[str, str], person: Callable[..., Any]
) -> None:
    page = person()
    page.goto(pages["solved"])
    page.get_by_label("哪儿还没好").fill("三楼还黑着")
    page.get_by_role("button", name="还没好").click()
    page.get_by_text("三楼还黑着").wait_for()
    assert "重新办" in page.locator(".chip").first.inner_text()


def test_enter_below_the_question_says_that_it_is_not_done(
    block: Block, pages: dict[str, str], person: Callable[..., Any]
) -> None:
    page = person()
    page.goto(pages["solved"])
    page.get_by_label("哪儿还没好").fill("三楼还黑着")
    page.get_by_label("哪儿还没好").press("Enter")
    page.get_by_text("三楼还黑着").wait_for()
    assert "重新办" in page.locator(".chip").first.inner_text()


def test_going_back_does_not_offer_the_same_words_again(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person()
    page.goto(pages["sticker"])
    page.get_by_label("什么事").fill("门口的灯坏了")
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("heading", name="收到了").wait_for()
    page.go_back(wait_until="load")
    assert page.get_by_label("什么事").input_value() == ""


def test_an_error_is_led_to(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person()
    wrong_report(page, pages["sticker"])
    assert page.title().startswith("出错：")
    assert page.evaluate("document.activeElement.id") == "errors"
    page.get_by_role("link", name="请写一句话，说说是什么事").click()
    assert page.evaluate("document.activeElement.id") == "f-text"
    described = page.locator("#f-text").get_attribute("aria-describedby").split()
    assert "请写一句话，说说是什么事" in page.locator(f"#{described[-1]}").inner_text()


def test_what_is_written_offline_is_not_lost(pages: dict[str, str], person: Callable[..., Any]) -> None:
    before = ServiceRequest.objects.count()
    page = person()
    page.goto(pages["sticker"])
    page.context.set_offline(True)
    page.get_by_label("什么事").fill("停电了，楼道全黑")
    page.get_by_role("button", name="提交", exact=True).click()
    assert page.locator("#offline").is_visible()
    assert ServiceRequest.objects.count() == before, "nothing is sent behind anybody's back"
    page.context.set_offline(False)
    page.goto(pages["home"])
    page.goto(pages["sticker"])
    assert page.get_by_label("什么事").input_value() == "停电了，楼道全黑"
    assert page.locator("#offline").is_hidden()
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_url("**/t/**")
    page.goto(pages["sticker"])
    assert page.get_by_label("什么事").input_value() == "", "what arrived is no draft any more"


def test_two_taps_on_submit_send_once(pages: dict[str, str], person: Callable[..., Any]) -> None:
    before = ServiceRequest.objects.count()
    page = person()
    page.goto(pages["sticker"])
    page.get_by_label("什么事").fill("楼道灯坏了")
    page.get_by_role("button", name="提交", exact=True).dblclick()
    page.wait_for_url("**/t/**")
    assert ServiceRequest.objects.count() == before + 1


def test_similar_matters_follow_what_is_written(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person()
    page.goto(pages["sticker"])
    assert page.locator("[data-words]:visible").count() >= 2
    page.get_by_label("什么事").fill("电梯停了，老人下不了楼")
    shown = page.locator("[data-words]:visible b").all_inner_texts()
    assert shown
    assert all("电梯" in title for title in shown)
    page.locator("[data-words]:visible button").first.click()
    page.get_by_text("记下了").wait_for()


def test_a_large_photo_is_made_small_before_it_travels(pages: dict[str, str], person: Callable[..., Any]) -> None:
    content = BytesIO()
    Image.effect_noise((2400, 1800), 90).convert("RGB").save(content, "JPEG", quality=90)
    page = person()
    page.goto(pages["sticker"])
    page.set_input_files("#f-photo", {"name": "大照片.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()})
    wait_until(lambda: page.evaluate("document.querySelector('#f-photo').files[0].name") == "photo.jpg")
    assert page.evaluate("document.querySelector('#f-photo').files[0].size") < len(content.getvalue())
    assert "已选好照片：大照片.jpg" in page.locator(".pick").inner_text()
    page.get_by_label("什么事").fill("墙皮掉了")
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("link", name="看进度").click()
    image = page.locator("main img")
    image.scroll_into_view_if_needed()
    wait_until(lambda: image.evaluate("one => one.naturalWidth") == 1600)


def test_the_large_type_is_switched_in_place(pages: dict[str, str], person: Callable[..., Any]) -> None:
    page = person()
    page.goto(pages["sticker"])
    page.get_by_label("什么事").fill("写到一半")
    page.get_by_role("link", name="大字版").click()
    assert page.evaluate("document.documentElement.className") == "big"
    assert page.get_by_label("什么事").input_value() == "写到一半"
    page.goto(pages["lookup"])
    assert page.evaluate("document.documentElement.className") == "big"
    assert re.search("标准版", page.locator(".size").inner_text())
