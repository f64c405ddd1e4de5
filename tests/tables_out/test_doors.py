"""Every real registry through the product's own pages: sent, looked at, written, repeated, taken out, taken back."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from openpyxl import load_workbook

from audit.imports import selectors
from audit.imports.models import ImportPart, ImportPolicy, ImportRun
from common.tables.sheet import sheet, sheets
from grids.models import Area
from grids.trees import check
from partners.models import Partner
from requests_board.models import ServiceRequest
from tests import demo_district, factories
from tests.access.world import undone
from tests.tables.conftest import book
from tests.tables_out.test_round_trip import CHANGES, keeper, openly

pytestmark = pytest.mark.django_db
CODES = sorted(CHANGES)


def send(client: Any, code: str, data: bytes, name: str = "表.xlsx") -> ImportRun:
    """Send a file through the page and return the import that its answer shows."""
    sent = SimpleUploadedFile(name, data)
    answer = client.post(reverse("audit:import_registry", args=[code]), {"file": sent})
    assert answer.status_code == 302, answer.content.decode()
    return run_at(answer.url)


def run_at(address: str) -> ImportRun:
    return ImportRun.objects.get(pk=address.rstrip("/").rpartition("/")[2])


def press(client: Any, run: ImportRun, step: str) -> ImportRun:
    """Press a button of the import's page and return it as it is then."""
    answer = client.post(reverse("audit:import_step", args=[run.pk, step]), follow=True)
    assert answer.status_code == 200, answer.content.decode()
    run.refresh_from_db()
    return run


def shown(client: Any, run: ImportRun) -> str:
    return client.get(reverse("audit:import_run", args=[run.pk])).content.decode()


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.new, run.changed, run.same, run.wrong


def taken(client: Any, code: str, form: str = "xlsx", **more: str) -> bytes:
    """Take a registry out through its page."""
    answer = client.post(reverse("export", args=[f"sheet.{code}"]), {"format": form, **more})
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def faults(run: ImportRun) -> list[str]:
    return [group["sentence"] for group in selectors.summary(run)["groups"]]


# The demo district, out and in --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def district(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The small demo district and who keeps it, its requests as if another system had sent them."""
    with django_db_blocker.unblock(), undone():
        demo_district.run("--scale", "small", "--history", "none")
        user = keeper()
        factories.user("newcomer")
        ImportPolicy.objects.update_or_create(pk=1, defaults={"rows_at_once": 5000})
        for number, row in enumerate(ServiceRequest.objects.order_by("status", "pk")):
            row.source, row.external_id = "12345", f"GD{number:04}"
            row.save(update_fields=["source", "external_id"])
        yield user


@pytest.fixture
def at_desk(district: Any, client: Any) -> Any:
    """The keeper's browser."""
    client.force_login(district)
    return client


def test_every_registry_is_tried() -> None:
    assert sorted(one.code for one in sheets()) == CODES


@pytest.mark.parametrize(("code", "form"), [*((code, "xlsx") for code in CODES), ("partners", "csv")])
def test_what_goes_out_and_comes_in_changes_nothing(at_desk: Any, code: str, form: str) -> None:
    run = send(at_desk, code, taken(at_desk, code, form), f"表.{form}")
    assert (run.new, run.changed, run.wrong) == (0, 0, 0), faults(run) or selectors.summary(run)["first"]
    assert run.same > 2


@pytest.mark.parametrize("code", CODES)
def test_a_changed_and_a_new_row_are_written_once_and_the_whole_import_taken_back(
    at_desk: Any, district: Any, code: str
) -> None:
    before = openly(code, district)
    data = edited(code, taken(at_desk, code))
    run = send(at_desk, code, data)
    assert counts(run)[:2] == (1, 1), faults(run)
    assert run.wrong == 0
    press(at_desk, run, "write")
    assert (run.state, run.written, run.note) == ("done", 2, "")
    assert reverse(sheet(code).page) in shown(at_desk, run)
    again = send(at_desk, code, data)
    assert counts(again)[0::3] == (0, 0)
    assert again.changed == 0
    press(at_desk, run, "undo")
    assert (run.state, run.kept, run.note) == ("undone", 0, "")
    assert openly(code, district) == before
    assert check() == []


def edited(code: str, data: bytes) -> bytes:
    """Return an exported workbook with one of its rows changed and a new one at the end, as a person would do it."""
    changed, new = CHANGES[code]
    made = load_workbook(io.BytesIO(data))
    page = made.active
    titles = {column.title: column.key for column in sheet(code).columns}
    head = next(row for row in page.iter_rows() if row[0].value in titles and row[1].value in titles)
    at = {titles[cell.value]: cell.column for cell in head}
    lines = range(head[0].row + 1, page.max_row + 1)
    value = lambda line, key: str(page.cell(line, at[key]).value or "")  # noqa: E731
    line = next((n for n in lines if "name" in at and "社区" not in value(n, "name")), lines[0])
    if code in ("posts", "pairings"):
        line = next(
            n for n in lines if not value(n, "valid_to") and (code != "posts" or value(n, "username") != "keeper")
        )
    if code == "resources":
        new = {**new, "whole_district": "是"}
        line = next(n for n in lines if value(n, "served"))
    if code == "posts":
        new = {**new, "valid_from": "2031-03-01"}
    last = page.max_row + 1
    for key, column in at.items():
        old = page.cell(line, column).value
        page.cell(last, column).value = new.get(key, old)
        page.cell(line, column).value = changed.get(key, old)
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


# What a file does not say -------------------------------------------------------------------------------------------


