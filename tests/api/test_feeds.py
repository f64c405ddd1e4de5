"""A person's commitments as a calendar: right by the format, theirs alone, without a word about people, revocable."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import actions
from accounts.selectors import calendar_token, owner_of_calendar
from api import feeds
from audit.models import Event
from clockwork.selectors import db_now
from partners.models import ResourceSlot
from requests_board.actions import allocations, dispatch
from tests.api import strict_calendar
from tests.pool import ask_time_has_come

pytestmark = pytest.mark.django_db


def feed(client, user, **headers):
    user.refresh_from_db()
    return client.get(reverse("api:calendar", args=[calendar_token(user)]), headers=headers)


def opened(user):
    actions.renew_calendar(user, actor=user)
    user.refresh_from_db()
    return user


def events(response):
    """Return the events as dictionaries, read as strictly as the format allows."""
    return [
        {name + "".join(f";{word}" for word in words): value for name, (words, value) in event.items()}
        for event in strict_calendar.events(response.content)
    ]


@pytest.fixture
def held(pool):
    ResourceSlot.objects.filter(starts_at__lt=db_now() + timedelta(days=4)).delete()  # far enough to be called off
    need = pool.ask(place="王大爷家", note="王大爷腿脚不便")
    ask_time_has_come(need)
    return dispatch.run(str(need.pk))


@pytest.fixture
def liaison(pool):
    return opened(pool.liaison())


@pytest.fixture
def worker(pool):
    return opened(pool.town.community_worker)


def test_what_is_asked_is_tentative_for_the_partner_and_nothing_for_the_place(client, held, liaison, worker):
    (event,) = events(feed(client, liaison))
    assert (event["STATUS"], event["TRANSP"]) == ("TENTATIVE", "TRANSPARENT")
    assert event["SUMMARY"].startswith("待答复：")
    assert events(feed(client, worker)) == []


def test_what_is_promised_is_confirmed_for_both(client, pool, held, liaison, worker):
    before = int(events(feed(client, liaison))[0]["SEQUENCE"])
    allocations.confirm(held, actor=pool.liaison())
    for user in (liaison, worker):
        (event,) = events(feed(client, user))
        assert event["STATUS"] == "CONFIRMED"
        assert event["UID"].startswith(str(held.pk))
        assert int(event["SEQUENCE"]) > before
        starts = held.slot.starts_at.astimezone(feeds.ZoneInfo("Asia/Shanghai"))
        assert event["DTSTART;TZID=Asia/Shanghai"] == f"{starts:%Y%m%dT%H%M%S}"
        assert event["LOCATION"] == "槐荫社区"


def test_what_is_cancelled_says_so_and_keeps_its_name(client, pool, held, liaison, worker):
    allocations.confirm(held, actor=pool.liaison())
    uid = events(feed(client, liaison))[0]["UID"]
    allocations.cancel(held, actor=pool.town.person("community_worker"), reason="不办了", not_needed=True)
    for user in (liaison, worker):
        (event,) = events(feed(client, user))
        assert (event["UID"], event["STATUS"]) == (uid, "CANCELLED")


def test_nobody_sees_what_is_not_theirs(client, pool, held, liaison):
    allocations.confirm(held, actor=pool.liaison())
    for other in (pool.liaison(1), pool.town.far_worker, pool.town.outsider, pool.town.neighbour_worker):
        assert events(feed(client, opened(other))) == []
    pool.liaison().memberships.update(valid_to="2020-02-02")
    assert events(feed(client, liaison)) == []


def test_no_word_about_people(client, pool, held, liaison):
    text = feed(client, liaison).content.decode()
    assert "王大爷" not in text.replace("\r\n ", "")


def test_it_is_read_again_only_when_something_changed(client, pool, held, liaison):
    first = feed(client, liaison)
    assert first["Content-Type"] == "text/calendar; charset=utf-8"
    assert first["Cache-Control"] == "private, no-cache"
    again = feed(client, liaison, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    allocations.confirm(held, actor=pool.liaison())
    assert feed(client, liaison, **{"If-None-Match": first["ETag"]}).status_code == 200


def test_what_is_long_ago_is_left_out(client, held, liaison):
    ResourceSlot.objects.filter(pk=held.slot_id).update(
        starts_at=db_now() - timedelta(days=32), ends_at=db_now() - timedelta(days=31)
    )
    assert events(feed(client, liaison)) == []


# The address ---------------------------------------------------------------------------------------------------------


def test_another_address_makes_the_old_one_dead_for_good(client, pool):
    user = opened(pool.liaison())
    addresses = [reverse("api:calendar", args=[calendar_token(user)])]
    addresses.append(reverse("api:calendar", args=[calendar_token(opened(user))]))
    assert [client.get(address).status_code for address in addresses] == [404, 200]
    actions.close_calendar(user, actor=user)
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    opened(user)
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    assert Event.objects.filter(verb="calendar.opened").count() == 3


def test_a_closed_account_has_no_calendar(client, pool):
    user = opened(pool.liaison())
    token = calendar_token(user)
    actions.set_active(user, active=False, actor=None)
    assert owner_of_calendar(token) is None


def test_no_address_is_guessed(pool):
    user, other = opened(pool.liaison()), pool.liaison(1)
    token = calendar_token(user)
    assert calendar_token(other) == ""
    assert owner_of_calendar(token) == user
    for wrong in ("", "x", token[:-1], token[:-1] + "~", f"{other.pk.hex}-{token[33:]}", f"{user.pk.hex}-", "-" * 59):
        assert owner_of_calendar(wrong) is None


def test_a_calendar_address_opens_nothing_else(client, pool):
    feed(client, opened(pool.liaison()))
    assert client.get("/liaison/").status_code == 302


def test_the_settings_page_gives_changes_and_ends_the_address(client, pool, settings):
    user = pool.liaison()
    client.force_login(user)
    page = client.get(reverse("accounts:me"))
    assert "生成订阅地址" in page.content.decode()
    seen = []
    for _ in range(2):
        client.post(reverse("accounts:calendar"))
        seen.append(client.get(reverse("accounts:me")).context["calendar"])
        assert seen[-1].startswith(settings.PUBLIC_BASE_URL)
    assert seen[0] != seen[1]
    client.post(reverse("accounts:calendar"), {"close": "1"})
    assert client.get(reverse("accounts:me")).context["calendar"] == ""


def test_the_mail_address_is_set_from_the_settings_page(client, pool, settings):
    settings.EMAIL_HOST = "mail.invalid"
    client.force_login(pool.liaison())
    answer = client.post("/inbox/mail/", {"address": "a@example.invalid", "from": "me"})
    assert answer["Location"] == "/me/"
    assert 'value="a@example.invalid"' in client.get("/me/").content.decode()


# The format ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "a" * 74, "a" * 75, "a" * 76, "汉" * 25, "汉" * 26, "汉字a" * 100, "😀" * 40])
def test_lines_are_folded_between_characters_and_unfold_to_the_same(text):
    folded = feeds.fold(text)
    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
    assert folded.replace("\r\n ", "").removesuffix("\r\n") == text


def test_free_words_mean_nothing_to_the_format():
    words = feeds.escape("讲座;法律,一\\二\r\nEND:VEVENT\x00\x07")
    assert words == "讲座\\;法律\\,一\\\\二\\nEND:VEVENT"
    assert "\n" not in words


def test_a_resources_name_cannot_write_into_the_calendar(client, held, liaison):
    type(held.resource).objects.filter(pk=held.resource_id).update(name="坏\r\nATTENDEE:mailto:x@example.invalid")
    (event,) = events(feed(client, liaison))
    assert "ATTENDEE" not in event


def test_a_zone_that_changes_its_clocks_is_written_in_utc(client, held, liaison, settings):
    assert "BEGIN:VTIMEZONE" in feed(client, liaison).content.decode()
    settings.TIME_ZONE = "Europe/Berlin"
    text = feed(client, liaison).content.decode()
    assert "VTIMEZONE" not in text
    assert re.search(r"DTSTART:\d{8}T\d{6}Z", text)


def test_it_is_the_same_however_often_it_is_written(client, held, liaison):
    assert feed(client, liaison).content == feed(client, liaison).content


BROKEN = {
    "bare line end": (b"\r\nVERSION", b"\nVERSION"),
    "long line": (b"PRODID:", b"PRODID:" + b"x" * 80),
    "no version": (b"VERSION:2.0\r\n", b""),
    "no end": (b"END:VCALENDAR\r\n", b""),
    "two names for an event": (b"BEGIN:VEVENT\r\n", b"BEGIN:VEVENT\r\nUID:x\r\n"),
    "unknown property": (b"BEGIN:VEVENT\r\n", b"BEGIN:VEVENT\r\nCOLOUR:red\r\n"),
    "escape of nothing": (b"SUMMARY:", b"SUMMARY:\\x"),
    "bare comma": (b"SUMMARY:", b"SUMMARY:a,b"),
    "state of another component": (b"STATUS:TENTATIVE", b"STATUS:NEEDS-ACTION"),
    "a moment that is none": (b"DTSTAMP:20", b"DTSTAMP:2x"),
    "a zone that is not told": (b"DTSTART;TZID=Asia/Shanghai", b"DTSTART;TZID=Asia/Nowhere"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_control_the_strict_reader_notices_what_is_not_the_format(client, held, liaison, fault):
    content = feed(client, liaison).content
    assert strict_calendar.events(content)
    changed = content.replace(*BROKEN[fault], 1)
    assert changed != content
    with pytest.raises(strict_calendar.Fault):
        strict_calendar.events(changed)
