"""Read the visible sheets of an .xlsx archive: strings, numbers, dates, formulas' values, merged cells.

Expat calls back for each element, so nothing is held but the texts of the cells, and reading stops at any limit.
Document types are refused as such, and with them every entity. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from xml.parsers import expat
from zipfile import ZipFile

from common.tables import limits
from common.tables.limits import Most, Refused

Cell = str | dict[str, str]
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# Formats of dates that have numbers instead of a pattern, the Chinese ones included.
_DATE_FORMATS = {*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)}
_NO_PATTERN = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_NO_BOOK = "这个文件里没有工作表。请用 Excel 或 WPS 另存为 .xlsx 后再上传。"


def walk(archive: ZipFile, name: str, start: Any = None, end: Any = None, text: Any = None) -> None:
    """Read one part of the archive, calling back with local names; refuse document types and deep nesting."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text, depth = True, 0

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > limits.MAX_DEPTH:
            raise Refused(_NO_BOOK)
        if start:
            start(tag.rpartition(" ")[2], attributes)

    def closed(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if end:
            end(tag.rpartition(" ")[2])

    def refuse(*_: Any) -> None:
        raise Refused("这个文件里夹带了别的指令，不能打开。请新建一张表，把数据复制过去再上传。")

    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    with archive.open(name) as part:
        while chunk := part.read(65_536):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)


def read_workbook(archive: ZipFile, most: Most) -> list[dict[str, Any]]:
    """Return name and rows of each visible sheet."""
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names:
        raise Refused(_NO_BOOK)
    listed, since_1904 = _listed(archive)
    targets = _targets(archive) if "xl/_rels/workbook.xml.rels" in names else {}
    shared = Strings(archive).texts if "xl/sharedStrings.xml" in names else []
    dated = _date_styles(archive) if "xl/styles.xml" in names else set()
    reader = SheetReader(shared, dated, since_1904, most)
    found = []
    for name, key in listed[: limits.MAX_SHEETS]:
        if targets.get(key) in names:
            found.append({"name": name, "rows": reader.read(archive, targets[key])})
    if not found:
        raise Refused(_NO_BOOK)
    return found


def _listed(archive: ZipFile) -> tuple[list[tuple[str, str]], bool]:
    found: list[tuple[str, str]] = []
    eras: list[bool] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet" and attributes.get("state", "visible") == "visible":
            key = next((value for name, value in attributes.items() if name.endswith(" id")), "")
            found.append((attributes.get("name", ""), key))
        elif tag == "workbookPr":
            eras.append(attributes.get("date1904") in {"1", "true"})

    walk(archive, "xl/workbook.xml", start)
    return found, any(eras)


def _targets(archive: ZipFile) -> dict[str, str]:
    found: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            found[attributes.get("Id", "")] = target[1:] if target.startswith("/") else f"xl/{target}"

    walk(archive, "xl/_rels/workbook.xml.rels", start)
    return found


