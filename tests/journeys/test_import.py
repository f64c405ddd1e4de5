"""A clerk and a workbook of 500 buildings with 20 faults, in a real browser; and a worker that is killed on the way."""

import io
import re
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from audit.imports import actions
from audit.imports.models import ImportPolicy
from audit.models import Event
from clockwork.actions import load_calendar, load_policies
from common.tables.sheet import sheet
from grids.models import Area
from grids.trees import check
from tests.factories import PASSWORD
from tests.journeys.test_staff_pages import AXE, SERIOUS, SIDEWAYS, sign_in
from tests.people import make_town
from tests.stack import wait_until

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def town(live_stack):
    """The district; the community's worker can sign in."""
    load_calendar()
    load_policies()
    made = make_town()
    made.community_worker.set_password(PASSWORD)
    made.community_worker.save()
    return made


def buildings():
    """Return 500 rows for the second grid (estate, grid, number, households), 20 of them with a fault."""
    rows = [["槐荫社区", "槐荫小区", "第二网格", f"{n}号楼", 48] for n in range(101, 601)]
    for n in range(8):
        rows[10 * n][3] = f"{101 + 10 * n}#"
    for n in range(4):
        rows[101 + n][1] = "槐荫小曲"
    for n in range(3):
        rows[201 + n][2] = "二网格"
    rows[301][4], rows[302][4] = "很多", "四十八户"
    rows[311][3] = ""
    rows[321][3] = rows[320][3]
    rows[331][4] = "=1/0"
    return rows


def filled(template, rows):
    """Write rows below the headings of the template that was handed out, and return the workbook."""
    made = load_workbook(io.BytesIO(template))
    page = made.worksheets[0]
    at = {str(cell.value).rstrip("*"): cell.column for cell in page[1]}
    wanted = [at[title] for title in ("社区（村）", "小区", "网格", "楼号", "户数")]
    for line, row in enumerate(rows, 4):
        for column, value in zip(wanted, row, strict=True):
            page.cell(line, column).value = value
    return saved(made)


def saved(book):
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def mended(bad):
    """Mend the rows that came back, each by what stands beside it."""
    made = load_workbook(io.BytesIO(bad))
    page = made.active
    at = {str(cell.value).rstrip("*"): cell.column for cell in page[1]}
    missing = iter(("412号楼", "422号楼"))
    for line in range(2, page.max_row + 1):
        why = page.cell(line, at["错在哪里"]).value
        if "户数" in why:
            page.cell(line, at["户数"]).value = "48"
        if "楼号" in why or "重复" in why:
            page.cell(line, at["楼号"]).value = next(missing)
    return saved(made), page.max_row - 1


def upload(page, base, name, data):
    page.goto(f"{base}/imports/buildings/")
    page.get_by_label("填好的文件").set_input_files({"name": name, "mimeType": XLSX, "buffer": data})
    page.get_by_role("button", name="上传核对").click()
    page.locator(".counts").wait_for()
    return page.locator(".counts").inner_text().replace("\n", "")


def downloaded(page, link):
    with page.expect_download() as got:
        page.get_by_role("link", name=link).click()
    return Path(got.value.path()).read_bytes()


def fits(page):
    """Say what is wrong with the page on this screen."""
    page.evaluate(AXE)
    return page.evaluate(SIDEWAYS), page.evaluate(SERIOUS)


def below(town):
    return Area.objects.filter(parent=town.next_grid, kind="building").count()


