"""What people really send: headings anywhere, dates in every dress, merged cells, formulas, hidden sheets."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from common.errors import Invalid
from common.tables.reading import _name, read
from common.tables.sheet import Column, likely, sheets
from common.tables.template import template
from common.tables.text import cleaned
from tests.tables import hostile
from tests.tables.conftest import book
from tests.tables.small import SHEET

COLUMNS = SHEET.columns
BY_KEY = {column.key: column for column in COLUMNS}


def rows(data: bytes, columns: Any = COLUMNS) -> list[tuple[int, dict[str, str]]]:
    """Return line and cells of each row, in one form."""
    table = read(data, columns)
    return [(line, dict(cleaned(cells, table.keys, BY_KEY))) for line, cells in table.rows]


def saved(made: Workbook) -> bytes:
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read(data, COLUMNS)
    return refused.value.message


def value_of(kind: str, cell: Any, **more: Any) -> tuple[str, str]:
    """Return the value of one cell of a kind, and what is wrong with it."""
    given = cleaned([cell], ["x"], {"x": Column("x", "甲", kind=kind, **more)})
    faults = given.faults
    return given["x"], "".join(fault.sentence for fault in faults)


def test_headings_may_stand_lower_in_another_order_and_be_dressed_up():
    made = Workbook()
    for row in (
        ["某某街道服务类型表"],
        ["截至 2026-03-01"],
        [],
        ["备注", "分组（必填）", "服务名称 ", "编码*"],
        ["x", "老人", "陪伴", "T1"],
    ):
        made.active.append(row)
    data = saved(made)
    assert rows(data) == [(5, {"code": "T1", "name": "陪伴", "group": "老人"})]
    assert read(data, COLUMNS).notes == ["“备注”这一列不认识，没有读。"]


def test_a_column_that_is_missing_is_named_with_what_it_was_likely_called():
    said = refusal(book(("T1", "陪伴", "老人"), titles=("编码", "名字称", "分组")))
    assert said == "文件里缺少这些列：“名称”，是不是写成了“名字称”。请对照模板改好表头再上传。"


@pytest.mark.parametrize("sheet", sheets(), ids=lambda sheet: sheet.code)
def test_no_heading_of_a_registry_means_two_columns(sheet):
    headings = [heading for column in sheet.columns for heading in (column.title, *column.aliases)]
    assert len(headings) == len({_name(heading) for heading in headings})


def test_headings_as_people_write_them_are_known():
    buildings = next(sheet for sheet in sheets() if sheet.code == "buildings")
    made = Workbook()
    made.active.append(["序号", "所属社区", "小区名称", "楼栋号", "总户数", "建成日期"])
    made.active.append(["1", "槐荫社区", "槐荫小区", "3号楼", "48", "2008年5月"])
    table = read(saved(made), buildings.columns)
    assert table.keys == ["", "community", "estate", "name", "households", ""]
    assert table.notes == ["“建成日期”这一列不认识，没有读。"]


def test_a_row_that_adds_up_those_above_is_left_out_and_said():
    table = read(book(("T1", "陪伴", "老人", "3"), ("合 计", "", "", "3"), ("T2", "合计", "老人", "1")), COLUMNS)
    assert [line for line, _ in table.rows] == [2, 4]
    assert "第 3 行是合计，没有读。" in table.notes


def test_half_a_name_alike_is_no_likely_name():
    assert likely("落霞社区", ["惜春社区"]) == ""
    assert likely("惜春设区", ["惜春社区"]) == "惜春社区"


def test_a_column_twice_and_no_headings_at_all_are_refused():
    assert "出现了两次" in refusal(book(("T1", "a", "b", "c"), titles=("编码", "名称", "分组", "名称*")))
    assert "没有找到表头" in refusal(book(("1", "2"), titles=("甲", "乙")))


def test_empty_rows_and_examples_are_left_out_and_rows_keep_their_numbers():
    data = book(
        ("示例：T1", "例子", "老人"), (), ("T2", "陪伴", "老人"), ("", " ", "　"), ("T3", "送餐", "老人"), *[("",)] * 50
    )
    assert [line for line, _ in rows(data)] == [4, 6]
    assert "没有数据" in refusal(book(("示例：T1", "例子", "老人")))


def test_what_the_template_offers_is_read_back_as_nothing():
    assert "没有数据" in refusal(template("服务类型", COLUMNS))


def test_wide_digits_and_blanks_of_every_kind():
    assert rows(book(("　Ｔ０１\u200b", "陪伴\u00a0老人 ", "老人", "１，２００"))) == [
        (2, {"code": "Ｔ01", "name": "陪伴 老人", "group": "老人", "hours": "1200", "since": "", "open": ""})
    ]


@pytest.mark.parametrize(
    "cell",
    [date(2026, 3, 1), datetime(2026, 3, 1),  # noqa: DTZ001 - as a workbook keeps it
     "2026年3月1日", "2026-3-1", "2026/03/01", "2026.3.1", "20260301", 46082,
     "46082", "２０２６年３月１日", "2026 年 3 月 1 日", "2026-03-01 00:00:00"],
)  # fmt: skip
def test_dates_in_every_dress(cell):
    assert rows(book(("T1", "a", "老人", "", cell)))[0][1]["since"] == "2026-03-01"


def test_dates_that_are_none():
    assert value_of("date", "2026-02-30")[1] == "“甲”“2026-02-30”这一天不存在，请核对日期"
    for cell in ("三月一日", "2026年3月", "12", "2026-03-01 下午"):
        assert "不是日期" in value_of("date", cell)[1]
    assert value_of("moment", "2026年3月1日 9：30") == ("2026-03-01 09:30", "")
    assert value_of("moment", {"d": "2026-03-01 09:30"}) == ("2026-03-01 09:30", "")


def test_a_building_that_excel_turned_into_a_date_is_not_taken_for_its_name():
    assert "变成了日期" in value_of("text", {"d": "2026-03-01"})[1]


def test_numbers_as_text_and_texts_as_numbers():
    assert rows(book((101, 3.0, "老人", "12.50")))[0][1] == {
        "code": "101", "name": "3", "group": "老人", "hours": "12.5", "since": "", "open": "",
    }  # fmt: skip
    assert rows(book((13800000000, 0.1 + 0.2, "老人")))[0][1]["name"] == "0.3"
    assert "改成了近似值" in cleaned([{"e": "long"}], ["code"], BY_KEY).faults[0].sentence
    for cell, value in (("-007", "-7"), ("+5", "5"), ("0.500", "0.5"), ("1,234", "1234")):
        assert value_of("number", cell) == (value, "")
    for cell in ("12户", "1e5", "--1", "1.2.3", "9" * 16, "²"):
        assert "不是数字" in value_of("number", cell)[1]
    assert value_of("number", "约３６户")[1].endswith("是不是“36”？")


def test_formulas_give_their_value_and_one_without_is_a_fault():
    cells = '<row r="2"><c r="A2" t="str"><f>"T"&amp;1</f><v>T1</v></c><c r="B2"><f>1+1</f></c></row>'
    data = hostile.archive(
        hostile.sheet_of(cells).replace("</row>", '<c r="B1" t="inlineStr"><is><t>名称</t></is></c></row>', 1)
    )
    table = read(data, COLUMNS[:2])
    given = cleaned(table.rows[0][1], table.keys, BY_KEY)
    faults = given.faults
    assert given["code"] == "T1"
    assert [fault.sentence[:8] for fault in faults] == ["“名称”是公式，"]


def test_error_cells_are_faults():
    table = read(book(("T1", "#N/A", "老人")), COLUMNS)
    made = Workbook()
    made.active.append(["编码", "名称", "分组"])
    made.active.append(["T1", "#N/A", "老人"])
    made.active["B2"].data_type = "e"
    table = read(saved(made), COLUMNS)
    faults = cleaned(table.rows[0][1], table.keys, BY_KEY).faults
    assert [fault.sentence for fault in faults] == ["“名称”是错误值 #N/A，请改成正确的内容"]


def test_merged_cells_stand_for_all_their_rows():
    made = Workbook()
    for row in (["分组", "编码", "名称"], ["老人", "T1", "a"], ["", "T2", "b"], ["", "T3", "c"], ["儿童", "T4", "d"]):
        made.active.append(row)
    made.active.merge_cells("A2:A4")
    assert [cells["group"] for _, cells in rows(saved(made))] == ["老人", "老人", "老人", "儿童"]


def test_hidden_sheets_are_not_read_and_of_two_the_one_with_the_headings():
    made = Workbook()
    made.active.title = "封面"
    made.active.append(["说明", "请填写第二张"])
    hidden = made.create_sheet("旧")
    hidden.sheet_state = "hidden"
    real, other = made.create_sheet("今年"), made.create_sheet("去年")
    for sheet, code in ((hidden, "H"), (real, "T1"), (other, "T2")):
        sheet.append(["编码", "名称", "分组"])
        sheet.append([code, "a", "老人"])
    data = saved(made)
    assert [cells["code"] for _, cells in rows(data)] == ["T1"]
    assert read(data, COLUMNS).notes == ["只读了工作表“今年”，没有读：去年。"]


def test_dates_counted_from_1904():
    made = Workbook()
    made.epoch = CALENDAR_MAC_1904
    made.active.append(["编码", "名称", "分组", "开始日期"])
    made.active.append(["T1", "a", "老人", date(2026, 3, 1)])
    assert rows(saved(made))[0][1]["since"] == "2026-03-01"


def test_readings_above_words_and_rich_text_are_one_text():
    shared = "<sst><si><r><t>陪</t></r><r><t>伴</t></r><rPh sb='0' eb='1'><t>pei</t></rPh></si></sst>"
    head = '<c r="B1" t="inlineStr"><is><t>名称</t></is></c></row>'
    sheet = hostile.sheet_of('<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="s"><v>0</v></c></row>').replace(
        "</row>", head, 1
    )
    assert rows(hostile.archive(sheet, shared=shared), COLUMNS[:2])[0][1]["name"] == "陪伴"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t"])
def test_text_tables_in_the_usual_encodings(encoding, mark):
    text = f'编码{mark}名称{mark}分组\r\nT1{mark}陪伴𠮷{mark}老人\r\n{mark}{mark}\r\nT2{mark}"送\n餐"{mark}老人\r\n'
    found = rows(text.encode(encoding))
    assert [(line, cells["name"]) for line, cells in found] == [(2, "陪伴𠮷"), (4, "送\n餐")]


def test_a_quote_before_a_formula_sign_is_no_part_of_the_text():
    assert value_of("text", "'=1+1") == ("=1+1", "")
    assert value_of("text", "'引号") == ("'引号", "")


def test_yes_no_choices_lengths_and_what_must_be_there():
    assert [value_of("yes_no", cell)[0] for cell in ("√", "Y", "有", "×", "0", "无")] == [
        "是",
        "是",
        "是",
        "否",
        "否",
        "否",
    ]
    assert value_of("choice", "老仁", choices=("老人", "儿童"))[1].endswith("是不是“老人”？")
    assert value_of("choice", "外星", choices=("老人", "儿童"))[1].endswith("可以填：老人、儿童")
    assert value_of("text", "一二三", most=2)[1] == "“甲”有 3 个字，最多 2 个"
    assert value_of("text", " ", required=True)[1] == "“甲”不能空着"


def test_a_column_that_the_file_leaves_out_reads_as_empty_and_is_not_there():
    given = cleaned(["T1"], ["code"], BY_KEY)
    assert (given["name"], "name" in given) == ("", False)


def test_too_many_rows_are_counted_without_headings_and_empty_ones():
    data = book(*[(f"T{n}", "a", "老人") for n in range(30)])
    assert len(read(data, COLUMNS, 30).rows) == 30
    with pytest.raises(Invalid, match="一次最多导入 29 行"):
        read(data, COLUMNS, 29)
