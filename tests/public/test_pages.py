"""The residents' pages without a browser: what they show, take in and refuse."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.models import RateLimit
from audit.models import Event
from clockwork.selectors import db_now
from grids.models import Area, BuildingCode
from requests_board import public_selectors as reads
from requests_board.actions import public
from requests_board.actions import requests as verbs
from requests_board.models import NotAcceptedReason, RequestPhoto, ServiceRequest, SystemFeedback
from requests_board.workflow import RequestStatus
from tests.public.conftest import LIFT, Block, picture

pytestmark = pytest.mark.django_db
S = RequestStatus


def send(client: Client, block: Block, **changes: Any) -> Any:
    """Send the report form the way the page does."""
    return client.post(reverse("requests_board:report"), {"place": block.building.pk, "text": "灯坏了", **changes})


def home_of(block: Block) -> str:
    return reverse("requests_board:community", args=[reads.place_of(block.community).door])


# Ways in --------------------------------------------------------------------------------------------------------------


def test_the_sticker_opens_the_form_with_the_place_filled_in(client: Client, block: Block) -> None:
    page = client.get(f"/b/{block.code}/").content.decode()
    assert block.community.name in page
    assert block.building.name in page
    assert f'name="place" value="{block.building.pk}"' in page


def test_a_replaced_sticker_leads_to_the_list_of_buildings(client: Client, block: Block) -> None:
    BuildingCode.objects.filter(code=block.code).update(valid_to=db_now() - timedelta(days=1))
    page = client.get(f"/b/{block.code}/")
    assert page.status_code == 410
    assert "这张码已换新，请选楼号" in page.content.decode()
    assert f"?place={block.building.pk}" in page.content.decode()


@pytest.mark.parametrize("path", ["/b/NOSUCH/", "/c/000/", "/c/000/buildings/", "/t/1124-AAAAA/aaaa/", "/b/%00/"])
def test_unknown_tokens_answer_like_missing_pages(client: Client, block: Block, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 404
    assert "回到首页" in page.content.decode()


def test_home_lists_streets_and_communities(client: Client, block: Block) -> None:
    page = client.get("/").content.decode()
    assert block.town.street.name in page
    assert home_of(block) in page


def test_home_finds_a_place_by_name(client: Client, block: Block) -> None:
    estate = block.town.estate
    page = client.get("/", {"q": estate.name}).content.decode()
    assert f"?place={estate.pk}" in page
    assert "没有找到“月球”" in client.get("/", {"q": "月球"}).content.decode()


def test_home_says_so_while_no_community_is_there(client: Client, db: None) -> None:
    assert "还没有登记社区" in client.get("/").content.decode()


def test_a_place_is_remembered_by_choice_only(client: Client, block: Block) -> None:
    client.get(home_of(block))
    assert "place" not in client.cookies
    client.post(reverse("requests_board:remember"), {"place": block.building.pk, "keep": "1"})
    assert client.get("/").headers["Location"] == f"{home_of(block)}?place={block.building.pk}"
    assert client.get("/?choose=1").status_code == 200
    client.post(reverse("requests_board:remember"), {"place": block.building.pk, "keep": "0"})
    assert client.get("/").status_code == 200


def test_a_remembered_place_that_is_gone_leads_home(client: Client, block: Block) -> None:
    client.cookies["place"] = "999999999"
    assert client.get("/").status_code == 200


def test_the_large_type_works_as_a_plain_link(client: Client, block: Block) -> None:
    answer = client.get("/size/", {"to": "big", "next": "/progress/"})
    assert answer.headers["Location"] == "/progress/"
    page = client.get("/progress/")
    assert 'class="big"' in page.content.decode()
    assert "Cookie" in page.headers["Vary"]
    client.get("/size/", {"to": "normal"})
    assert 'class="big"' not in client.get("/progress/").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_the_way_back_never_leads_elsewhere(client: Client, db: None, elsewhere: str) -> None:
    assert client.get("/size/", {"to": "big", "next": elsewhere}).headers["Location"] == "/"


# The community's home -------------------------------------------------------------------------------------------------


def test_what_was_done_is_told_without_anybodys_words(client: Client, block: Block) -> None:
    block.solved(text="我是丙门的张三，灯坏了，电话19900001234", phone="19900001234", place_detail="丙门")
    page = client.get(home_of(block)).content.decode()
    assert "楼道照明" in page
    for private in ("张三", "丙门", "1990000", "0001234"):
        assert private not in page.replace(block.community.code, "")


def test_sensitive_and_unsorted_matters_are_not_told(client: Client, block: Block) -> None:
    row = block.solved()
    type(row.category).objects.filter(pk=row.category_id).update(sensitive=True)
    block.solved(category="")
    page = client.get(home_of(block)).content.decode()
    assert "楼道照明" not in page
    assert "最近没有" in page


def test_the_months_figures_are_counted(client: Client, block: Block) -> None:
    block.solved()
    block.say(category=LIFT)
    text = re.sub(r"\s+|<[^>]+>", "", client.get(home_of(block)).content.decode())
    assert "收到2件" in text
    assert "办好1件" in text
    assert "从1日算到今天" in text


# Reporting ------------------------------------------------------------------------------------------------------------


def test_one_sentence_is_enough(client: Client, block: Block) -> None:
    answer = send(client, block)
    row = ServiceRequest.objects.get()
    assert answer.headers["Location"] == f"{block.link(row)}?new=1"
    assert (row.text, row.area_id, row.channel) == ("灯坏了", block.building.pk, "web")
    page = client.get(answer.headers["Location"]).content.decode()
    assert row.number in page
    assert "以前有人" in page


def test_a_scan_is_known_as_a_scan(client: Client, block: Block) -> None:
    send(client, block, via=block.code)
    send(client, block, via="FORGED")
    assert list(ServiceRequest.objects.order_by("created_at").values_list("channel", flat=True)) == ["qr", "web"]


def test_photo_phone_and_category_are_taken_in(client: Client, block: Block) -> None:
    send(client, block, photo=picture(), phone="１９９ 0000 1234", category=LIFT, place_detail="北门口")
    row = ServiceRequest.objects.get()
    assert (row.phone, row.category_id, row.place_detail) == ("19900001234", LIFT, "北门口")
    assert row.photos.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": " "}, "请写一句话，说说是什么事"),
        ({"text": "长" * 501}, "太长了，最多写 500 个字"),
        ({"phone": "1990000123"}, "手机号少了 1 位，请看看"),
        ({"phone": "199000012345"}, "手机号多了 1 位，请看看"),
        ({"phone": "我的手机"}, "手机号里只能有数字，请看看"),
        ({"phone": "12345"}, "手机号少了 6 位，请看看"),
        ({"category": "999999"}, "没有这一类，可以不选"),
        ({"website": "https://spam"}, "没有发出去，请再点一次"),
    ],
)
def test_what_is_wrong_is_said_twice_and_nothing_is_lost(
    client: Client, block: Block, changes: dict[str, str], words: str
) -> None:
    answer = send(client, block, **{"text": "灯坏了", **changes})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "<title>出错：" in page
    assert page.count(words) == (1 if "website" in changes else 2)
    assert ServiceRequest.objects.count() == 0
    if "text" not in changes:
        assert ">\n灯坏了</textarea>" in page


def test_something_that_is_no_photo_is_refused_in_words(client: Client, block: Block) -> None:
    fake = picture()
    fake.file.seek(0)
    fake.file.write(b"not a picture at all")
    answer = send(client, block, photo=fake)
    assert answer.status_code == 422
    assert 'href="#f-photo"' in answer.content.decode()


def test_a_form_without_a_place_leads_to_the_list(client: Client, block: Block) -> None:
    for place in ("", "abc", "9" * 30, str(block.town.district.pk)):
        assert client.post("/report/", {"place": place, "text": "灯坏了"}).headers["Location"] == "/?choose=1"


def test_the_district_sets_how_often_one_sender_may_write(client: Client, block: Block) -> None:
    RateLimit.objects.filter(pk="report").update(amount=2)
    assert [send(client, block).status_code for _ in range(3)] == [302, 302, 429]
    assert ServiceRequest.objects.count() == 2


def test_forms_are_guarded_against_other_sites(block: Block) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/report/", {"place": block.building.pk, "text": "灯坏了"})
    assert answer.status_code == 403
    assert "请再提交一次" in answer.content.decode()


# 我也遇到了 ------------------------------------------------------------------------------------------------------


def test_neighbours_say_that_they_met_the_same(client: Client, block: Block) -> None:
    row = block.say(text="只有我知道的话")
    page = client.get(f"/b/{block.code}/").content.decode()
    assert "这栋楼有人说过这些" in page
    assert "只有我知道的话" not in page
    for expected in ("记下了", "您已经点过"):
        answer = client.post("/echo/", {"place": block.building.pk, "matter": row.pk}, follow=True)
        assert expected in answer.content.decode()
    assert row.echoes.count() == 1
    assert "1 户也遇到" in client.get(f"/b/{block.code}/").content.decode()


def test_who_scanned_and_tapped_still_counts_as_scanned(client: Client, block: Block) -> None:
    row = block.say()
    tap = {"place": block.building.pk, "matter": row.pk, "via": block.code}
    page = client.post("/echo/", tap, follow=True).content.decode()
    assert f'name="via" value="{block.code}"' in page
    assert 'name="via"' not in client.post("/echo/", {**tap, "via": "XX"}, follow=True).content.decode()


def test_only_what_the_building_shows_can_be_tapped(client: Client, block: Block) -> None:
    elsewhere = block.say(area=block.town.far_building)
    assert client.post("/echo/", {"place": block.building.pk, "matter": elsewhere.pk}).status_code == 404
    assert client.post("/echo/", {"place": block.building.pk, "matter": "x"}).status_code == 404
    assert elsewhere.echoes.count() == 0


def test_a_forged_note_is_not_shown(client: Client, block: Block) -> None:
    page = client.get("/report/", {"place": block.building.pk, "noted": "ok:forged"}).content.decode()
    assert "记下了" not in page


# The link -------------------------------------------------------------------------------------------------------------


def test_the_link_tells_every_step_in_plain_words(client: Client, block: Block) -> None:
    row = block.solved(phone="19900001234")
    page = client.get(block.link(row)).content.decode()
    assert [page.index(word) for word in ("等您看一看", "换了新灯。")]
    assert "收到了" in page
    assert "19900001234" not in page
    assert "社区接手了" not in page, "half of a step taken in one breath is not told"


def test_a_wrong_link_answers_like_one_that_never_was(client: Client, block: Block) -> None:
    row = block.say()
    # A digit that base32 does not know, so that it never is the right one by chance.
    wrong = block.link(row)[:-2] + "1/"
    answers = [client.get(path) for path in (wrong, "/t/1124-AAAAA/aaaa/")]
    assert {answer.status_code for answer in answers} == {404}
    for path in ("answer/", "more/"):
        assert client.post(wrong + path, {"say": "ok"}).status_code == 404


def test_the_resident_is_satisfied(client: Client, block: Block) -> None:
    row = block.solved()
    client.post(f"{block.link(row)}answer/", {"say": "ok"})
    row.refresh_from_db()
    assert (row.status, row.rating) == (S.CLOSED, "good")
    assert "您说办好了，谢谢" in client.get(block.link(row)).content.decode()


def test_not_done_opens_it_again(client: Client, block: Block) -> None:
    row = block.solved()
    client.post(f"{block.link(row)}answer/", {"say": "again", "reason": "北屋还黑"})
    row.refresh_from_db()
    assert row.status == S.REOPENED
    page = client.get(block.link(row)).content.decode()
    assert "您说还没好，重新办" in page
    assert "北屋还黑" in page


def test_it_can_be_taken_back(client: Client, block: Block) -> None:
    row = block.say()
    client.post(f"{block.link(row)}answer/", {"say": "withdraw"})
    row.refresh_from_db()
    assert row.status == S.WITHDRAWN


def test_a_second_tap_gets_a_sentence(client: Client, block: Block) -> None:
    row = block.solved()
    client.post(f"{block.link(row)}answer/", {"say": "ok"})
    answer = client.post(f"{block.link(row)}answer/", {"say": "ok"})
    assert answer.status_code == 409
    assert "回到首页" in answer.content.decode()
    assert client.post(f"{block.link(row)}answer/", {"say": "?"}).status_code == 422


def test_more_is_added_later(client: Client, block: Block) -> None:
    row = block.say()
    client.post(f"{block.link(row)}more/", {"more": "四楼也不亮", "phone": "19900001234", "photo": picture()})
    row.refresh_from_db()
    assert row.text.endswith("补充：四楼也不亮")
    assert row.phone == "19900001234"
    assert row.photos.count() == 1
    assert Event.objects.filter(verb="request.supplemented", target_id=str(row.pk)).exists()


def test_an_empty_addition_is_refused(client: Client, block: Block) -> None:
    answer = client.post(f"{block.link(block.say())}more/", {"more": " "})
    assert answer.status_code == 422
    assert "写一句话、选一张照片，或者留个手机号" in answer.content.decode()


def test_a_second_number_is_refused(client: Client, block: Block) -> None:
    row = block.say(phone="19900001234")
    answer = client.post(f"{block.link(row)}more/", {"phone": "19900005678"})
    assert answer.status_code == 422
    row.refresh_from_db()
    assert row.phone == "19900001234"


def test_nothing_is_added_to_what_is_over(client: Client, block: Block) -> None:
    row = block.say()
    verbs.withdraw(row, actor=verbs.resident(row))
    assert client.post(f"{block.link(row)}more/", {"more": "还有一句"}).status_code == 422
    row.refresh_from_db()
    assert "还有一句" not in row.text


def test_a_photo_is_shown_to_the_holder_of_its_link_only(client: Client, block: Block) -> None:
    row, other = block.say(photos=[picture()]), block.say()
    photo = row.photos.get()
    answer = client.get(f"{block.link(row)}photo/{photo.pk}/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert "no-store" in answer.headers["Cache-Control"]
    assert b"".join(answer.streaming_content)[:2] == b"\xff\xd8"
    assert client.get(f"{block.link(other)}photo/{photo.pk}/").status_code == 404
    assert client.get(f"{block.link(row)}photo/{uuid4()}/").status_code == 404
    assert RequestPhoto.objects.count() == 1


def test_who_is_not_served_here_learns_where_to_go(client: Client, block: Block) -> None:
    reason = NotAcceptedReason.objects.first()
    row = verbs.not_accept(block.say(), actor=block.worker, reason=reason)
    page = client.get(block.link(row)).content.decode()
    assert reason.referral in page


def test_a_late_request_is_not_hidden(client: Client, block: Block) -> None:
    row = block.say()
    ServiceRequest.objects.filter(pk=row.pk).update(due_at=db_now() - timedelta(hours=1))
    assert "比说好的时间晚了" in client.get(block.link(row)).content.decode()


def test_what_only_the_holder_may_see_is_not_kept_on_the_way(client: Client, block: Block) -> None:
    assert client.get(block.link(block.say())).headers["Cache-Control"] == "private, no-store"


# 查进度 ------------------------------------------------------------------------------------------------------


def look(client: Client, number: str, last4: str) -> Any:
    return client.post("/progress/", {"number": number, "last4": last4})


def test_number_and_last_four_digits_find_the_request(client: Client, block: Block) -> None:
    row = block.say(phone="19900001234")
    for typed in (row.number, row.number.lower().replace("-", ""), f" {row.number} "):
        assert look(client, typed, "１２３４").headers["Location"] == block.link(row)


def test_every_miss_gets_the_same_answer(client: Client, block: Block) -> None:
    row, silent = block.say(phone="19900001234"), block.say()
    answers = [
        look(client, row.number, "9999"),
        look(client, "1124-ZZZZZ", "1234"),
        look(client, silent.number, "0000"),
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert len({re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers}) == 1


def test_guessing_is_slowed_down(client: Client, block: Block) -> None:
    RateLimit.objects.filter(pk="lookup").update(amount=3)
    assert [look(client, "1124-ZZZZZ", "1234").status_code for _ in range(4)][-1] == 429


def test_another_name_for_each_try_does_not_help_who_guesses(client: Client, block: Block) -> None:
    RateLimit.objects.filter(pk="lookup").update(amount=1)
    RateLimit.objects.filter(pk="lookup_number").delete()
    answers = [
        client.post("/progress/", {"number": "1124-ZZZZZ", "last4": "1234"}, headers={"User-Agent": f"browser {n}"})
        for n in range(public.DEVICES + 1)
    ]
    assert [answer.status_code for answer in answers] == [422] * public.DEVICES + [429]


def test_one_number_is_not_guessed_from_many_addresses(client: Client, block: Block) -> None:
    RateLimit.objects.filter(pk="lookup_number").update(amount=3)
    row = block.say(phone="19900001234")
    for n in range(3):
        assert client.post(
            "/progress/", {"number": row.number, "last4": "0000"}, REMOTE_ADDR=f"198.51.100.{n}"
        ).status_code == 422
    # Refused is the right guess as well, or the brake would tell it.
    assert look(client, row.number, "1234").status_code == 429
    assert look(client, "1124-ZZZZZ", "1234").status_code == 422


@pytest.mark.parametrize(("number", "last4"), [("", ""), ("123", "1234"), ("1124-ZZZZZ", "12")])
def test_a_lookup_that_cannot_be_read_says_why(client: Client, block: Block, number: str, last4: str) -> None:
    assert look(client, number, last4).status_code == 422


# 意见 --------------------------------------------------------------------------------------------------------


def test_opinions_about_this_site_are_taken_in(client: Client, block: Block) -> None:
    answer = client.post("/feedback/", {"text": "字再大一点", "page": "/progress/"}, follow=True)
    assert "收到了，谢谢您" in answer.content.decode()
    assert list(SystemFeedback.objects.values_list("text", "page")) == [("字再大一点", "/progress/")]
    assert client.post("/feedback/", {"text": ""}).status_code == 422


def test_every_page_offers_to_leave_an_opinion(client: Client, block: Block) -> None:
    row = block.say()
    for path in ("/", home_of(block), f"/b/{block.code}/", "/progress/", block.link(row), "/nothing/"):
        assert "/feedback/" in client.get(path).content.decode(), path


# Failures -------------------------------------------------------------------------------------------------------------


def test_the_page_of_a_failure_asks_no_database(
    block: Block, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("requests_board.views.tracking.LookupForm", broken)
    client = Client(raise_request_exception=False)
    with django_assert_num_queries(0):
        answer = client.get("/progress/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "回到首页" in page
    assert "broken on purpose" not in page


def test_a_database_that_is_away_is_said_to_be_away(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the connection was closed")

    monkeypatch.setattr("requests_board.views.tracking.LookupForm", away)
    answer = Client(raise_request_exception=False).get("/progress/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "过半分钟再点一次" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "home", "sticker", "buildings", "link"])
def test_public_pages_ask_little_of_the_database(
    client: Client, block: Block, path: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        block.solved(text=f"灯坏了 {number}")
    row = block.say()
    path = {
        "home": home_of(block),
        "sticker": f"/b/{block.code}/",
        "buildings": f"{home_of(block)}buildings/",
        "link": block.link(row),
    }.get(path, path)
    client.get(path)
    with django_assert_max_num_queries(12):
        client.get(path)


def test_places_above_a_community_are_not_for_reporting(client: Client, block: Block) -> None:
    assert Area.objects.get(pk=block.town.street.pk).kind == "street"
    assert client.get("/report/", {"place": block.town.street.pk}).headers["Location"] == "/?choose=1"


def test_nobody_is_promised_a_call_without_a_number(client: Client, block: Block) -> None:
    silent, known = block.say(), block.say(phone="19900001234")
    assert "有人接手" in client.get(block.link(silent)).content.decode()
    assert "有人联系您" not in client.get(block.link(silent)).content.decode()
    assert "有人联系您" in client.get(block.link(known)).content.decode()