def test_a_clerk_mends_twenty_faults_imports_500_buildings_and_takes_them_back(live_stack, town, new_page):
    base, stood = live_stack.base_url, below(town)
    page = sign_in(new_page(accept_downloads=True), base, "community_worker")
    page.goto(f"{base}/tree/")
    page.get_by_role("link", name="导入楼栋").click()
    template = downloaded(page, re.compile("下载“楼栋”模板"))
    data = filled(template, buildings())

    said = upload(page, base, "楼栋.xlsx", data)
    assert "480新增" in said
    assert "20有错" in said
    faults = page.locator(".faults").inner_text()
    assert "第 4 行：楼号“101#”找不到，是不是“101号楼”？" in faults
    assert "小区“槐荫小曲”找不到，是不是“槐荫小区”？" in faults
    assert "是不是“第二网格”？" in faults
    assert fits(page) == (0, [])
    assert below(town) == stood, "looking at a file writes nothing"

    page.get_by_role("button", name=re.compile("处建议全部照改")).click()
    page.locator(".counts").get_by_text(re.compile("^5$")).wait_for()
    # One is mended here, the others in the file that holds only them.
    row = page.locator(".faults li", has_text="四十八户")
    row.locator("input[name=new]").fill("48")
    row.get_by_role("button").click()
    page.locator(".counts").get_by_text(re.compile("^4$")).wait_for()
    bad = downloaded(page, "只下载有错的 4 行")
    page.get_by_role("button", name="只导入正确的 496 行").click()
    page.get_by_role("status").get_by_text("导入了 496 行").wait_for()
    first = page.url
    rest, count = mended(bad)
    assert count == 4
    assert "4新增" in upload(page, base, "改好的.xlsx", rest)
    page.get_by_role("button", name="导入全部 4 行").click()
    page.get_by_role("status").get_by_text("导入了 4 行").wait_for()
    second = page.url

    page.get_by_role("link", name="去看楼栋").click()
    assert "/tree/" in page.url
    page.goto(f"{base}/tree/?open={town.next_grid.pk}")
    page.locator("#detail h2").get_by_text("第二网格").wait_for()
    assert below(town) == stood + 500
    page.goto(f"{base}/tree/?words=412号楼")
    page.get_by_role("link", name=re.compile("412号楼")).first.wait_for()

    assert "0新增0改动4相同" in upload(page, base, "改好的.xlsx", rest).replace("，不动", "")
    assert "已经导入过" in page.locator("main").inner_text()
    for address in (second, first):
        page.goto(address)
        page.get_by_text("撤销这次导入").click()
        page.get_by_role("button", name=re.compile("撤销全部")).click()
        page.get_by_role("status").get_by_text("已撤销").wait_for()
    assert below(town) == stood
    assert check() == []


def test_on_a_telephone_without_scripts(live_stack, town, new_page):
    base, stood = live_stack.base_url, below(town)
    page = sign_in(new_page(width=390, height=844, javascript=False), base, "community_worker")
    made = Workbook()
    for row in (["小区", "网格", "楼号"], ["槐荫小区", "第二网格", "701号楼"], ["槐荫小区", "第二网格", "702#"]):
        made.active.append(row)
    assert "1新增" in upload(page, base, "楼.xlsx", saved(made))
    row = page.locator(".faults li", has_text="702#")
    row.get_by_role("button").click()
    page.get_by_role("button", name="导入全部 2 行").click()
    page.get_by_role("status").get_by_text("导入了 2 行").wait_for()
    assert below(town) == stood + 2
    page.get_by_text("撤销这次导入").click()
    page.get_by_role("button", name=re.compile("撤销全部")).click()
    page.get_by_role("status").get_by_text("已撤销").wait_for()
    assert below(town) == stood


def test_the_pages_fit_a_telephone(live_stack, town, new_page):
    base = live_stack.base_url
    page = sign_in(new_page(width=390, height=844), base, "community_worker")
    rows = [
        ["小区", "楼号", "户数"],
        ["槐荫小曲", "701号楼", "很多"],
        ["槐荫小区", "1号楼", "7"],
        ["槐荫小区", "9号楼", "8"],
    ]
    made = Workbook()
    for row in rows:
        made.active.append(row)
    found = {}
    upload(page, base, "楼.xlsx", saved(made))
    found["planned"] = fits(page)
    page.get_by_role("button", name=re.compile("只导入正确的")).click()
    page.get_by_role("status").wait_for()
    found["done"] = fits(page)
    for address in ("/imports/", "/imports/buildings/", "/exports/sheet.buildings/", "/admin/grids/area/"):
        page.goto(base + address)
        found[address] = fits(page)
    assert {name: said for name, said in found.items() if said != (0, [])} == {}


def test_a_worker_killed_in_the_middle_leaves_no_row_and_all_are_written_once_by_the_next(live_stack, town):
    ImportPolicy.objects.update_or_create(pk=1, defaults={"rows_at_once": 0})
    stood, clerk = below(town), town.community_worker
    lines = ["小区,网格,楼号", *(f"槐荫小区,第二网格,{n}号楼" for n in range(1000, 7000))]
    run = actions.begin(actor=clerk, sheet=sheet("buildings"), file_name="大.csv", data="\n".join(lines).encode())

    def at(state):
        run.refresh_from_db()
        return run.state == state

    log = lambda: live_stack.log("worker").read_text()[-3000:]  # noqa: E731
    wait_until(lambda: at("planned"), 120, log)
    actions.write(run, actor=clerk)
    # Told past the job's transaction: it is at work, and has written nothing that anybody can see.
    wait_until(lambda: (at("writing") and run.progress > 0) or not at("writing"), 60, log)
    live_stack.kill("worker")
    assert at("writing"), "killed before it was done"
    assert below(town) == stood
    live_stack.start("worker")
    wait_until(lambda: at("done"), 180, log)
    assert (run.written, below(town)) == (6000, stood + 6000)
    assert Event.objects.filter(verb="import.written").count() == 1
    assert check() == []
