"""Who is told what, once; what the inbox shows; and mails that go out once."""

import pytest
from django.core import mail

from audit.models import Event, Job
from clockwork.selectors import db_now
from common.errors import NotFound
from notifications import actions, handlers, selectors, tasks
from notifications.models import Channel, Notice
from partners.models import Membership, Partner
from requests_board.actions import allocations, dispatch, needs, requests
from requests_board.models import ServiceRequest
from tests import factories
from tests.pool import ask_time_has_come


@pytest.fixture
def asked(pool):
    need = pool.ask()
    ask_time_has_come(need)
    return dispatch.run(str(need.pk))


def told(verb, handler):
    handler(Event.objects.filter(verb=verb).latest("id"))
    return [(notice.recipient.username, notice.title) for notice in Notice.objects.order_by("id")]


def test_the_department_is_asked_and_nobody_else(pool, asked):
    assert told("allocation.held", handlers.ask_the_partner) == [("liaison1", "请答复：示例部门1讲座 1 场")]
    notice = Notice.objects.get()
    assert notice.url == f"/liaison/#a-{asked.pk}"
    assert "199" not in notice.body


def test_an_event_delivered_twice_tells_once(pool, asked):
    told("allocation.held", handlers.ask_the_partner)
    assert len(told("allocation.held", handlers.ask_the_partner)) == 1


def test_an_asking_that_is_over_is_not_told_any_more(pool, asked):
    allocations.decline(asked, actor=pool.liaison(), reason=pool.busy)
    assert told("allocation.held", handlers.ask_the_partner) == []


@pytest.mark.parametrize(
    ("answer", "verb", "title"),
    [
        (lambda a, p: allocations.confirm(a, actor=p.liaison()), "allocation.confirmed", "已落实"),
        (lambda a, p: allocations.decline(a, actor=p.liaison(), reason=p.busy), "allocation.declined", "对方来不了"),
        (
            lambda a, p: allocations.counter(a, actor=p.liaison(), slot=p.slots()[3]),
            "allocation.countered",
            "对方想改期",
        ),
    ],
)
def test_whoever_asked_hears_the_answer(pool, asked, answer, verb, title):
    answer(asked, pool)
    ((name, words),) = told(verb, handlers.tell_the_community)
    assert name == "community_worker"
    assert words.startswith(title)


def test_the_district_hears_what_the_pool_could_not_serve(pool):
    need = pool.ask(quantity=9)
    ask_time_has_come(need)
    dispatch.run(str(need.pk))
    ((name, words),) = told("resource_request.raised", handlers.tell_the_district)
    assert name == "district_official"
    assert "请协调" in words


def test_whoever_asked_hears_what_became_of_it_in_the_district(pool):
    need = pool.ask(quantity=9)
    ask_time_has_come(need)
    dispatch.run(str(need.pk))
    needs.give_up(need, actor=pool.town.person("district_official"), reason="全区没有这么多")
    told("resource_request.raised", handlers.tell_who_asked)
    names, titles = zip(*told("resource_request.given_up", handlers.tell_who_asked), strict=True)
    assert set(names) == {"community_worker"}
    assert [title.split("：")[0] for title in titles] == ["转到区里协调", "区里也没有办法"]
    assert Notice.objects.latest("id").url.endswith(need.number)


@pytest.fixture
def firm(pool):
    partner = Partner.objects.create(area=pool.town.community, category="property", name="示例物业", code="W1")
    Membership.objects.create(
        user=factories.user("steward"), partner=partner, role="partner_staff", valid_from="2020-01-01"
    )
    return partner


def handed(pool, firm, **more):
    row = requests.submit_request(area=pool.town.building, text="灯坏了", **more)
    row = requests.assign(row, partner=firm, actor=pool.town.person("community_worker"))
    handlers.tell_the_handler_later(Event.objects.filter(verb="request.assigned").latest("id"))
    return row, Job.objects.filter(kind=actions.ASSIGNED_JOB).order_by("-id").first()


def test_the_firm_is_told_when_undoing_is_over(pool, firm):
    _, job = handed(pool, firm)
    assert not Notice.objects.exists()
    assert job.next_at > db_now()
    tasks.assigned(job.payload)
    assert Notice.objects.get().recipient.username == "steward"


def test_what_was_taken_back_is_never_told(pool, firm):
    row, job = handed(pool, firm)
    requests.recall(row, actor=pool.town.person("community_worker"))
    tasks.assigned(job.payload)
    assert not Notice.objects.exists()


