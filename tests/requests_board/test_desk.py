"""The desk: what is listed in which order, what is found, what each button does, and what is refused how."""

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from audit.models import Event, PersonalDataRead
from clockwork.selectors import db_now
from partners.models import Partner, PropertyService
from requests_board import desk_selectors
from requests_board.actions import allocations, dispatch, requests
from requests_board.models import RequestCategory, ResourceRequest, ServiceRequest
from requests_board.workflow import AllocationStatus, RequestStatus
from tests.pool import ask_time_has_come

R = RequestStatus
DESK = "/desk/"


@pytest.fixture
def worker(pool):
    return pool.town.person("community_worker")


@pytest.fixture
def at_desk(client, worker):
    client.force_login(worker)
    return client


@pytest.fixture
def firm(pool):
    partner = Partner.objects.create(area=pool.town.community, category="property", name="示例物业", code="W1")
    PropertyService.objects.create(partner=partner, area=pool.town.estate, valid_from="2020-01-01")
    return partner


@pytest.fixture
def lamp(pool, firm):
    return requests.submit_request(
        area=pool.town.building, text="二单元三楼的灯坏了", channel="qr", phone="19900001234"
    )


def due(row, hours):
    ServiceRequest.objects.filter(pk=row.pk).update(due_at=db_now() + timedelta(hours=hours))


def press(client, row, step, follow=False, **form):
    address = reverse("requests_board:request_step", args=[row.number, step])
    row.refresh_from_db()
    return client.post(f"{address}?f=assign", {"version": row.version, **form}, follow=follow)


def test_what_is_due_first_stands_first_with_the_time_left_in_words(at_desk, pool):
    rows = [requests.submit_request(area=pool.town.building, text=f"第{n}件") for n in range(3)]
    for row, hours in zip(rows, (30, -2, 5), strict=True):
        due(row, hours)
    answer = at_desk.get(DESK)
    assert [row.text for row in answer.context["rows"]] == ["第1件", "第2件", "第0件"]
    page = answer.content.decode()
    assert "超 2 小时" in page
    assert "剩 4 小时" in page
    assert "剩 29 小时" in page


@pytest.mark.parametrize(
    ("tab", "status"),
    [("assign", R.SUBMITTED), ("doing", R.ASSIGNED), ("reopened", R.REOPENED), ("visit", R.RESOLVED)],
)
def test_a_tab_keeps_its_rows_and_counts_them(at_desk, pool, firm, tab, status):
    kept = requests.submit_request(area=pool.town.building, text="这一件")
    for other in {R.SUBMITTED, R.ASSIGNED, R.REOPENED, R.RESOLVED} - {status}:
        row = requests.submit_request(area=pool.town.building, text="别的")
        ServiceRequest.objects.filter(pk=row.pk).update(status=other, handler_partner=firm)
    ServiceRequest.objects.filter(pk=kept.pk).update(status=status, handler_partner=firm)
    context = at_desk.get(DESK, {"f": tab}).context
    assert kept.number in [row.number for row in context["rows"]]
    assert context["counts"][tab] == len(context["rows"])


def test_the_next_page_goes_on_where_the_last_one_ended(at_desk, pool, monkeypatch):
    monkeypatch.setattr(desk_selectors, "PAGE", 2)
    rows = [requests.submit_request(area=pool.town.building, text=f"第{n}件") for n in range(5)]
    moment = db_now() + timedelta(hours=1)
    ServiceRequest.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=moment)
    seen, address = [], {"f": "assign"}
    while True:
        context = at_desk.get(DESK, address).context
        seen += [row.number for row in context["rows"]]
        if not context["next_after"]:
            break
        address = {"f": "assign", "after": context["next_after"]}
    assert sorted(seen) == sorted(row.number for row in rows)


@pytest.mark.parametrize(
    "words", ["1234", "199 0000 1234", "19900001234", "灯坏", "1号楼", "槐荫小区", "number", "三楼 1号楼"]
)
def test_search_finds_by_number_phone_place_and_words(at_desk, pool, lamp, words):
    requests.submit_request(area=pool.town.next_grid_building, text="别的事", phone="19900009999")
    words = lamp.number if words == "number" else words
    assert lamp.number in [row.number for row in at_desk.get(DESK, {"q": words}).context["rows"]]