def test_a_column_that_the_file_leaves_out_stays_as_it_is(at_desk: Any, district: Any) -> None:
    one = (
        Partner.objects.exclude(category="department").exclude(note="").first()
        or Partner.objects.exclude(category="department").first()
    )
    one.note, one.contact_name = "留着", "张三"
    one.save(update_fields=["note", "contact_name"])
    label = one.get_category_display()
    run = send(at_desk, "partners", book((one.code, label, "改了名"), titles=("编号", "类别", "名称")))
    assert counts(run) == (0, 1, 0, 0), faults(run)
    press(at_desk, run, "write")
    stands = Partner.objects.get(pk=one.pk)
    assert (stands.name, stands.note, stands.contact_name) == ("改了名", "留着", "张三")
    assert (stands.contact_phone, stands.area_id, stands.status) == (one.contact_phone, one.area_id, one.status)


def test_a_stored_number_is_neither_shown_nor_taken_for_a_change(at_desk: Any) -> None:
    one = Partner.objects.exclude(category="department").exclude(contact_phone="").first()
    masked = sheet("partners").masked({"contact_phone": one.contact_phone})["contact_phone"]
    titles = ("编号", "类别", "名称", "联系电话")
    for typed in (masked, one.contact_phone):
        run = send(at_desk, "partners", book((one.code, one.get_category_display(), "改了名", typed), titles=titles))
        assert counts(run) == (0, 1, 0, 0), faults(run)
        (row,) = selectors.summary(run)["first"]["changed"]
        assert [change["title"] for change in row["changes"]] == ["名称"]
        assert one.contact_phone not in shown(at_desk, run)
    press(at_desk, run, "write")
    assert run.state == "done", run.note
    assert Partner.objects.get(pk=one.pk).contact_phone == one.contact_phone


def test_what_is_kept_of_a_file_is_sealed_and_goes_with_it(at_desk: Any) -> None:
    titles = ("来源系统", "外部编号", "地点", "原话", "手机号")
    place = Area.objects.filter(kind="building").first().name
    run = send(at_desk, "requests", book(("12345", "NEW8", place, "灯不亮", "19912345670"), titles=titles))
    if run.new:
        press(at_desk, run, "write")
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, content FROM audit_importpart WHERE run_id = %s", [run.pk])
        parts = cursor.fetchall()
    assert parts
    assert not [kind for kind, content in parts if "19912345670" in content or not content.startswith("v1|")]
    ImportRun.objects.filter(pk=run.pk).update(created_at="2020-01-01T00:00:00Z")
    from audit.imports import actions

    assert actions.forget_old() >= 1
    assert not ImportPart.objects.filter(run=run).exists()


def test_a_department_comes_in_with_its_own_table_only(at_desk: Any) -> None:
    run = send(at_desk, "partners", book(("D999", "部门", "新部门"), titles=("编号", "类别", "名称")))
    assert counts(run) == (0, 0, 0, 1)
    assert "没有“部门”这一项" in faults(run)[0]


# What is wrong ------------------------------------------------------------------------------------------------------


def test_all_that_is_wrong_with_a_row_is_said_at_once(at_desk: Any) -> None:
    estate = Area.objects.filter(kind="estate").first()
    titles = ("小区", "楼号", "户数", "排序")
    run = send(at_desk, "buildings", book((f"{estate.name}错", "901号楼", "很多", "前面"), titles=titles))
    said = faults(run)
    assert len(said) == 3
    assert f"是不是“{estate.name}”？" in said[0]
    assert {"第 2 行：“户数”“很多”不是数字。", "第 2 行：“排序”“前面”不是数字。"} == set(said[1:])


def test_what_hangs_on_a_wrong_row_of_the_file_waits_for_it(at_desk: Any) -> None:
    community = Area.objects.filter(kind="community").first()
    top = f"{community.parent.name}/{community.name}"
    titles = ("上级", "级别", "名称", "户数")
    rows = [
        (top, "小区", "新小区甲", "很多"),
        (f"{top}/新小区甲", "网格", "新网格甲", ""),
        (top, "小区", "新小区乙", ""),
    ]
    run = send(at_desk, "areas", book(*rows, titles=titles))
    assert counts(run) == (1, 0, 0, 2)
    assert f"第 3 行：上级“{top}/新小区甲”在第 2 行，那一行有错，要先改好。" in faults(run)
    press(at_desk, run, "write-good")
    assert (run.state, run.written, run.note) == ("done", 1, "")
    press(at_desk, run, "undo")
    assert not Area.objects.filter(name="新小区乙").exists()


def test_bad_rows_go_out_and_come_back_mended(at_desk: Any) -> None:
    """A formula that somebody typed as text stays text on all its ways."""
    estate = Area.objects.filter(kind="estate").first()
    titles = ("小区", "楼号", "代码")
    rows = [(estate.name, "901#", "X1"), (estate.name, "'=1+1", "X2"), ("没有的", "1号楼", "X3")]
    run = send(at_desk, "buildings", book(*rows, titles=titles))
    bad = at_desk.get(reverse("audit:import_bad", args=[run.pk])).content
    cells = [[cell.value for cell in row] for row in load_workbook(io.BytesIO(bad)).active.iter_rows()]
    assert cells[0] == [*titles, "错在哪里"]
    assert any("901号楼" in row[3] for row in cells[1:])
    assert not any(str(cell).startswith("=") for row in cells for cell in row)
    again = send(at_desk, "buildings", bad)
    assert counts(again)[3] == run.wrong