def test_what_is_urgent_is_told_at_once(pool, firm):
    handed(pool, firm, severity="urgent")
    assert Notice.objects.get().urgent


def test_what_comes_back_goes_to_the_nearest_people(pool, firm):
    row, _ = handed(pool, firm)
    requests.return_order(row, actor=pool.town.person("community_worker"), reason="归区里")
    handlers.tell_the_place(Event.objects.get(verb="request.returned"))
    # The grid's own worker stands nearest; the community and the street are not told as well.
    assert [notice.recipient.username for notice in Notice.objects.all()] == ["grid_worker"]


def test_the_inbox_is_the_persons_own(client, pool):
    person, other = pool.town.person("community_worker"), pool.town.person("street_worker")
    mine, theirs = actions.tell([person], title="给我的", url="/desk/"), actions.tell([other], title="给别人的")
    client.force_login(person)
    page = client.get("/inbox/").content.decode()
    assert "给我的" in page
    assert "给别人的" not in page
    assert client.post(f"/inbox/{mine[0].pk}/").headers["Location"] == "/desk/"
    assert client.post(f"/inbox/{theirs[0].pk}/").status_code == 404
    assert selectors.unread_count(person) == 0
    with pytest.raises(NotFound):
        actions.read(theirs[0].pk, actor=person)


def test_all_that_was_shown_is_read_and_nothing_newer(client, pool):
    person = pool.town.person("community_worker")
    shown = actions.tell([person], title="一")[0]
    actions.tell([person], title="二")
    client.force_login(person)
    client.post("/inbox/read-all/", {"up_to": shown.pk})
    assert [notice.title for notice in Notice.objects.unread()] == ["二"]


def test_a_notice_never_leads_out_of_the_house(client, pool):
    person = pool.town.person("community_worker")
    bad = actions.tell([person], title="一", url="//example.org/")[0]
    client.force_login(person)
    assert client.post(f"/inbox/{bad.pk}/").headers["Location"] == "/inbox/"


def test_the_inbox_goes_on_page_by_page(client, pool, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE", 2)
    person = pool.town.person("community_worker")
    for n in range(3):
        actions.tell([person], title=f"第{n}条")
    client.force_login(person)
    first = client.get("/inbox/")
    assert [notice.title for notice in first.context["notices"]] == ["第2条", "第1条"]
    second = client.get("/inbox/", {"before": first.context["next_before"]})
    assert [notice.title for notice in second.context["notices"]] == ["第0条"]


def test_mail_goes_out_once_and_its_link_is_forgotten(pool, settings, asked):
    settings.EMAIL_HOST = "127.0.0.1"
    actions.set_mail_address("someone@example.org", actor=pool.liaison())
    told("allocation.held", handlers.ask_the_partner)
    letter = Notice.objects.get(channel=Channel.MAIL)
    assert Job.objects.get(kind=actions.MAIL_JOB).payload == {"notice": letter.pk}
    assert actions.send_mail(letter.pk)
    assert not actions.send_mail(letter.pk)
    assert len(mail.outbox) == 1
    assert mail.outbox[0].to == ["someone@example.org"]
    assert "/a/" in mail.outbox[0].body
    letter.refresh_from_db()
    assert (letter.url, letter.sent_at is not None) == ("", True)


def test_a_wrong_address_is_refused_and_an_empty_one_ends_it(client, pool, settings):
    settings.EMAIL_HOST = "127.0.0.1"
    person = pool.town.person("community_worker")
    client.force_login(person)
    assert client.post("/inbox/mail/", {"address": "nonsense"}).status_code == 422
    client.post("/inbox/mail/", {"address": "a@example.org"})
    assert selectors.mail_address(person) == "a@example.org"
    client.post("/inbox/mail/", {"address": ""})
    assert selectors.mail_address(person) == ""


def test_without_a_mail_server_there_is_only_the_inbox(pool, asked):
    actions.set_mail_address("someone@example.org", actor=pool.liaison())
    told("allocation.held", handlers.ask_the_partner)
    assert [notice.channel for notice in Notice.objects.all()] == [Channel.INBOX]


def test_a_resident_is_nobodys_notice(pool):
    requests.submit_request(area=pool.town.building, text="灯坏了", phone="19900001234")
    assert ServiceRequest.objects.count() == 1
    assert not Notice.objects.exists()