def test_a_building_leader_finds_nobody_by_phone(client, pool, lamp):
    client.force_login(pool.town.person("building_leader"))
    assert at_words(client, "灯坏") == [lamp.number]
    assert at_words(client, "1234") == []
    assert at_words(client, "19900001234") == []


def at_words(client, words):
    return [row.number for row in client.get(DESK, {"q": words}).context["rows"]]


@pytest.mark.parametrize("query", [{}, {"f": "needs"}, {"q": "灯"}])
def test_the_list_costs_the_same_however_long_it_is(at_desk, pool, query):
    def cost():
        with CaptureQueriesContext(connection) as caught:
            assert at_desk.get(DESK, query).status_code == 200
        # Who is signed in and what they may do is asked on every page; the rest is the list's own.
        about_the_person = ("django_session", "accounts_user", "grids_post", "partners_membership", "grids_area_")
        return len([q for q in caught if not any(f'FROM "{t}' in q["sql"] for t in about_the_person)])

    requests.submit_request(area=pool.town.building, text="灯")
    pool.ask()
    cost()
    few = cost()
    for n in range(12):
        requests.submit_request(area=pool.town.building, text=f"灯{n}")
        pool.ask()
    assert cost() == few
    assert few <= 6


def test_a_request_of_another_community_is_not_there(client, pool, lamp):
    client.force_login(pool.town.person("neighbour_worker"))
    assert client.get(DESK, {"open": lamp.number}).status_code == 404
    assert client.get(DESK, {"open": "1124-NNNNN"}).status_code == 404
    assert press(client, lamp, "take").status_code == 404


def test_the_firm_of_the_estate_is_suggested_with_the_evidence(at_desk, pool, firm, lamp):
    kind = RequestCategory.objects.create(
        code="010103", l1="物业", l2="服务", name="楼道照明", limit_amount=3, limit_unit="working_day"
    )
    for text in ("灯一", "灯二"):
        old = requests.submit_request(area=pool.town.building, text=text, category=kind)
        then = db_now() - timedelta(days=10)
        ServiceRequest.objects.filter(pk=old.pk).update(
            status=R.CLOSED, handler_partner=firm, created_at=then, resolved_at=then + timedelta(days=2)
        )
    ServiceRequest.objects.filter(pk=lamp.pk).update(category=kind)
    page = at_desk.get(DESK, {"open": lamp.number}).content.decode()
    assert "建议派给：示例物业" in page
    assert "同类 2 件里 2 件由它办，平均 2.0 天" in page


def test_one_press_dispatches_and_the_strip_says_what_is_left(at_desk, pool, firm, lamp):
    requests.submit_request(area=pool.town.building, text="还有一件")
    answer = press(at_desk, lamp, "assign", follow=True, partner=firm.pk)
    lamp.refresh_from_db()
    assert (lamp.status, lamp.handler_partner) == (R.ASSIGNED, firm)
    page = answer.content.decode()
    assert "已派给示例物业，还剩 1 件" in page
    assert answer.redirect_chain[-1][0].startswith("/desk/?f=assign")
    assert "撤回" in page


def test_what_was_dispatched_can_be_taken_back(at_desk, firm, lamp):
    press(at_desk, lamp, "assign", partner=firm.pk)
    press(at_desk, lamp, "undo")
    lamp.refresh_from_db()
    assert (lamp.status, lamp.handler_partner) == (R.ACCEPTED, None)


def test_after_the_seconds_for_undoing_it_cannot(at_desk, firm, lamp):
    press(at_desk, lamp, "assign", partner=firm.pk)
    ServiceRequest.objects.filter(pk=lamp.pk).update(assigned_at=db_now() - timedelta(minutes=1))
    answer = press(at_desk, lamp, "undo")
    assert answer.status_code == 409
    assert "已经通知对方" in answer.content.decode()
    lamp.refresh_from_db()
    assert lamp.status == R.ASSIGNED


def test_whoever_is_slower_reads_what_happened(at_desk, pool, firm, lamp):
    old = lamp.version
    requests.take(lamp, actor=pool.town.person("street_worker"))
    address = reverse("requests_board:request_step", args=[lamp.number, "assign"])
    answer = at_desk.post(address, {"version": old, "partner": firm.pk})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "您慢了一步" in page
    assert "看最新情况" in page
    assert "办理中" in page


