"""Make a workbook or a text file of a list: nothing in it computes, and each printed page says whose copy it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from common.tables.safe import clean, harmless
from common.tables.sheet import Column

_LINE = Side(style="thin", color="FFBFB8AE")
_LONGEST_NUMBER = 15
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands above the columns, and on each printed page: title, lines about the copy, its mark."""

    title: str
    lines: tuple[str, ...]
    mark: str


def workbook(paper: Paper, columns: tuple[Column, ...], rows: Iterable[Mapping[str, Any]]) -> IO[bytes]:
    """Return an open file with the list as XLSX."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(title=_sheet_name(paper.title))
    header = len(paper.lines) + 2
    _set_up(sheet, paper, columns, header)
    looks = _Looks(sheet)
    sheet.append([looks.title(paper.title)])
    for line in paper.lines:
        sheet.append([looks.small(line)])
    sheet.append([looks.heading(column) for column in columns])
    for row in rows:
        sheet.append([looks.cell(column, row.get(column.key, "")) for column in columns])
    found = io.BytesIO()
    book.save(found)
    found.seek(0)
    return found


def _set_up(sheet: Any, paper: Paper, columns: tuple[Column, ...], header: int) -> None:
    """Set what must stand before the first row: widths, frozen headings, how it is printed."""
    for number, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = min(column.width + 2, _WIDEST)
    sheet.freeze_panes = f"A{header + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{header}:{header}"
    mark = paper.mark.replace("&", "&&")
    for place in (sheet.oddHeader.right, sheet.oddFooter.left):
        place.text, place.size, place.color = mark, 9, "808080"
    sheet.oddFooter.right.text = "第 &P 页，共 &N 页"


class _Looks:
    """The styles of one sheet, each made once; every cell is given its type, so that nothing is guessed."""

    def __init__(self, sheet: Any) -> None:
        self.sheet = sheet
        self._title = self._style(Font(bold=True, size=16))
        self._small = self._style(Font(size=10, color="FF6B6560"))
        self._heading = self._style(Font(bold=True, color="FFFFFFFF"), fill="FF9E2A2B", wrap=True)
        self._must = self._style(Font(bold=True, color="FFFFE08A"), fill="FF9E2A2B", wrap=True)
        self._text = self._style(Font(), wrap=True)
        self._number = self._style(Font(), number="0")

    def _style(self, font: Font, *, fill: str = "", wrap: bool = False, number: str = "@") -> Any:
        cell: Any = WriteOnlyCell(self.sheet)
        cell.font, cell.number_format = font, number
        cell.alignment = Alignment(vertical="top", wrap_text=wrap)
        if fill:
            cell.fill = PatternFill("solid", fgColor=fill)
        if wrap or number == "0":
            cell.border = Border(bottom=_LINE)
        return cell._style

    def _made(self, text: str, style: Any) -> Any:
        cell: Any = WriteOnlyCell(self.sheet)
        cell._style, cell._value, cell.data_type = style, harmless(text), "s"
        return cell

    def title(self, text: str) -> Any:
        """Return the cell of the title."""
        return self._made(text, self._title)

    def small(self, text: str) -> Any:
        """Return a line about the copy."""
        return self._made(text, self._small)

    def heading(self, column: Column) -> Any:
        """Return a heading; those of cells that must be filled have another colour."""
        return self._made(column.title, self._must if column.required else self._heading)

    def cell(self, column: Column, value: Any) -> Any:
        """Return a cell: a number where the column counts, or the value does in a column of either; else text."""
        text = clean(value)
        counts = column.kind == "number" or (column.kind == "either" and isinstance(value, int))
        if counts and text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
            cell: Any = WriteOnlyCell(self.sheet)
            cell._style, cell._value, cell.data_type = self._number, int(text), "n"
            return cell
        return self._made(text, self._text) if text else None


def text_file(columns: tuple[Column, ...], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the list as CSV, with the mark by which spreadsheets know the encoding."""
    line = io.StringIO()
    writer = csv.writer(line)
    yield "\ufeff"
    writer.writerow([harmless(column.title) for column in columns])
    yield _taken(line)
    for row in rows:
        writer.writerow([harmless(row.get(column.key, "")) for column in columns])
        yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _sheet_name(title: str) -> str:
    """Return a title as a workbook takes it for the name of a sheet."""
    kept = "".join(sign for sign in title if sign not in "[]:*?/\\'")
    return kept[:31] or "表"
