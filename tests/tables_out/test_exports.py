"""The door through which lists leave: what is on screen, in whose hands, counted, marked and on record."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from openpyxl import load_workbook

from audit.models import Event, PersonalDataRead
from common.tables.export import Listing, needs, register_listing, same
from common.tables.sheet import Column, sheets
from grids import actions as grids_actions
from grids.models import DistrictProfile
from partners.models import Partner
from requests_board.actions import requests
from tests import factories

pytestmark = pytest.mark.django_db

LISTS = {
    "desk": ("community_worker", "grid_worker", "district_official"),
    "needs": ("community_worker", "district_official"),
    "rows": ("street_worker", "district_official"),
    "district_needs": ("district_official",),
}


def url(code: str, **query: str) -> str:
    from urllib.parse import urlencode

    return reverse("export", args=[code]) + (f"?{urlencode(query)}" if query else "")


def sheet_of(response: Any) -> Any:
    assert response.status_code == 200, response.content[:500]
    return load_workbook(io.BytesIO(b"".join(response.streaming_content))).active


def cells(sheet: Any) -> list[list[Any]]:
    """Return the headings and the rows below the lines about the copy."""
    found = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return found[int(sheet.freeze_panes.removeprefix("A")) - 2 :]


@pytest.fixture
def desk(town, client) -> Any:
    """Three requests of our community, one elsewhere; the worker is signed in."""
    for number in range(3):
        requests.submit_request(area=town.building, text=f"灯坏了{number}", phone="19900001234")
    requests.submit_request(area=town.far_building, text="别处的")
    client.force_login(town.community_worker)
    return client


@pytest.fixture(autouse=True)
def limits(db: None) -> None:
    from clockwork.actions import load_calendar, load_policies

    load_calendar()
    load_policies()


def test_the_desk_leaves_as_it_stands_on_screen(desk: Any, town: Any) -> None:
    page = desk.get(url("desk", f="assign"))
    assert "按现在的筛选导出：待派" in page.content.decode()
    answer = desk.post(url("desk", f="assign"), {"format": "xlsx"})
    sheet = sheet_of(answer)
    assert "%E8%AF%89%E6%B1%82_" in answer["Content-Disposition"]
    heads, *rows = cells(sheet)
    assert heads[:3] == ["编号", "原话", "地点"]
    assert sorted(row[1] for row in rows) == ["灯坏了0", "灯坏了1", "灯坏了2"]
    assert sheet["A1"].value == "诉求"
    assert "导出人：community_worker" in sheet["A2"].value
    assert sheet["A3"].value == "筛选：待派"
    assert "community_worker" in sheet.oddFooter.left.text


def test_every_export_is_an_event(desk: Any, town: Any) -> None:
    desk.post(url("desk", q="19900001234"), {"format": "csv"})
    event = Event.objects.get(verb="list.exported")
    assert event.actor_id == town.community_worker.pk
    assert event.data == {"list": "desk", "rows": 3, "cut": False, "format": "csv", "full": False}
    assert event.after == "诉求，搜“199****1234”"


def test_a_text_file_opens_in_a_spreadsheet(desk: Any) -> None:
    text = b"".join(desk.post(url("desk"), {"format": "csv"}).streaming_content).decode()
    heads, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert text.startswith("\ufeff")
    assert (heads[0], len(rows)) == ("编号", 3)


def test_the_cap_is_data_and_is_said(desk: Any) -> None:
    grids_actions.update_profile(export_rows=2)
    assert "一次最多 2 行" in desk.get(url("desk")).content.decode()
    sheet = sheet_of(desk.post(url("desk"), {"format": "xlsx"}))
    assert any(str(row[0].value).startswith("只有前 2 行") for row in sheet.iter_rows(max_row=5))
    assert len(cells(sheet)) == 1 + 2
    assert Event.objects.get(verb="list.exported").data["cut"] is True


def test_the_layout_is_the_districts(desk: Any) -> None:
    grids_actions.update_profile(export_layouts="诉求｜本区诉求表｜地点、编号、没有这一列")
    sheet = sheet_of(desk.post(url("desk"), {"format": "xlsx"}))
    assert sheet["A1"].value == "本区诉求表"
    assert cells(sheet)[0] == ["地点", "编号"]


def test_a_layout_that_cannot_be_read_is_refused(town: Any) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="第 2 行写得不对"):
        grids_actions.update_profile(export_layouts="诉求｜｜编号\n诉求，编号")


@pytest.mark.parametrize("format", ["", "exe"])
def test_an_unknown_format_is_refused_or_the_usual_one(desk: Any, format: str) -> None:
    assert desk.post(url("desk"), {"format": format}).status_code == 422


@pytest.mark.parametrize("code", ["nothing", "sheet.nothing", "admin.no.thing", "admin.", "."])
def test_an_unknown_list_is_not_there(desk: Any, code: str) -> None:
    assert desk.get(url(code)).status_code == 404


@pytest.mark.parametrize("code", LISTS)
def test_only_who_sees_a_list_takes_it(town: Any, client: Any, code: str) -> None:
    query = {"m": "open"} if code == "rows" else {}
    for name in ("outsider", "security_admin", *LISTS[code]):
        client.force_login(getattr(town, name))
        expected = 200 if name in LISTS[code] else 403
        assert client.get(url(code, **query)).status_code == expected, name
        assert client.post(url(code, **query), {"format": "xlsx"}).status_code == expected, name


@pytest.mark.parametrize("code", ["pool", "month"])
def test_the_partners_page_leaves_too(pool: Any, client: Any, code: str) -> None:
    client.force_login(pool.liaison(0))
    heads, *rows = cells(sheet_of(client.post(url(code), {"format": "xlsx"})))
    assert "资源" in heads
    assert code == "month" or rows[0][1] == "示例部门1讲座"


@pytest.mark.parametrize("month", ["x", "2026-13", "0001-01", "99999-01", "²-1"])
def test_a_month_that_is_none_is_said(pool: Any, client: Any, month: str) -> None:
    client.force_login(pool.liaison(0))
    assert client.post(url("month", m=month), {"format": "xlsx"}).status_code == 422
    assert client.get(url("month", m=month)).status_code == 422


# Personal data ----------------------------------------------------------------------------------------------


@pytest.fixture
def firm(town: Any, client: Any) -> Partner:
    client.force_login(town.district_official)
    return Partner.objects.create(
        area=town.community, category="property", name="甲物业", code="W001", contact_phone="19900005678"
    )


def test_a_number_is_masked_unless_there_is_a_purpose(firm: Partner, client: Any) -> None:
    row = dict(zip(*cells(sheet_of(client.post(url("sheet.partners"), {"format": "xlsx"})))[:2], strict=True))
    assert row["联系电话"] == "199****5678"
    assert not PersonalDataRead.objects.exists()
    refused = client.post(url("sheet.partners"), {"format": "xlsx", "full": "1", "purpose": "  "})
    assert refused.status_code == 422
    assert "请先写明用来做什么" in refused.content.decode()
    assert not Event.objects.filter(verb="list.exported", data__full=True).exists()


def test_a_purpose_opens_it_and_each_look_is_noted_first(
    firm: Partner, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hedong import exports

    seen: list[int] = []
    file = exports._file
    monkeypatch.setattr(exports, "_file", lambda *args: (seen.append(PersonalDataRead.objects.count()), file(*args))[1])
    answer = client.post(url("sheet.partners"), {"format": "xlsx", "full": "1", "purpose": "核对联系人"})
    row = dict(zip(*cells(sheet_of(answer))[:2], strict=True))
    assert row["联系电话"] == "19900005678"
    assert seen == [1]
    read = PersonalDataRead.objects.get()
    assert (read.subject_id, read.field, read.purpose) == (str(firm.pk), "contact_phone", "核对联系人")
    assert Event.objects.get(verb="list.exported").reason == "核对联系人"


def test_who_may_only_look_gets_masks_whatever_is_asked(firm: Partner, town: Any, client: Any) -> None:
    requests.submit_request(area=town.building, text="灯坏了", phone="19900001234", contact_name="王小明")
    from requests_board.models import ServiceRequest

    ServiceRequest.objects.update(source="12345", external_id="A1")
    for name, status in (("grid_worker", 403), ("community_worker", 200)):
        client.force_login(getattr(town, name))
        answer = client.post(url("sheet.requests"), {"format": "csv", "full": "1", "purpose": "回访"})
        assert answer.status_code == status
        if status == 200:
            assert "19900001234" in b"".join(answer.streaming_content).decode()
    client.force_login(town.grid_worker)
    masked = b"".join(client.post(url("sheet.requests"), {"format": "csv"}).streaming_content).decode()
    assert "199****1234" in masked
    assert "王**" in masked


def test_a_list_that_reads_across_its_scope_would_be_seen(desk: Any) -> None:
    """The control: a list without a scope shows what lies elsewhere, so the tests above can tell."""
    from requests_board.models import ServiceRequest
    from requests_board.tables.lists import request_cells

    rows = lambda request: map(request_cells, ServiceRequest.objects.all())  # noqa: E731
    register_listing(Listing("leaky", "漏", needs("view_request"), same(Column("text", "原话")), rows))
    text = b"".join(desk.post(url("leaky"), {"format": "csv"}).streaming_content).decode()
    assert "别处的" in text


# The admin --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label_lower)
def test_every_list_of_the_admin_leaves(town: Any, client: Any, model: Any) -> None:
    keeper = factories.user("keeper")
    for role in ("system_admin", "security_admin", "auditor", "district_official"):
        factories.post(keeper, role, town.district)
    client.force_login(keeper)
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    shown = client.get(address)
    code = f"admin.{model._meta.label_lower}"
    if shown.status_code != 200:
        assert client.get(url(code)).status_code in (403, 404)
        return
    assert client.get(url(code)).status_code == 200
    heads, *rows = cells(sheet_of(client.post(url(code), {"format": "xlsx"})))
    assert heads
    assert len(rows) == shown.context["cl"].result_count
    assert "<" not in "".join(str(value) for row in rows for value in row)


def test_the_admins_filters_hold(town: Any, client: Any) -> None:
    client.force_login(town.system_admin)
    answer = client.post(url("admin.grids.area", kind__exact="building", q="1号楼"), {"format": "xlsx"})
    sheet = sheet_of(answer)
    assert [row[0] for row in cells(sheet)[1:]] == ["1号楼"]
    assert "搜“1号楼”" in sheet["A3"].value


def test_a_number_that_was_searched_for_stays_out_of_file_and_trail(town: Any, client: Any) -> None:
    requests.submit_request(area=town.building, text="灯坏了", phone="19900001234")
    client.force_login(town.community_worker)
    taken = client.post(url("admin.requests_board.servicerequest", q="199 0000 1234"), {"format": "xlsx"})
    sheet = sheet_of(taken)
    assert len(cells(sheet)) == 2
    assert "搜“199****1234”" in sheet["A3"].value
    assert "搜“199****1234”" in Event.objects.get(verb="list.exported").after


@pytest.mark.parametrize("query", [{"nonsense__x": "1"}, {"kind__exact": "x"}, {"e": "1"}, {"p": "x"}, {"o": "zz"}])
def test_a_filter_that_is_none_is_said_or_ignored(town: Any, client: Any, query: dict[str, str]) -> None:
    client.force_login(town.system_admin)
    for answer in (client.get(url("admin.grids.area", **query)), client.post(url("admin.grids.area", **query))):
        assert answer.status_code in (200, 422), query


def test_each_list_of_the_admin_offers_both_ways(town: Any, client: Any) -> None:
    client.force_login(town.community_worker)
    page = client.get("/admin/grids/area/", {"kind__exact": "building", "p": "0"}).content.decode()
    assert 'href="/exports/admin.grids.area/?kind__exact=building"' in page
    assert 'href="/imports/areas/"' in page
    assert 'href="/imports/buildings/"' in page
    # Who only looks at a list is offered no table to fill in.
    client.force_login(town.grid_worker)
    page = client.get("/admin/grids/area/").content.decode()
    assert ("/exports/admin.grids.area/" in page, "/imports/buildings/" in page) == (True, False)
def test_every_list_of_the_admin_offers_the_file_it_shows(town: Any, client: Any) -> None:
    client.force_login(town.system_admin)
    page = client.get(reverse("admin:grids_area_changelist"), {"kind__exact": "building", "p": "0"}).content.decode()
    assert 'href="/exports/admin.grids.area/?kind__exact=building"' in page
    choosing = client.get(reverse("admin:grids_area_changelist"), {"_popup": "1"}).content.decode()
    assert "/exports/" not in choosing


def test_every_registry_can_be_taken_by_who_sees_it(town: Any, client: Any) -> None:
    keeper = factories.user("keeper")
    for role in ("system_admin", "security_admin", "district_official"):
        factories.post(keeper, role, town.district)
    factories.post(keeper, "street_worker", town.street)
    client.force_login(keeper)
    for one in sheets():
        assert "可以再导入" in client.get(url(f"sheet.{one.code}")).content.decode()
        assert client.post(url(f"sheet.{one.code}"), {"format": "xlsx"}).status_code == 200
    assert DistrictProfile.objects.exists()