@pytest.mark.parametrize(
    ("step", "form", "status"),
    [
        ("take", {}, R.IN_PROGRESS),
        ("spot", {"result": "换了灯泡"}, R.RESOLVED),
        ("refuse", {"reason": "other"}, R.NOT_ACCEPTED),
    ],
)
def test_the_other_buttons(at_desk, lamp, step, form, status):
    assert press(at_desk, lamp, step, **form).status_code == 302
    lamp.refresh_from_db()
    assert lamp.status == status


def test_a_missing_result_is_asked_for_on_the_same_page(at_desk, lamp):
    answer = press(at_desk, lamp, "spot", result=" ")
    assert answer.status_code == 422
    assert "请写一句办理结果" in answer.content.decode()


def test_a_refusal_comes_with_the_words_for_the_resident(at_desk, lamp):
    press(at_desk, lamp, "refuse", reason="other")
    lamp.refresh_from_db()
    assert lamp.result == "请打 122。"


def test_a_visit_is_noted_either_way(at_desk, worker, lamp):
    requests.solve_on_spot(lamp, actor=worker, result="换了")
    press(at_desk, lamp, "reopen", reason="又灭了")
    lamp.refresh_from_db()
    assert lamp.status == R.REOPENED
    requests.resolve(requests.take(lamp, actor=worker), actor=worker, result="换了线")
    press(at_desk, lamp, "good", rating="good")
    lamp.refresh_from_db()
    assert lamp.status == R.CLOSED


def test_a_building_leader_looks_and_has_no_buttons(client, pool, lamp):
    client.force_login(pool.town.person("building_leader"))
    page = client.get(DESK, {"open": lamp.number}).content.decode()
    assert "二单元三楼的灯坏了" in page
    assert "1234" not in page.replace(lamp.number, "")
    assert 'data-key="' not in page
    assert press(client, lamp, "take").status_code == 403


def test_the_number_is_masked_until_somebody_says_what_for(at_desk, worker, lamp):
    page = at_desk.get(DESK, {"open": lamp.number}).content.decode()
    assert "199****1234" in page
    assert "19900001234" not in page
    address = reverse("requests_board:reveal", args=[lamp.number])
    refused = at_desk.post(address, {"purpose": ""})
    assert refused.status_code == 422
    assert not PersonalDataRead.objects.exists()
    shown = at_desk.post(address, {"purpose": "约上门时间"})
    assert "19900001234" in shown.content.decode()
    read = PersonalDataRead.objects.get()
    assert (read.actor_id, read.subject_id, read.field, read.purpose) == (
        worker.pk, str(lamp.pk), "phone", "约上门时间",
    )  # fmt: skip


def test_a_photo_is_shown_to_those_who_see_the_request(client, pool):
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    row = requests.submit_request(
        area=pool.town.building, text="灯坏了", photos=[SimpleUploadedFile("a.jpg", picture.getvalue())]
    )
    address = reverse("requests_board:desk_photo", args=[row.number, row.photos.get().pk])
    client.force_login(pool.town.person("community_worker"))
    assert f'src="{address}"' in client.get(DESK, {"open": row.number}).content.decode()
    shown = client.get(address)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(shown.streaming_content)[:2] == bytes([0xFF, 0xD8])
    client.force_login(pool.town.person("neighbour_worker"))
    assert client.get(address).status_code == 404


def test_a_grid_worker_may_not_unmask(client, pool, lamp):
    client.force_login(pool.town.person("grid_worker"))
    assert client.post(reverse("requests_board:reveal", args=[lamp.number]), {"purpose": "x"}).status_code == 403
    assert not PersonalDataRead.objects.exists()


def test_a_call_is_written_down(at_desk, worker, pool):
    form = {"text": "单元门坏了", "area": "槐荫小区1号楼", "channel": "phone", "phone": "19900001111", "urgent": "on"}
    answer = at_desk.post("/desk/new/", form)
    made = ServiceRequest.objects.get()
    assert answer.status_code == 302
    assert (made.area, made.channel, made.recorded_by, made.severity) == (pool.town.building, "phone", worker, "urgent")
    assert Event.objects.get(verb="request.submitted").actor_id == worker.pk