def _date_styles(archive: ZipFile) -> set[str]:
    """Return the numbers of the cell styles that show a number as a date."""
    patterns: dict[str, str] = {}
    styles: list[str] = []
    inside = [False]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt":
            patterns[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            inside[0] = True
        elif tag == "xf" and inside[0]:
            styles.append(attributes.get("numFmtId", "0"))

    def end(tag: str) -> None:
        if tag == "cellXfs":
            inside[0] = False

    walk(archive, "xl/styles.xml", start, end)
    return {str(at) for at, number in enumerate(styles) if _is_date(number, patterns.get(number))}


def _is_date(number: str, pattern: str | None) -> bool:
    if pattern is None:
        return number.isdigit() and len(number) < 4 and int(number) in _DATE_FORMATS
    return any(sign in "ymdhs" for sign in _NO_PATTERN.sub("", pattern).lower().replace("general", ""))


class Strings:
    """The texts that cells point at by number; the readings that stand above Chinese words are left out."""

    def __init__(self, archive: ZipFile) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._aside = 0
        walk(archive, "xl/sharedStrings.xml", self._start, self._end, self._text)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "si":
            self._parts = []
        elif tag == "rPh":
            self._aside += 1

    def _end(self, tag: str) -> None:
        if tag == "rPh":
            self._aside -= 1
        elif tag == "si":
            self.texts.append("".join(self._parts))
            if len(self.texts) > limits.MAX_CELLS:
                raise Refused("文件里不同的内容太多。请分成几个文件再上传。")

    def _text(self, text: str) -> None:
        # Between the entries stands nothing but line breaks.
        if not self._aside:
            self._parts.append(text)


class SheetReader:
    """Reads sheet after sheet; what all of them hold together is limited."""

    def __init__(self, shared: list[str], dated: set[str], since_1904: bool, most: Most) -> None:
        self.shared, self.dated, self.most = shared, dated, most
        self.first_day = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        self.cells = self.signs = self.filled = 0

    def read(self, archive: ZipFile, name: str) -> list[list[Any]]:
        """Return [line, cells] of each row that holds something."""
        self.rows: dict[int, dict[int, Cell]] = {}
        self.merges: list[tuple[int, int, int, int]] = []
        self.row: dict[int, Cell] = {}
        self.line = self.column = self.marks = 0
        self.kind = self.style = self.value = ""
        self.parts: list[str] | None = None
        self.formula = False
        self.aside = 0
        walk(archive, name, self._start, self._end, self._text)
        for merge in self.merges:
            self._spread(*merge)
        return [[line, [row.get(at, "") for at in range(max(row) + 1)]] for line, row in sorted(self.rows.items())]

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._open_cell(attributes)
        elif tag in {"v", "t"}:
            self.parts = self.parts if tag == "t" and self.parts is not None else []
        elif tag == "f":
            self.formula = True
        elif tag == "rPh":
            self.aside += 1
        elif tag == "row":
            self._open_row(attributes)
        elif tag == "mergeCell":
            self._open_merge(attributes.get("ref", ""))

    def _open_row(self, attributes: dict[str, str]) -> None:
        self.marks += 1
        number = attributes.get("r", "")
        self.line = int(number) if number.isdigit() and len(number) <= 7 else self.line + 1
        self.row, self.column = {}, -1
        if self.marks > limits.MAX_ROW_MARKS:
            raise Refused("文件里空行太多。请选中数据下面的空行，删除后保存，再上传。")

    def _open_cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        self.column = _number_of(place[1]) if place else self.column + 1
        self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "0")
        self.value, self.parts, self.formula = "", None, False

    def _open_merge(self, reference: str) -> None:
        ends = [_PLACE.fullmatch(end) for end in reference.split(":")]
        if len(ends) == 2 and ends[0] and ends[1]:
            (left, top), (right, bottom) = ends[0].groups(), ends[1].groups()
            self.merges.append((int(top), _number_of(left), int(bottom), _number_of(right)))
        if len(self.merges) > limits.MAX_MERGES:
            raise Refused("文件里合并的单元格太多。请取消合并后再上传。")

    def _text(self, text: str) -> None:
        if self.parts is not None and not self.aside:
            self.parts.append(text)

    def _end(self, tag: str) -> None:
        if tag in {"v", "t"}:
            if self.parts is not None:
                self.value += "".join(self.parts)
            self.parts = None
        elif tag == "rPh":
            self.aside -= 1
        elif tag == "c":
            self._close_cell()
        elif tag == "row" and self.row:
            self.rows[self.line] = self.row
            if len(self.rows) > self.most.rows + limits.HEAD_ROWS:
                raise Refused(f"一次最多导入 {self.most.rows} 行。请分成几个文件再上传。")

    def _close_cell(self) -> None:
        cell = self._cell()
        if cell == "" or (isinstance(cell, str) and not cell.strip()):
            return
        if self.column >= self.most.columns:
            raise Refused(f"第 {self.line} 行的列太多，最多 {self.most.columns} 列。请删掉用不着的列。")
        self._count(cell)
        self.row[self.column] = cell

    def _count(self, cell: Cell) -> None:
        self.cells += 1
        self.signs += len(cell)
        if len(cell) > limits.MAX_CELL:
            raise Refused(f"第 {self.line} 行有一格的内容超过 {limits.MAX_CELL} 个字。请删短后再上传。")
        if self.cells > limits.MAX_CELLS or self.signs > limits.MAX_TEXT:
            raise Refused("文件里的内容太多。请分成几个文件再上传。")

    def _cell(self) -> Cell:
        if not self.value:
            return {"e": "formula"} if self.formula and self.kind != "str" else ""
        readers: dict[str, Callable[[], Cell]] = {
            "s": lambda: self.shared[int(self.value[:9])],
            "str": lambda: self.value,
            "inlineStr": lambda: self.value,
            "b": lambda: "是" if self.value.strip() == "1" else "否",
            "e": lambda: {"e": self.value},
            "d": lambda: {"d": self.value.replace("T", " ")[:16]},
        }
        return readers.get(self.kind, self._number)()

    def _number(self) -> Cell:
        number = float(self.value[:400])
        if self.style in self.dated:
            return self._moment(number)
        if number != number or abs(number) >= 1e15:
            return {"e": "long"}
        return str(int(number)) if number.is_integer() else format(number, ".15g")

    def _moment(self, number: float) -> Cell:
        if not 0 <= number < 2_958_466:
            return {"e": "date"}
        moment = self.first_day + timedelta(minutes=round(number * 1440))
        if number < 1:
            return f"{moment:%H:%M}"
        return {"d": f"{moment:%Y-%m-%d %H:%M}" if moment.time() != datetime.min.time() else f"{moment:%Y-%m-%d}"}

    def _spread(self, top: int, left: int, bottom: int, right: int) -> None:
        """Give the value of a merged cell to all the rows it stands for."""
        value = self.rows.get(top, {}).get(left)
        if value is None:
            return
        for line in range(top, min(bottom, top + self.most.rows) + 1):
            if row := self.rows.get(line):
                for column in range(left, min(right, self.most.columns - 1) + 1):
                    if column not in row:
                        self._count(value)
                        row[column] = value
                        self.filled += 1
                        if self.filled > limits.MAX_FILLED:
                            raise Refused("文件里合并的单元格太多。请取消合并后再上传。")


def _number_of(letters: str) -> int:
    """Return the number of a column, counted from 0: A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def as_date(days: int) -> date:
    """Return the day of a serial number of Excel's."""
    return date(1899, 12, 30) + timedelta(days=days)
