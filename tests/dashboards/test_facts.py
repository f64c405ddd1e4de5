"""Facts in forms: what the page says is what the district's page counts, within reach, and leaves as it stands."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from openpyxl import load_workbook

from clockwork.selectors import db_now
from dashboards import actions, fact_selectors, selectors
from dashboards.facts import ALL, FACTS, check_items
from dashboards.figures import CALENDAR, FIGURES, Period, calendar_period
from dashboards.models import FactForm
from grids import trees
from grids.models import Area
from partners.models import Pairing, Partner, PropertyService
from requests_board.actions import requests
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from tests import factories
from tests.pool import ask_time_has_come
from volunteering.models import VolunteerTeam

pytestmark = pytest.mark.django_db
PLACES = ("district", "street", "community", "estate", "building", "far_street")


@pytest.fixture
def forms() -> None:
    actions.load_definitions()
    actions.load_forms()


@pytest.fixture
def busy(pool: Any, forms: None) -> Any:
    """Requests, needs and deliveries of this month, of the last one and of long ago, at several places."""
    town = pool.town
    month = calendar_period(db_now(), "month")
    moments = (month.as_of, month.start - timedelta(days=2), month.start - timedelta(days=400))
    for area, n in ((town.building, 3), (town.next_grid_building, 2), (town.far_building, 4)):
        for number in range(3 * n):
            at = moments[number % 3]
            row = requests.submit_request(area=area, text=f"事{area.pk}-{number}")
            done = {} if number % 4 == 0 else {
                "status": "closed", "resolved_at": at, "closed_at": at, "rating": ("good", "none", "bad")[number % 3],
                "resolve_due_at": at + timedelta(hours=1 if number % 2 else -1),
            }  # fmt: skip
            ServiceRequest.objects.filter(pk=row.pk).update(
                created_at=at - timedelta(days=0 if number % 3 else 1), due_at=db_now() - timedelta(hours=2), **done
            )
    for number in range(3):
        need = pool.ask()
        ask_time_has_come(need)
        ResourceRequest.objects.filter(pk=need.pk).update(
            created_at=moments[number], fulfilled_at=moments[number] if number else None
        )
        slot = pool.slots(0)[number]
        Allocation.objects.create(
            area=need.area, resource_request=need, resource=slot.resource, partner=slot.resource.partner, quantity=1,
            slot=slot, status="delivered", held_at=moments[number], answered_at=moments[number],
            delivered_at=moments[number],
        )  # fmt: skip
    return pool


def filled(place: Area, user: Any, span: str = "month", each: str = "item", titles: tuple[str, ...] = ()) -> Any:
    """Return the facts of a place as title → value, for a form of one line for each place as a list of those."""
    form = FactForm(code="x", title="x", each=each, items="\n".join(titles or FACTS))
    here = fact_selectors._place(user, str(place.pk))
    place.as_of = here.as_of
    about = fact_selectors.Asked(here, calendar_period(here.as_of, span), form, [form])
    lines = [{c.item.title: c.value for c in line} for line in fact_selectors.fill(about, user).lines]
    return lines[0] if each == "item" else lines


@pytest.mark.parametrize("span", CALENDAR)
@pytest.mark.parametrize("place", PLACES)
def test_each_figure_is_the_one_of_the_district_page(busy: Any, place: str, span: str) -> None:
    area, official = getattr(busy.town, place), busy.town.person("district_official")
    found = filled(area, official, span)
    period = calendar_period(area.as_of, span)
    whole, _ = selectors.units(area, period)
    now, _ = selectors.units(area, Period(area.as_of, 30))
    assert found["户数"] == (now.households or ("" if area.kind != "estate" else area.households or ""))
    seen = 0
    for fact in ALL:
        if fact.code not in FIGURES:
            continue
        rate = (whole if fact.by_period else now).of(fact.code)
        share = "" if rate.share is None else f"{100 * rate.share:.1f}%"
        assert found[fact.title] == (rate.n if fact.is_number else share), fact.title
        seen += bool(rate.n)
    assert seen > 3 or place == "far_street"


def test_months_and_years_begin_where_the_calendar_says() -> None:
    now = datetime(2026, 3, 1, 1, tzinfo=UTC)
    spans = {code: calendar_period(now, code) for code in CALENDAR}
    starts = [f"{period.start.astimezone(UTC):%m-%d %H}" for period in spans.values()]
    assert starts == ["02-28 16", "01-31 16", "12-31 16"]
    assert spans["last_month"].as_of + timedelta(microseconds=1) == spans["month"].start
    assert spans["month"].as_of == spans["year"].as_of == now
    january = calendar_period(datetime(2026, 1, 5, tzinfo=UTC), "last_month")
    assert f"{january.start.astimezone(UTC):%Y-%m-%d %H}" == "2025-11-30 16"


def test_figures_open_to_their_rows_of_the_same_period(client: Any, busy: Any) -> None:
    client.force_login(busy.town.street_worker)
    for span in CALENDAR:
        page = client.get(reverse("dashboards:facts"), {"form": "monthly", "span": span})
        opened = [(one["fact"], one["cell"], one["rows"]) for one in page.context["lines"][0] if one["rows"]]
        assert len(opened) > 6
        for fact, cell, url in opened:
            if fact.is_number:
                assert client.get(url).context["sets"][0]["count"] == cell.value, (span, fact.title)


def test_what_is_registered_is_counted(busy: Any) -> None:
    town = busy.town
    assert busy.departments, "the pool's departments lie in the district"
    Area.objects.filter(pk=town.community.pk).update(households=1200)
    Area.objects.filter(pk=town.building.pk).update(units=3)
    firm = Partner.objects.create(area=town.estate, category="property", name="示例物业", code="W1")
    Partner.objects.create(area=town.estate, category="property", name="退了的", code="W2", status="exited")
    PropertyService.objects.create(partner=firm, area=town.estate, valid_from=date(2020, 1, 1))
    Pairing.objects.create(department=busy.departments[0], community=town.next_community, valid_from=date(2020, 1, 1))
    VolunteerTeam.objects.create(area=town.grid, name="红马甲")
    VolunteerTeam.objects.create(area=town.grid, name="歇了的", active=False)
    trees.create_party_organization(parent=town.general_branch, level="branch", name="一支部", area=town.estate)
    found = filled(Area.objects.get(pk=town.community.pk), town.person("district_official"))
    wanted = {
        "名称": "槐荫社区", "级别": "社区", "上级": "东街街道", "代码": "990001001001", "户数": 1200, "小区数": 1,
        "网格数": 2, "楼栋数": 3, "单元数": 3, "有楼长的楼栋": 1, "缺楼长的楼栋": 2, "有网格员的网格": 1,
        "缺网格员的网格": 1, "党总支数": 1, "党支部数": 1, "党小组数": 0, "物业合伙人": 1, "商业合伙人": 0,
        "物业企业": "示例物业", "志愿服务队数": 1,
    }  # fmt: skip
    assert {title: found[title] for title in wanted} == wanted
    above = filled(town.street, town.person("district_official"))
    assert above["户数"] == 1200
    assert above["社区（村）数"] == 2
    assert busy.departments[0].name in above["结对部门"]


def test_a_form_has_a_line_for_each_place_and_their_sum_is_the_whole(busy: Any) -> None:
    town, official = busy.town, busy.town.person("district_official")
    for each, places in (("street", 2), ("community", 3), ("estate", 3), ("grid", 4), ("building", 5)):
        lines = filled(town.district, official, "year", each)
        assert len(lines) == places
        whole = filled(town.district, official, "year")
        # Resources go to communities, so their lines are not below those.
        came = ("送到的资源",) if each in {"street", "community"} else ()
        for title in ("收到诉求", "正在办的诉求", "楼栋数", *came):
            assert sum(line[title] for line in lines) == whole[title], (each, title)
    assert filled(town.building, official, each="estate") == []


def test_buildings_at_different_depths_stand_in_one_form(pool: Any) -> None:
    """A building may stand under an estate or under a grid of it."""
    town = pool.town
    odd = factories.area(town.estate, "building", "独楼")
    requests.submit_request(area=odd, text="灯坏了")
    lines = filled(town.community, town.person("community_worker"), each="building")
    assert {line["名称"]: line["收到诉求"] for line in lines} == {"1号楼": 0, "2号楼": 0, "3号楼": 0, "独楼": 1}


# Who sees what ------------------------------------------------------------------------------------------------------


def test_names_of_post_holders_only_for_who_may_see_posts(client: Any, town: Any, forms: None) -> None:
    address = reverse("dashboards:facts")
    FactForm.objects.create(code="names", title="名册", items="楼长姓名\n户数\n物业合伙人")
    for name, sees in (("community_worker", True), ("grid_worker", False), ("district_official", False)):
        client.force_login(town.person(name))
        page = client.get(address, {"form": "names"})
        assert ("building_leader" in page.content.decode()) is sees, name
        leader = page.context["lines"][0][0]["cell"]
        assert leader.withheld is not sees
        assert sees or "任免网格员、楼长" in leader.note
    client.force_login(town.person("grid_worker"))
    assert "看不到" in client.get(address, {"form": "names"}).context["lines"][0][2]["cell"].note
    client.force_login(town.person("community_worker"))
    assert "19900001234" not in client.get(address).content.decode()


def test_the_own_community_stands_first_and_foreign_places_are_not_there(client: Any, town: Any, forms: None) -> None:
    client.force_login(town.community_worker)
    address = reverse("dashboards:facts")
    assert client.get(address).context["about"].place == town.community
    assert client.get(address, {"area": town.building.pk}).context["about"].place == town.building
    for key in (town.next_community.pk, town.street.pk, 10**9, "x", "9" * 400):
        assert client.get(address, {"area": key}).status_code == 404
        assert client.post(f"{reverse('export', args=['facts'])}?area={key}", {"format": "csv"}).status_code == 404
    found = client.get(address, {"q": "小区"}).context["found"]
    assert [place.name for place in found] == ["槐荫小区"]
    assert client.get(address, {"q": "柳青"}).context["found"] == []
    client.force_login(town.person("street_worker"))
    assert town.next_community in client.get(address, {"q": "柳青"}).context["found"], "it is there for the street"


def test_what_is_missing_is_said_with_the_way_to_mend_it(client: Any, town: Any, forms: None) -> None:
    client.force_login(town.community_worker)
    page = client.get(reverse("dashboards:facts")).content.decode()
    edit = reverse("grids:step", kwargs={"pk": town.community.pk, "step": "edit"})
    assert f'还没有登记，<a href="{edit}">去补上</a>' in page
    assert client.get(edit).status_code == 200
    client.force_login(town.person("grid_worker"))
    page = client.get(reverse("dashboards:facts")).content.decode()
    assert "还没有登记" in page
    assert "去补上" not in page


@pytest.mark.parametrize("query", [
    {"form": "x" * 5000}, {"span": "30"}, {"span": "²"}, {"q": "%" * 500}, {"q": "'"},
    {"area": ""}, {"form": "estates", "span": "last_month"},
])  # fmt: skip
def test_whatever_stands_in_the_address_the_page_opens(client: Any, town: Any, forms: None, query: Any) -> None:
    client.force_login(town.community_worker)
    assert client.get(reverse("dashboards:facts"), query).status_code == 200


def test_without_a_form_the_page_says_so(client: Any, town: Any) -> None:
    client.force_login(town.community_worker)
    assert "还没有可以套用的表" in client.get(reverse("dashboards:facts")).content.decode()
    assert client.post(reverse("export", args=["facts"]), {"format": "csv"}).status_code == 200


# To take away -------------------------------------------------------------------------------------------------------


def taken(client: Any, form: str, kind: str = "xlsx") -> Any:
    return client.post(f"{reverse('export', args=['facts'])}?form={form}&span=month", {"format": kind})


def test_the_file_and_the_copy_say_what_the_page_says(client: Any, busy: Any) -> None:
    client.force_login(busy.town.community_worker)
    for form, title in (("overview", "社区概况表"), ("estates", "小区（楼栋）台账"), ("monthly", "月度工作情况表")):
        page = client.get(reverse("dashboards:facts"), {"form": form, "span": "month"})
        shown = [[one["cell"] for one in line] for line in page.context["lines"]]
        answer = taken(client, form)
        book = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
        assert book["A1"].value == title
        heads, *rows = list(book.iter_rows(min_row=int(book.freeze_panes[1:]) - 1, values_only=True))
        copied = [line.split("\t") for line in page.context["copy"].split("\n")]
        if form == "estates":
            assert list(heads) == [cell.item.heading for cell in shown[0]] == copied[0]
            assert [list(row) for row in rows] == [[_written(cell) for cell in line] for line in shown]
            assert copied[1:] == [[cell.text for cell in line] for line in shown]
        else:
            assert [row[:2] for row in rows] == [(cell.item.heading, _written(cell)) for cell in shown[0]]
            assert copied == [[cell.item.heading, cell.text] for cell in shown[0]]
    # A code is no number: its zeros in front stay.
    assert dict(row[:2] for row in _csv(taken(client, "overview", "csv")))["代码"] == "990001001001"


def _written(cell: Any) -> Any:
    return None if cell.value == "" else cell.value


def _csv(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def test_what_is_copied_does_not_compute(client: Any, town: Any, forms: None) -> None:
    Area.objects.filter(pk=town.estate.pk).update(name="=1+1\t\n")
    client.force_login(town.community_worker)
    page = client.get(reverse("dashboards:facts"), {"form": "estates"})
    assert page.context["copy"].split("\n")[1].split("\t")[1] == "'=1+1"


# The forms ----------------------------------------------------------------------------------------------------------


def test_the_forms_that_come_along_name_facts_that_there_are(forms: None) -> None:
    for form in FactForm.objects.all():
        form.full_clean()
    assert FactForm.objects.count() == 3
    FactForm.objects.filter(code="overview").update(title="我们的表")
    actions.load_forms()
    assert FactForm.objects.get(code="overview").title == "我们的表"


@pytest.mark.parametrize(("text", "said"), [
    ("户树", "是不是“户数”"), ("＃＃", "可以写"), ("", "1 到"), ("户数\n户数", "出现了两次"), ("户数\n" * 99, "1 到"),
])  # fmt: skip
def test_a_form_that_names_no_fact_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        check_items(text)
    check_items("户数｜居民户数\n名称")


def test_a_fact_that_is_gone_is_said(client: Any, town: Any) -> None:
    FactForm.objects.create(code="old", title="旧表", items="户数\n早没有的")
    client.force_login(town.community_worker)
    page = client.get(reverse("dashboards:facts"))
    assert "没有这个数据项了" in page.content.decode()
    assert taken(client, "old", "csv").status_code == 200


def test_the_registry_is_sound() -> None:
    assert len({fact.code for fact in ALL}) == len({fact.title for fact in ALL}) == len(ALL)
    assert all(fact.source for fact in ALL)
