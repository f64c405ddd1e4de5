"""Workbooks that people fill in: an empty one for a registry, and one with the rows that have to be mended."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from common.tables.reading import EXAMPLE, REASONS
from common.tables.sheet import Column

NOTES, CHOICES = "填写说明", "选项"
# So far down a template is dressed; rows below it are read as well.
DRESSED_ROWS = 2000
_HEAD, _MUST = PatternFill("solid", fgColor="B5121B"), PatternFill("solid", fgColor="8E0D15")
_GREY = Font(color="857D73", italic=True)
_KINDS = {
    "text": "文字",
    "number": "数字",
    "date": "日期，写成 2026-03-01",
    "moment": "日期和时间，写成 2026-03-01 09:30",
    "choice": "从下拉里选",
    "yes_no": "填“是”或“否”",
    "reference": "写系统里已有的名称",
}


def template(title: str, columns: Sequence[Column]) -> bytes:
    """Return an empty workbook of a registry: headings, drop-downs, two examples that no import reads, and notes."""
    book = Workbook()
    book.remove(book.worksheets[0])
    sheet, notes = book.create_sheet(_tab(title)), book.create_sheet(NOTES)
    _headings(sheet, columns)
    _examples(sheet, columns)
    _choices(book, sheet, columns)
    _notes(notes, title, columns)
    return _bytes(book)


def marked(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a workbook with these rows under the headings they came with, and one more that says what is wrong."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_tab(title))
    for at, _ in enumerate([*headings, REASONS], 1):
        sheet.column_dimensions[get_column_letter(at)].width = 18 if at <= len(headings) else 60
    sheet.freeze_panes = "A2"
    sheet.append([_text(sheet, heading, head=True) for heading in (*headings, REASONS)])
    for row in rows:
        sheet.append([_text(sheet, cell) for cell in row])
    return _bytes(book)


def _tab(title: str) -> str:
    """Return a title as a tab may be called."""
    return re.sub(r"[\[\]:*?/\\']", " ", title)[:31]


def _text(sheet: Any, value: str, *, head: bool = False) -> Any:
    """Return a cell that is text whatever it begins with: nothing in it is ever computed."""
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type, cell.number_format = "s", "@"
    if head:
        _as_heading(cell, must=False)
    return cell


def _as_heading(cell: Any, *, must: bool) -> None:
    cell.fill, cell.font = _MUST if must else _HEAD, Font(color="FFFFFF", bold=True)
    cell.alignment = Alignment(vertical="center", wrap_text=True)


def _headings(sheet: Worksheet, columns: Sequence[Column]) -> None:
    for at, column in enumerate(columns, 1):
        cell = sheet.cell(1, at, f"{column.title}*" if column.required else column.title)
        _as_heading(cell, must=column.required)
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = max(column.width, 2 * len(column.title) + 4)
        # As text, so that "3-1" stays a building and does not turn into the first of March.
        sheet.column_dimensions[letter].number_format = "@"
        for line in range(2, DRESSED_ROWS + 2):
            if column.kind != "number":
                sheet.cell(line, at).number_format = "@"
    sheet.row_dimensions[1].height = 28
    sheet.freeze_panes = "A2"


def _examples(sheet: Worksheet, columns: Sequence[Column]) -> None:
    """Write two rows as they may look; the mark in the first column keeps them out of every import."""
    for line, mark in ((2, EXAMPLE), (3, EXAMPLE)):
        for at, column in enumerate(columns, 1):
            text = column.example or (column.choices[min(line - 2, len(column.choices) - 1)] if column.choices else "")
            if line == 3 and not column.required:
                text = ""  # so much is enough
            cell = sheet.cell(line, at, f"{mark}{text}" if at == 1 else text)
            cell.data_type, cell.font, cell.number_format = "s", _GREY, "@"


def _choices(book: Workbook, sheet: Worksheet, columns: Sequence[Column]) -> None:
    """Offer the closed lists as drop-downs; they stand on a hidden sheet, because a rule holds 255 signs only."""
    lists = book.create_sheet(CHOICES)
    lists.sheet_state = "hidden"
    for at, column in enumerate(columns, 1):
        offered = column.choices or (("是", "否") if column.kind == "yes_no" else ())
        if not offered:
            continue
        place = get_column_letter(at)
        for line, choice in enumerate(offered, 1):
            cell = lists.cell(line, at, choice)
            cell.data_type = "s"
        rule = DataValidation("list", formula1=f"'{CHOICES}'!${place}$1:${place}${len(offered)}", allow_blank=True)
        rule.error, rule.errorTitle = "请从下拉里选一项。", column.title[:30]
        rule.add(f"{place}2:{place}{DRESSED_ROWS + 1}")
        sheet.add_data_validation(rule)


def _notes(sheet: Worksheet, title: str, columns: Sequence[Column]) -> None:
    lines = [
        [f"怎样填“{title}”"],
        [f"带 * 的列必须填。以“{EXAMPLE}”开头的是例子，导入时不看，可以删掉，也可以留着。"],
        ["列的先后可以换，用不着的列可以删；文件里没有的列，系统里原来的内容不动。"],
        [],
        ["列名", "必须填吗", "填什么", "说明", "例子"],
    ]
    lines += [
        [column.title, "必须" if column.required else "", _KINDS[column.kind], column.hint, column.example]
        for column in columns
    ]
    for line, row in enumerate(lines, 1):
        for at, text in enumerate(row, 1):
            cell = sheet.cell(line, at, text)
            cell.data_type, cell.alignment = "s", Alignment(vertical="top", wrap_text=line > 4)
            if line in (1, 5):
                cell.font = Font(bold=True)
    for letter, width in zip("ABCDE", (16, 10, 26, 50, 24), strict=True):
        sheet.column_dimensions[letter].width = width


def _bytes(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
