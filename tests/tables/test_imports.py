"""A file on its way: looked at, mended, written whole or not at all, repeated without doubles, taken back."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.urls import reverse
from openpyxl import load_workbook

from audit.imports import actions, selectors
from audit.imports.models import FOLLOWS, ImportPart, ImportPolicy, ImportRun, RunState
from audit.models import Event, Job
from common.errors import Conflict, DomainError, Invalid, StepNotAllowed
from tests.tables import small
from tests.tables.conftest import book, some
from volunteering.models import ServiceType

pytestmark = pytest.mark.django_db


def begin(clerk: Any, *rows: Any) -> ImportRun:
    run = actions.begin(actor=clerk, sheet=small.SHEET, file_name="服务.xlsx", data=book(*rows))
    run.refresh_from_db()
    return run


def step(action: Any, run: ImportRun, clerk: Any, **more: Any) -> ImportRun:
    action(run, actor=clerk, **more)
    run.refresh_from_db()
    return run


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.new, run.changed, run.same, run.wrong


def ours() -> dict[str, str]:
    return dict(ServiceType.objects.filter(code__startswith="T").values_list("code", "name"))


def test_the_preview_counts_shows_what_changes_and_writes_nothing(clerk):
    ServiceType.objects.create(code="T00001", name="旧名", group="老人")
    ServiceType.objects.create(code="T00002", name="服务2", group="老人")
    run = begin(clerk, *some(3), ("T00009", "服务9", "老仁", "很多", "2月30日", "也许"))
    assert (run.state, counts(run)) == (RunState.PLANNED, (1, 1, 1, 1))
    said = selectors.summary(run)
    assert said["first"]["changed"][0]["changes"] == [{"title": "名称", "old": "旧名", "new": "服务1"}]
    assert said["first"]["new"][0]["cells"][:2] == ["T00003", "服务3"]
    sentences = [group["sentence"] for group in said["groups"]]
    assert sentences[0] == "第 5 行：“分组”没有“老仁”这一项，是不是“老人”？"
    assert {
        "第 5 行：“时长”“很多”不是数字。",
        "第 5 行：“开始日期”“2月30日”不是日期，请写成 2026-03-01 这样。",
        "第 5 行：“对外”“也许”看不懂，请填“是”或“否”。",
    } == set(sentences[1:])
    assert set(ours()) == {"T00001", "T00002"}


def test_what_was_looked_at_is_written_and_told_of(clerk):
    run = step(actions.write, begin(clerk, *some(3)), clerk)
    assert (run.state, run.written, len(ours())) == (RunState.DONE, 3, 3)
    event = Event.objects.get(verb="import.written")
    assert (event.target_id, event.data["written"], event.actor_label) == (str(run.pk), 3, clerk.display_name)


def test_the_same_file_again_is_all_the_same(clerk):
    step(actions.write, begin(clerk, *some(3)), clerk)
    again = begin(clerk, *some(3))
    assert counts(again) == (0, 0, 3, 0)
    assert selectors.same_file(again) is not None
    with pytest.raises(Invalid, match="没有要写入的行"):
        actions.write(again, actor=clerk)


def test_one_click_mends_all_that_is_alike(clerk):
    rows = [
        ("T00001", "服务1", "老仁"),
        ("T00002", "服务2", "老仁"),
        ("T00003", "服务3", "儿重"),
        ("T00004", "服务4", "外星"),
    ]
    run = begin(clerk, *rows)
    assert run.wrong == 4
    group = selectors.summary(run)["groups"][0]
    assert (group["value"], group["count"], group["suggestion"]) == ("老仁", 2, "老人")
    step(actions.mend, run, clerk, group=0, was="老仁", to="老人")
    assert counts(run) == (2, 0, 0, 2)
    step(actions.accept_all, run, clerk)
    assert counts(run) == (3, 0, 0, 1)
    step(actions.mend, run, clerk, group=0, was="外星", to="环境")
    assert counts(run) == (4, 0, 0, 0)
    with pytest.raises(Conflict):
        actions.mend(run, actor=clerk, group=0, was="外星", to="环境")


def test_all_is_refused_while_rows_are_wrong_and_the_good_ones_may_go_alone(clerk):
    run = begin(clerk, *some(2), ("T00003", "", "老人"))
    with pytest.raises(Invalid, match="还有 1 行有错"):
        actions.write(run, actor=clerk)
    step(actions.write, run, clerk, only_good=True)
    assert (run.state, run.written, set(ours())) == (RunState.DONE, 2, {"T00001", "T00002"})


def test_the_bad_rows_come_back_as_a_file_that_can_be_mended_and_sent_again(clerk_at_desk, clerk):
    run = begin(clerk, *some(2), ("T00003", "=1+1", "老仁", "", "2026年3月1日"))
    answer = clerk_at_desk.get(reverse("audit:import_bad", args=[run.pk]))
    assert "%E6%9C%89%E9%94%99%E7%9A%84%E8%A1%8C" in answer["Content-Disposition"]
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]][-1] == "错在哪里"
    assert len(rows) == 2
    assert "是不是“老人”？" in rows[1][-1].value
    assert {cell.data_type for cell in rows[1] if cell.value} == {"s"}, "nothing in the file is ever computed"
    values = [[cell.value for cell in row] for row in rows]
    values[1][2] = "老人"
    values[1][1] = "服务3"
    mended = actions.begin(
        actor=clerk, sheet=small.SHEET, file_name="改好.xlsx", data=book(values[1], titles=values[0])
    )
    mended.refresh_from_db()
    assert counts(mended) == (1, 0, 0, 0)
    assert selectors.summary(mended)["notes"] == []


def test_what_changed_since_the_preview_stops_the_import_and_is_shown(clerk):
    run = begin(clerk, *some(3))
    ServiceType.objects.create(code="T00002", name="别人先建的", group="儿童")
    step(actions.write, run, clerk)
    assert (run.state, counts(run)) == (RunState.PLANNED, (2, 1, 0, 0))
    assert run.note.startswith("还没有导入：您看过以后，第 3 行的情况变了")
    assert ours() == {"T00002": "别人先建的"}
    step(actions.write, run, clerk)
    assert (run.state, len(ours())) == (RunState.DONE, 3)


def test_two_imports_of_one_file_end_in_one_and_the_second_is_told(clerk, colleague):
    first, second = begin(clerk, *some(2)), begin(colleague, *some(2))
    step(actions.write, first, clerk)
    step(actions.write, second, colleague)
    assert (second.state, counts(second)) == (RunState.PLANNED, (0, 0, 2, 0))
    assert second.note.startswith("还没有导入")


def test_a_row_that_becomes_impossible_takes_all_of_them_back(clerk, monkeypatch):
    run = step(actions.write, begin(clerk, *some(3), ("T00009", "临时不行", "老人")), clerk)
    assert (run.state, ours()) == (RunState.PLANNED, {})
    assert run.note == "没有导入，一行也没有写。名称“临时不行”刚刚被别人用了。"
    assert not Event.objects.filter(verb="import.written").exists()


@pytest.mark.parametrize("error", [IntegrityError("double"), DomainError("这会儿写不了。")])
def test_a_refusal_in_the_middle_leaves_no_row(clerk, monkeypatch, error):
    def break_off(self: Any) -> None:
        assert len(ours()) == 3, "the rows were there"
        raise error

    monkeypatch.setattr(small.ServiceSheet, "in_the_middle", break_off)
    run = step(actions.write, begin(clerk, *some(3)), clerk)
    assert (run.state, ours()) == (RunState.PLANNED, {})
    assert "一行也没有写" in run.note


def test_an_import_is_taken_back_as_a_whole(clerk):
    ServiceType.objects.create(code="T00001", name="旧名", group="老人")
    run = step(actions.write, begin(clerk, *some(3)), clerk)
    assert len(ours()) == 3
    step(actions.undo, run, clerk)
    assert (run.state, ours()) == (RunState.UNDONE, {"T00001": "旧名"})
    with pytest.raises(StepNotAllowed):
        actions.undo(run, actor=clerk)


def test_rows_changed_since_stop_the_way_back_unless_the_rest_is_asked_for(clerk):
    run = step(actions.write, begin(clerk, *some(3)), clerk)
    ServiceType.objects.filter(code="T00002").update(name="后来改的")
    step(actions.undo, run, clerk)
    assert (run.state, run.kept, len(ours())) == (RunState.DONE, 1, 3)
    assert selectors.refused(run) == [[3, "“T00002”导入以后又改过"]]
    step(actions.undo, run, clerk, rest=True)
    assert (run.state, run.kept, ours()) == (RunState.UNDONE, 1, {"T00002": "后来改的"})


def test_two_clicks_are_one_step(clerk):
    run = begin(clerk, *some(2))
    stale = ImportRun.objects.get(pk=run.pk)
    actions.write(run, actor=clerk)
    with pytest.raises(StepNotAllowed):
        actions.write(stale, actor=clerk)


def test_an_import_that_was_given_up_keeps_no_row(clerk):
    run = step(actions.drop, begin(clerk, *some(2)), clerk)
    assert run.state == RunState.DROPPED
    assert not ImportPart.objects.filter(run=run).exists()
    with pytest.raises(StepNotAllowed):
        actions.write(run, actor=clerk)


def test_rows_are_sealed_and_forgotten_in_time(clerk):
    old, young = begin(clerk, *some(2)), begin(clerk, *some(2))
    stored = "".join(part.content.text for part in ImportPart.objects.all() if hasattr(part.content, "text"))
    assert "服务1" not in stored
    ImportRun.objects.filter(pk=old.pk).update(created_at="2026-01-01T00:00:00Z")
    assert actions.forget_old() == 1
    assert not ImportPart.objects.filter(run=old).exists()
    assert ImportPart.objects.filter(run=young).exists()
    old.refresh_from_db()
    assert old.state == RunState.DROPPED
    assert old.emptied_at is not None
    assert actions.forget_old() == 0


def test_an_undo_after_the_rows_were_forgotten_is_refused_in_words(clerk):
    run = step(actions.write, begin(clerk, *some(1)), clerk)
    ImportRun.objects.filter(pk=run.pk).update(created_at="2026-01-01T00:00:00Z")
    actions.forget_old()
    with pytest.raises(selectors.Emptied, match="不能再整批撤销"):
        actions.undo(run, actor=clerk)


def test_every_state_is_reached_and_each_can_end():
    reached = {after for states in FOLLOWS.values() for after in states} | {RunState.PLANNING}
    assert reached == set(RunState)
    ends = {state for state, after in FOLLOWS.items() if not after}
    assert ends == {RunState.UNDONE, RunState.DROPPED}


# Pages ----------------------------------------------------------------------------------------------------------------


def send(browser: Any, data: bytes, name: str = "服务.xlsx") -> Any:
    sent = SimpleUploadedFile(name, data)
    return browser.post(reverse("audit:import_registry", args=[small.CODE]), {"file": sent}, follow=True)


def press(browser: Any, run: ImportRun, name: str, **form: str) -> Any:
    return browser.post(reverse("audit:import_step", args=[run.pk, name]), form, follow=True)


def test_the_way_through_the_pages(clerk_at_desk):
    page = clerk_at_desk.get(reverse("audit:imports")).content.decode()
    assert "服务类型（测试）" in page
    page = send(clerk_at_desk, book(*some(2), ("T00003", "服务3", "老仁"))).content.decode()
    assert "第 4 行：“分组”没有“老仁”这一项，是不是“老人”？" in page
    assert "导入全部" not in page
    run = ImportRun.objects.get()
    page = press(clerk_at_desk, run, "mend", group="0", was="老仁", new="老人").content.decode()
    assert "导入全部 3 行" in page
    page = press(clerk_at_desk, run, "write").content.decode()
    assert "导入了 3 行" in page
    page = press(clerk_at_desk, run, "undo").content.decode()
    assert "已撤销" in page
    assert ours() == {}


def test_a_file_that_cannot_be_read_is_refused_beside_the_form(clerk_at_desk):
    for data, words in (
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "另存为 .xlsx"),
        (b"", "空文件"),
        (b"a,b\n1,2", "没有找到表头"),
    ):
        answer = send(clerk_at_desk, data)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    answer = clerk_at_desk.post(reverse("audit:import_registry", args=[small.CODE]), {})
    assert "请先选好" in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_rows_may_be_pasted_instead(clerk_at_desk):
    address = reverse("audit:import_registry", args=[small.CODE])
    page = clerk_at_desk.post(address, {"pasted": "编码\t名称\t分组\nT1\t服务1\t老人\n"}, follow=True)
    assert "导入全部 1 行" in page.content.decode()


def test_nobody_else_sees_an_import(clerk, colleague, client):
    run = begin(clerk, *some(1))
    client.force_login(colleague)
    for name in ("import_run", "import_bad"):
        assert client.get(reverse(f"audit:{name}", args=[run.pk])).status_code == 404
    assert client.post(reverse("audit:import_step", args=[run.pk, "write"])).status_code == 404
    assert str(run.pk) not in client.get(reverse("audit:imports")).content.decode()


def test_who_does_not_keep_the_registry_is_refused(town, client):
    client.force_login(town.auditor)
    assert client.get(reverse("audit:imports")).status_code == 403
    client.force_login(town.grid_worker)
    assert "test_services" not in client.get(reverse("audit:imports")).content.decode()
    assert client.get(reverse("audit:import_registry", args=[small.CODE])).status_code == 403


def test_a_post_that_ended_ends_the_import_too(clerk, clerk_at_desk):
    run = begin(clerk, *some(1))
    clerk.posts.all().delete()
    assert press(clerk_at_desk, run, "write").status_code == 403
    assert ours() == {}


def test_content_that_does_not_open_is_said_and_not_a_failure(clerk, clerk_at_desk):
    run = begin(clerk, *some(1), ("T2", "", ""))
    for part in ImportPart.objects.filter(run=run):
        part.content = "金丝雀"
        part.save()
    page = clerk_at_desk.get(reverse("audit:import_run", args=[run.pk])).content.decode()
    assert "读不出来了" in page
    for name in ("write-good", "accept", "mend"):
        assert press(clerk_at_desk, run, name, group="0", was="", new="x").status_code in (409, 422)
    assert clerk_at_desk.get(reverse("audit:import_bad", args=[run.pk])).status_code == 409


# The background ---------------------------------------------------------------------------------------------------


def test_a_large_file_goes_to_the_background(clerk, clerk_at_desk):
    from audit.jobs.run import run as do

    ImportPolicy.objects.update_or_create(pk=1, defaults={"rows_at_once": 2})
    run = begin(clerk, *some(3))
    assert run.state == RunState.PLANNING
    page = clerk_at_desk.get(reverse("audit:import_run", args=[run.pk])).content.decode()
    assert "<progress" in page
    assert 'http-equiv="refresh"' in page
    assert do(Job.objects.get(key=run.job_key).pk)
    run.refresh_from_db()
    assert (run.state, counts(run)) == (RunState.PLANNED, (3, 0, 0, 0))
    step(actions.write, run, clerk)
    assert (run.state, ours()) == (RunState.WRITING, {})
    assert do(Job.objects.get(key=run.job_key).pk)
    run.refresh_from_db()
    assert (run.state, len(ours())) == (RunState.DONE, 3)
    step(actions.undo, run, clerk)
    assert do(Job.objects.get(key=run.job_key).pk)
    run.refresh_from_db()
    assert (run.state, ours()) == (RunState.UNDONE, {})


def test_the_background_refuses_who_lost_the_right_in_the_meantime(clerk):
    from audit.jobs.run import run as do

    ImportPolicy.objects.update_or_create(pk=1, defaults={"rows_at_once": 2})
    run = begin(clerk, *some(3))
    do(Job.objects.get(key=run.job_key).pk)
    run.refresh_from_db()
    step(actions.write, run, clerk)
    clerk.posts.all().delete()
    do(Job.objects.get(key=run.job_key).pk)
    run.refresh_from_db()
    assert (run.state, ours()) == (RunState.PLANNED, {})
    assert "没有往这里导入的权限" in run.note
