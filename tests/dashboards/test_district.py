"""The district's picture: every number is the number of its rows, within reach, in one sentence that can be checked."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clockwork.selectors import db_now
from dashboards import actions, charts, partner_selectors, selectors, words
from dashboards.figures import FIGURES, PARTNER, Period
from dashboards.models import MetricDefinition
from partners.models import Partner, ResourceSlot
from requests_board.actions import allocations, dispatch, needs, requests
from requests_board.models import RequestCategory, ResourceRequest, ServiceRequest
from requests_board.workflow import AllocationStatus, NeedStatus, RequestStatus
from tests.pool import ask_time_has_come

R = RequestStatus


@pytest.fixture
def kind(pool):
    return RequestCategory.objects.create(
        code="020101", l1="房屋", l2="电梯", name="电梯维修", limit_amount=24, limit_unit="natural_hour"
    )


@pytest.fixture
def firm(pool):
    return Partner.objects.create(area=pool.town.district, category="property", name="示例物业", code="W1")


def past(area, n, firm, *, late=0, kind=None, rating="good"):
    """Write `n` requests that were resolved within the last days, `late` of them after their time."""
    now = db_now()
    for i in range(n):
        row = requests.submit_request(area=area, text=f"旧事{i}", category=kind)
        done = now - timedelta(days=2, hours=i % 20)
        due = done + timedelta(hours=-1 if i < late else 5)
        ServiceRequest.objects.filter(pk=row.pk).update(
            status=R.CLOSED, created_at=done - timedelta(days=1), accepted_at=done - timedelta(hours=20),
            resolved_at=done, closed_at=done + timedelta(hours=1), resolve_due_at=due, due_at=None,
            handler_partner=firm, rating=rating if i % 3 else "none",
        )  # fmt: skip


def overdue(area, n, kind=None, status=R.SUBMITTED, firm=None):
    for i in range(n):
        row = requests.submit_request(area=area, text=f"超期{i}", category=kind)
        ServiceRequest.objects.filter(pk=row.pk).update(
            due_at=db_now() - timedelta(hours=3), status=status, handler_partner=firm
        )


@pytest.fixture
def busy(pool, kind, firm):
    """A district with something of everything."""
    actions.load_definitions()
    town = pool.town
    past(town.building, 24, firm, late=2)
    past(town.far_building, 22, firm, late=11, kind=kind)
    overdue(town.far_building, 4, kind, R.ASSIGNED, firm)
    overdue(town.far_building, 2)
    overdue(town.building, 1)
    for answer in ("confirm", "decline", "deliver", None):
        need = pool.ask()
        ask_time_has_come(need)
        asked = dispatch.run(str(need.pk))
        liaison = pool.liaison(pool.departments.index(asked.partner))
        if answer == "decline":
            allocations.decline(asked, actor=liaison, reason=pool.busy)
        elif answer:
            allocations.confirm(asked, actor=liaison)
        if answer == "deliver":
            asked.slot.starts_at = db_now() - timedelta(hours=3)
            asked.slot.save()
            allocations.mark_delivered(asked, actor=liaison)
    short = pool.ask(quantity=9)
    ask_time_has_come(short)
    dispatch.run(str(short.pk))
    given_up = pool.ask(quantity=8)
    ask_time_has_come(given_up)
    dispatch.run(str(given_up.pk))
    given_up.refresh_from_db()
    needs.give_up(given_up, actor=town.person("district_official"), reason="没有这么多")
    return pool


@pytest.fixture
def official(client, pool):
    client.force_login(pool.town.person("district_official"))
    return client


def said(page):
    return "".join(text for text, _ in page.context["sentence"])


def opened(client, page, text, at="sentence"):
    """Return how many rows the figure with this text in a sentence opens to."""
    url = next(url for words, url in page.context[at] if words == text)
    return client.get(url).context["sets"][0]["count"]


def test_every_number_is_the_number_of_its_rows(official, busy):
    period = Period(db_now(), 30)
    whole, below = selectors.units(busy.town.district, period)
    for code, figure in FIGURES.items():
        if figure.kind == PARTNER:
            continue
        for unit in (whole, *below):
            page = official.get("/district/rows/", {"m": code, "area": unit.area.pk, "days": 30})
            counted, *rest = page.context["sets"]
            assert counted["count"] == unit.of(code).n, code
            assert len(counted["rows"]) == min(unit.of(code).n, 50), code
            if figure.among:
                assert counted["count"] + rest[0]["count"] == unit.of(code).among, code
    for code in ("received", "overdue", "on_time", "needs_met", "needs_at_desk", "needs_unmet", "accepted"):
        assert whole.of(code).n > 0, "the test must have something to count"


def test_parts_add_up_to_the_whole(busy):
    whole, below = selectors.units(busy.town.district, Period(db_now(), 30))
    for code, figure in FIGURES.items():
        if figure.kind != PARTNER:
            assert sum(unit.of(code).n for unit in below) == whole.of(code).n


def test_one_sentence_says_who_is_behind_and_why(official, busy):
    page = official.get("/district/")
    assert said(page) == (
        "西河街道按时办结率 50.0%（22 件里 11 件），比平均低 22 个百分点；"
        "它现在 6 件超期（一共 7 件），最多的是“电梯维修”4 件；4 件停在“已派待签收”这一步。"
    )
    for text, rows in {"50.0%（22 件里 11 件）": 11, "6 件超期": 6, "一共 7 件": 7, "4 件": 4}.items():
        assert opened(official, page, text) == rows
    assert [url.count("step=assigned") for text, url in page.context["sentence"] if text == "4 件"] == [0, 1]


def test_a_place_with_nothing_overdue_now_is_explained_by_what_it_resolved_late(official, pool, firm, kind):
    actions.load_definitions()
    past(pool.town.building, 24, firm)
    past(pool.town.far_building, 22, firm, late=9, kind=kind)
    past(pool.town.far_building, 2, firm, late=2)
    overdue(pool.town.building, 3)
    page = official.get("/district/")
    assert said(page) == (
        "西河街道按时办结率 54.2%（24 件里 13 件），比平均低 23 个百分点；"
        "没按时办结的 11 件里，最多的是“电梯维修”9 件；时间多花在“办理中”这一步。"
        "它现在没有超期的；超期最多的是东街街道，3 件（一共 3 件）。"
    )
    for text, rows in {"11 件": 11, "9 件": 9, "3 件": 3, "一共 3 件": 3}.items():
        assert opened(official, page, text) == rows
    assert page.context["alarm"]


def test_late_resolutions_are_told_without_a_place_that_is_overdue(official, pool, firm, kind):
    actions.load_definitions()
    past(pool.town.building, 24, firm)
    past(pool.town.far_building, 22, firm, late=9, kind=kind)
    ServiceRequest.objects.filter(category=kind).update(accepted_at=F("resolved_at") - timedelta(minutes=1))
    assert said(official.get("/district/")).endswith(
        "没按时办结的 9 件里，最多的是“电梯维修”9 件；时间多花在“待受理”这一步。现在没有超期的。"
    )


def test_the_place_with_most_overdue_is_named_beside_the_one_that_is_behind(official, pool, firm, kind):
    actions.load_definitions()
    past(pool.town.building, 24, firm)
    past(pool.town.far_building, 22, firm, late=9, kind=kind)
    overdue(pool.town.far_building, 1)
    overdue(pool.town.building, 3)
    assert said(official.get("/district/")).endswith("停在“待受理”这一步。超期最多的是东街街道，3 件。")
    overdue(pool.town.far_building, 2)
    assert "超期最多的是" not in said(official.get("/district/"))


def test_what_is_overdue_in_the_place_itself_is_not_called_nothing(official, pool):
    actions.load_definitions()
    overdue(pool.town.district, 2)
    page = official.get("/district/")
    assert said(page) == "现在 2 件超期。这段时间还没有办结的。"
    assert page.context["alarm"]


def test_the_backlog_keeps_what_was_reopened_and_is_what_is_in_hand(official, pool, firm):
    actions.load_definitions()
    past(pool.town.building, 3, firm)
    overdue(pool.town.building, 1)
    now = db_now()
    again, answered, solved_again = ServiceRequest.objects.filter(resolved_at__isnull=False)
    weeks = [now - timedelta(weeks=n) for n in range(12)]
    for row, changes in (
        (again, {"status": R.REOPENED, "closed_at": None}),
        (answered, {"closed_at": weeks[1] - timedelta(hours=1)}),
        (solved_again, {"resolved_at": weeks[2] + timedelta(hours=1)}),
    ):
        first = {"created_at": weeks[8], "resolved_at": weeks[5] + timedelta(hours=1)}
        reopened = weeks[4] + timedelta(hours=1)
        ServiceRequest.objects.filter(pk=row.pk).update(**{**first, "reopened_at": reopened, **changes})
    page = official.get("/district/")
    tile = next(tile for tile in page.context["tiles"] if tile["code"] == "open")
    assert tile["value"] == "2"
    # The one that was solved again counts until then; its first, short end is not remembered.
    assert page.context["backlog"] == [0, 0, 0, 3, 3, 3, 3, 1, 3, 3, 1, 2]
    assert opened(official, page, "2 件", "backlog_words") == 2
    for back, count in enumerate(reversed(page.context["backlog"])):
        shown = official.get("/district/rows/", {"m": "backlog", "back": back})
        assert shown.context["sets"][0]["count"] == count
    for wrong in ("12", "-1", "x"):
        assert official.get("/district/rows/", {"m": "backlog", "back": wrong}).status_code == 404


def test_last_week_and_received_per_thousand_open_to_their_rows(official, busy):
    page = official.get("/district/")
    part = next(found for found in page.context["parts"] if found["part"].category == "property")
    assert part["last"] > 0
    assert sum(rows["count"] for rows in official.get(part["last_url"]).context["sets"]) == part["last"]
    ServiceRequest.objects.filter(handler_partner__category="property").update(
        resolved_at=F("resolved_at") - timedelta(days=9)
    )
    assert sum(rows["count"] for rows in official.get(part["last_url"]).context["sets"]) == 0
    row, cells = page.context["table"][0], page.context["table"][0]["cells"]
    assert str(official.get(row["load_url"]).context["sets"][0]["count"]) == cells[0]["value"]


def test_few_rows_are_shown_and_not_compared(official, pool, firm):
    actions.load_definitions()
    past(pool.town.building, 24, firm)
    past(pool.town.far_building, 3, firm, late=3)
    page = official.get("/district/")
    bar = next(bar for bar in page.context["bars"] if bar.label == "西河街道")
    assert bar.faint
    assert "太少，不比较" in page.content.decode()
    assert "西河街道按时办结率" not in said(page)


def test_where_rates_are_alike_the_sentence_names_the_most_overdue(official, pool, firm):
    actions.load_definitions()
    overdue(pool.town.far_building, 1)
    most = "西河街道超期最多；它现在 1 件超期，是“没有分类的”；停在“待受理”这一步。"
    assert said(official.get("/district/")) == most, "nothing was resolved, so nothing is alike"
    for place in (pool.town.building, pool.town.far_building):
        past(place, 20, firm, late=2)
    assert said(official.get("/district/")) == f"各处按时办结率差不多，{most}"


def test_nothing_overdue_is_said_calmly(official, pool):
    actions.load_definitions()
    page = official.get("/district/")
    assert said(page) == "现在没有超期的，这段时间还没有办结的。"
    assert not page.context["alarm"]


def test_the_page_costs_the_same_however_much_there_is(official, pool, firm, kind):
    actions.load_definitions()

    def cost():
        with CaptureQueriesContext(connection) as caught:
            assert official.get("/district/").status_code == 200
        return len(caught)

    overdue(pool.town.building, 1, kind)
    pool.ask()
    cost()
    few = cost()
    past(pool.town.far_building, 25, firm, late=9)
    overdue(pool.town.far_building, 5)
    pool.ask()
    assert cost() == few
    assert few <= 24


def test_a_street_sees_its_communities_and_no_other_street(client, busy):
    client.force_login(busy.town.person("street_worker"))
    page = client.get("/district/")
    assert page.context["root"] == busy.town.street
    assert {row["area"].name for row in page.context["table"]} == {"槐荫社区", "柳青社区"}
    for path in ("/district/", "/district/rows/"):
        assert client.get(path, {"area": busy.town.far_street.pk, "m": "received"}).status_code == 404
        assert client.get(path, {"area": busy.town.district.pk, "m": "received"}).status_code == 404


def test_the_community_has_no_business_there(client, busy):
    client.force_login(busy.town.person("community_worker"))
    assert client.get("/district/").status_code == 403
    assert client.get("/district/rows/", {"m": "received"}).status_code == 403


def test_an_unknown_figure_is_not_there(official, busy):
    assert official.get("/district/rows/", {"m": "nonsense"}).status_code == 404


def test_each_figure_has_a_definition_and_an_as_of_time(official, busy):
    assert set(FIGURES) <= set(MetricDefinition.objects.values_list("code", flat=True))
    page = official.get("/district/").content.decode()
    assert re.search(r"截至 \d{4}年\d+月\d+日 \d\d:\d\d", page)
    shown = official.get("/district/metrics/").content.decode()
    for definition in MetricDefinition.objects.all():
        assert definition.formula in shown.replace("&quot;", '"')


def test_what_a_district_has_edited_stays(db):
    actions.load_definitions()
    MetricDefinition.objects.filter(code="on_time").update(target=80, formula="本区口径")
    actions.load_definitions()
    assert MetricDefinition.objects.get(code="on_time").formula == "本区口径"


def test_the_five_categories_count_requests_and_resources(official, busy):
    period = Period(db_now(), 30)
    parts = {part.category: part for part in partner_selectors.parts(busy.town.district, period)}
    assert (parts["property"].done, parts["department"].done, parts["business"].done) == (46, 1, 0)
    for category, part in parts.items():
        page = official.get("/district/rows/", {"m": "partner_done", "category": category, "days": 30})
        assert sum(found["count"] for found in page.context["sets"]) == part.done
        page = official.get("/district/rows/", {"m": "partners", "category": category, "days": 30})
        assert page.context["sets"][0]["count"] == part.partners


def test_the_partners_of_a_street_are_those_here_and_those_above(client, busy):
    Partner.objects.create(area=busy.town.far_street, category="property", name="别处物业", code="W9")
    Partner.objects.create(area=busy.town.community, category="property", name="本地物业", code="W8")
    client.force_login(busy.town.person("street_worker"))
    parts = {part.category: part for part in partner_selectors.parts(busy.town.street, Period(db_now(), 30))}
    # The firm of the whole district, and the one of a community of the street; three departments of the district.
    assert (parts["property"].partners, parts["department"].partners) == (2, 3)
    for category, part in parts.items():
        page = client.get("/district/rows/", {"m": "partners", "category": category, "days": 30})
        assert page.context["sets"][0]["count"] == part.partners


def gap_of(root, period=None):
    found = partner_selectors.gaps(root, period or Period(db_now(), 30))
    assert len(found) == 1
    return found[0]


def test_a_gap_is_what_is_stuck_or_given_up_and_each_count_opens_to_its_rows(official, busy):
    gap = gap_of(busy.town.district)
    waiting = ResourceRequest.objects.filter(
        status__in=[NeedStatus.OPEN, NeedStatus.MATCHING, NeedStatus.AT_DISTRICT_DESK]
    )
    assert gap.needs == waiting.count()
    assert gap.wanted == sum(waiting.values_list("quantity", flat=True))
    assert (gap.stuck, gap.given_up) == (1, 1)
    shown = next(iter(official.get("/district/").context["gaps"]))
    for name, count in {"waiting": gap.needs, "stuck": gap.stuck, "given_up": gap.given_up}.items():
        assert official.get(shown[name]).context["sets"][0]["count"] == count, name
    slots = official.get(shown["free"]).context["sets"][0]["rows"]
    assert sum(slot.left for slot in slots) == gap.free > 0


@pytest.fixture
def plenty(pool):
    """A lecture that is asked for, and many that are free."""
    actions.load_definitions()
    need = pool.ask()
    assert gap_of(pool.town.district).free > 1
    return need


def test_free_slots_are_enough_only_while_nothing_is_stuck_or_given_up(official, pool, plenty):
    def verdict():
        return re.findall(r'<span class="chip \w+">(不?够)</span>', official.get("/district/").content.decode())

    assert verdict() == ["够"]
    ResourceRequest.objects.filter(pk=plenty.pk).update(status=NeedStatus.AT_DISTRICT_DESK)
    assert verdict() == ["不够"]
    needs.give_up(
        ResourceRequest.objects.get(pk=plenty.pk), actor=pool.town.person("district_official"), reason="没有这样的"
    )
    gap = gap_of(pool.town.district)
    assert (gap.needs, gap.stuck, gap.given_up, gap.free) == (0, 0, 1, None)
    assert verdict() == ["不够"]
    ResourceRequest.objects.filter(pk=plenty.pk).update(closed_at=db_now() - timedelta(days=40))
    assert verdict() == []
    assert gap_of(pool.town.district, Period(db_now(), 90)).given_up == 1


def test_a_need_that_holds_a_slot_asks_for_no_other(pool, plenty):
    ask_time_has_come(plenty)
    held = dispatch.run(str(plenty.pk))
    assert held.status == AllocationStatus.HELD
    ResourceSlot.objects.exclude(pk=held.slot_id).delete()
    gap = gap_of(pool.town.district)
    assert (gap.wanted, gap.asked_for, gap.free, gap.short) == (1, 0, 0, False)
    pool.ask()
    assert gap_of(pool.town.district).short


def test_free_slots_of_another_type_are_not_listed(official, pool, plenty):
    assert official.get("/district/rows/", {"m": "free", "type": pool.other_type.pk}).context["sets"][0]["count"] == 0
    assert official.get("/district/rows/", {"m": "free"}).status_code == 404


# The district's desk --------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(pool):
    need = pool.ask()
    ask_time_has_come(need)
    for _ in range(3):
        asked = dispatch.run(str(need.pk))
        allocations.decline(asked, actor=pool.liaison(pool.departments.index(asked.partner)), reason=pool.busy)
    need.refresh_from_db()
    assert need.status == NeedStatus.AT_DISTRICT_DESK
    return need


def test_the_district_names_a_resource_and_its_department_is_asked(official, pool, stuck):
    page = official.get("/district/needs/", {"open": stuck.number})
    assert len(page.context["candidates"]) == 3
    assert "问过" in page.content.decode()
    address = reverse("dashboards:settle", args=[stuck.number])
    assert official.post(address, {}).status_code == 422
    assert official.post(address, {"resource": pool.resources[2].pk}).status_code == 302
    stuck.refresh_from_db()
    assert stuck.status == NeedStatus.MATCHING
    assert dispatch.run(str(stuck.pk)).status == AllocationStatus.HELD


def test_the_district_gives_up_only_with_a_reason(official, stuck):
    address = reverse("dashboards:settle", args=[stuck.number])
    refused = official.post(address, {"give_up": "1", "reason": " "})
    assert refused.status_code == 422
    assert "请写明为什么满足不了" in refused.content.decode()
    official.post(address, {"give_up": "1", "reason": "全区没有这样的讲师"})
    stuck.refresh_from_db()
    assert (stuck.status, stuck.unmet_reason) == (NeedStatus.UNMET, "全区没有这样的讲师")
    assert official.post(address, {"give_up": "1", "reason": "再来"}).status_code == 404


def test_a_street_does_not_settle(client, pool, stuck):
    client.force_login(pool.town.person("street_worker"))
    assert client.get("/district/needs/").status_code == 403
    assert client.post(reverse("dashboards:settle", args=[stuck.number]), {"give_up": "1"}).status_code == 403


# Charts ---------------------------------------------------------------------------------------------------------------


def test_bars_are_as_long_as_their_values():
    drawn = charts.bars([charts.Bar("一", 30, "30 件"), charts.Bar("二", 15, "15 件"), charts.Bar("三", 0, "0 件")])
    assert [bar.width for bar in drawn] == [100.0, 50.0, 0.0]
    assert [bar.width for bar in charts.bars([charts.Bar("一", 0.5, "50%")], most=1.0)] == [50.0]
    assert charts.bars([charts.Bar("一", 0, "0")])[0].width == 0.0


def test_a_line_runs_from_edge_to_edge_and_shares_a_scale():
    drawn = charts.line([0, 5, 10])
    assert drawn.points == f"0.0,{charts.HEIGHT}.0 120.0,30.0 240.0,0.0"
    assert charts.line([5], top=10).last_y == charts.HEIGHT / 2
    assert charts.line([]).points == ""


def test_nothing_counted_is_a_dash():
    assert words.share(None) == "—"
    assert words.share(0.923) == "92.3%"


def test_both_sides_of_a_rate_turn_their_pages_together(official, pool, firm):
    past(pool.town.building, 130, firm, late=70)
    shown = {True: set(), False: set()}
    for page, sizes in ((1, (50, 50)), (2, (10, 20)), (3, (0, 0))):
        inside, outside = official.get(f"/district/rows/?m=on_time&p={page}").context["sets"]
        assert (inside["count"], outside["count"]) == (60, 70)
        assert (len(inside["rows"]), len(outside["rows"])) == sizes
        assert (inside["more"], outside["more"]) == (page == 1, page == 1)
        shown[True] |= {row.pk for row in inside["rows"]}
        shown[False] |= {row.pk for row in outside["rows"]}
    assert [len(shown[True]), len(shown[False]), len(shown[True] | shown[False])] == [60, 70, 130]