@pytest.mark.parametrize(
    ("area", "words"), [("5号楼", "没有找到这个地方"), ("槐荫", "是不是"), ("", "请选一个楼或者小区")]
)
def test_a_place_nobody_knows_is_asked_again(at_desk, pool, area, words):
    answer = at_desk.post("/desk/new/", {"text": "门坏了", "area": area, "channel": "phone"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "门坏了" in answer.content.decode()


# Resources ------------------------------------------------------------------------------------------------------------


def test_the_pool_is_suggested_for_what_the_text_asks(at_desk, pool, firm):
    wish = requests.submit_request(area=pool.town.building, text="想请人来办一次法律讲座")
    page = at_desk.get(DESK, {"open": wish.number})
    offer = page.context["offer"]
    assert offer.best.offer.partner_name == "示例部门1"
    assert "是本社区的结对部门" in page.content.decode()
    assert f"为什么不是别家（{len(pool.resources) - 1}）" in page.content.decode()
    form = {"type": pool.type.pk, "quantity": 1, "first_day": page.context["need_form"].initial["first_day"],
            "last_day": page.context["need_form"].initial["last_day"], "resource": offer.best.offer.pk}  # fmt: skip
    assert press(at_desk, wish, "need", **form).status_code == 302
    need = ResourceRequest.objects.get()
    assert need.service_request == wish
    assert need.allocations.get().status == AllocationStatus.PROPOSED


def test_a_lamp_is_no_matter_for_the_pool(at_desk, lamp):
    assert at_desk.get(DESK, {"open": lamp.number}).context["offer"] is None


def test_the_communitys_own_need_shows_who_could_come_first(at_desk, pool):
    day = (db_now() + timedelta(days=1)).date()
    form = {
        "type": pool.type.pk,
        "quantity": 1,
        "first_day": day,
        "last_day": day + timedelta(days=4),
        "area": "槐荫社区",
    }
    looked = at_desk.post("/desk/need/", {**form, "look": "1"})
    assert looked.context["offer"].best.offer.partner_name == "示例部门1"
    assert not ResourceRequest.objects.exists()
    answer = at_desk.post("/desk/need/", form, follow=True)
    need = ResourceRequest.objects.get()
    assert need.area == pool.town.community
    assert "已提出需求" in answer.content.decode()


def held(pool):
    need = pool.ask()
    ask_time_has_come(need)
    return need, dispatch.run(str(need.pk))


def step(client, need, name, **form):
    return client.post(reverse("requests_board:need_step", args=[need.number, name]), form)


def test_another_time_is_taken_or_let_go(at_desk, pool):
    need, asked = held(pool)
    allocations.counter(asked, actor=pool.liaison(), slot=pool.slots()[3])
    page = at_desk.get(DESK, {"f": "needs", "open": need.number}).content.decode()
    assert "同意改到这个时间" in page
    assert "等您定" in page
    page = at_desk.get(step(at_desk, need, "accept").url).content.decode()
    assert "同意改期了，已经告诉对方" in page
    asked.refresh_from_db()
    assert asked.status == AllocationStatus.CONFIRMED


def test_rendered_and_evaluated(at_desk, pool):
    need, asked = held(pool)
    allocations.confirm(asked, actor=pool.liaison())
    early = step(at_desk, need, "delivered")
    assert early.status_code == 409
    past = db_now() - timedelta(hours=3)
    asked.slot.starts_at, asked.slot.ends_at = past, past + timedelta(hours=2)
    asked.slot.save()
    step(at_desk, need, "delivered")
    assert step(at_desk, need, "evaluate", rating="").status_code == 422
    step(at_desk, need, "evaluate", rating="good", comment="讲得好")
    asked.refresh_from_db()
    assert (asked.status, asked.rating, asked.comment) == (AllocationStatus.CLOSED, "good", "讲得好")


def test_calling_off_is_offered_only_while_the_rule_allows_it(at_desk, pool):
    need, asked = held(pool)
    allocations.confirm(asked, actor=pool.liaison())
    for ahead, offered in ((timedelta(days=3), True), (timedelta(minutes=20), False)):
        start = db_now() + ahead
        asked.slot.starts_at, asked.slot.ends_at = start, start + timedelta(hours=2)
        asked.slot.save()
        page = at_desk.get(DESK, {"open": need.number}).content.decode()
        assert ("取消这次安排" in page, "要取消请直接打电话" in page) == (offered, not offered)
    assert step(at_desk, need, "cancel", reason="改期").status_code == 409


def test_a_no_show_goes_on_to_the_next(at_desk, pool):
    need, asked = held(pool)
    allocations.confirm(asked, actor=pool.liaison())
    past = db_now() - timedelta(hours=3)
    asked.slot.starts_at, asked.slot.ends_at = past, past + timedelta(hours=2)
    asked.slot.save()
    step(at_desk, need, "no_show")
    page = at_desk.get(DESK, {"f": "needs", "open": need.number}).content.decode()
    assert "再约这一家" in page
    step(at_desk, need, "next")
    assert dispatch.run(str(need.pk)).partner_id != asked.partner_id


def test_needs_of_others_are_not_there(client, pool):
    need, _ = held(pool)
    client.force_login(pool.town.person("neighbour_worker"))
    assert client.get(DESK, {"open": need.number}).status_code == 404
    assert step(client, need, "withdraw").status_code == 404


def test_a_rule_that_says_no_is_not_called_somebody_elses_hand(at_desk, pool):
    need, asked = held(pool)
    allocations.confirm(asked, actor=pool.liaison())
    page = step(at_desk, need, "delivered").content.decode()
    assert "还没到约定的时间" in page
    assert "您慢了一步" not in page
    assert "这一步现在办不了" in page


def test_a_mistake_in_a_need_costs_nothing_that_was_typed(at_desk, pool, lamp):
    answer = press(at_desk, lamp, "need", quantity="0", note="要能讲本地话的")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "要能讲本地话的" in page
    assert "数量至少是 1。" in page
    assert not ResourceRequest.objects.exists()


def test_the_last_day_of_a_need_is_the_one_that_was_typed(at_desk, pool):
    first, last = (timezone.localtime(db_now()).date() + timedelta(days=n) for n in (3, 5))
    form = {"type": pool.type.pk, "quantity": "1", "first_day": first, "last_day": last, "area": "槐荫社区"}
    page = at_desk.post("/desk/need/", form, follow=True).content.decode()
    assert f"{first.month}月{first.day}日 到 {last.month}月{last.day}日" in page


def test_a_time_that_the_community_let_go_is_not_the_partners_no(at_desk, pool):
    need, asked = held(pool)
    allocations.counter(asked, actor=pool.liaison(), slot=pool.slots()[3])
    step(at_desk, need, "reject")
    page = at_desk.get(DESK, {"f": "needs", "open": need.number}).content.decode()
    assert "（改期没谈成）" in page
    assert "资源方谢绝" not in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("first_day", "0001-01-01"), ("last_day", "9999-12-31"), ("last_day", "9999-12-30"), ("quantity", "2147483648")],
)
def test_a_need_that_no_page_could_show_is_refused(at_desk, pool, field, value):
    day = (db_now() + timedelta(days=1)).date()
    form = {"type": pool.type.pk, "quantity": 1, "first_day": day, "last_day": day, "area": "槐荫社区"}
    assert at_desk.post("/desk/need/", {**form, field: value}).status_code == 422
    assert not ResourceRequest.objects.exists()
    assert at_desk.post("/desk/need/", form).status_code == 302


def test_a_request_is_handed_only_to_whom_the_page_offers(at_desk, pool, firm, lamp):
    elsewhere = Partner.objects.create(area=pool.town.far_community, category="property", name="别处物业", code="W2")
    PropertyService.objects.create(partner=elsewhere, area=pool.town.far_estate, valid_from="2020-01-01")
    left = Partner.objects.create(
        area=pool.town.community, category="business", name="停业小店", code="W3", status="suspended"
    )
    for stranger in (elsewhere, left):
        assert press(at_desk, lamp, "assign", partner=stranger.pk).status_code == 422
    lamp.refresh_from_db()
    assert (lamp.status, lamp.handler_partner) == (R.SUBMITTED, None)
    assert press(at_desk, lamp, "assign", partner=firm.pk).status_code == 302
