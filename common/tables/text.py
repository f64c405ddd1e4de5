"""Make one form of the many in which people write the same: digits, blanks, dates, numbers, yes and no."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from common.tables import safe
from common.tables.sheet import Column, Fault, likely

BLANKS = {0x3000: " ", 0xA0: " ", 0x2007: " ", 0x202F: " "}
_WIDE = {0xFF10 + digit: str(digit) for digit in range(10)} | BLANKS
# Signs without width, and control signs other than tab and line break.
NOTHING = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日{0,1}")
_TIME = re.compile(r"[\sT]*(\d{1,2})\s*[:：时点]\s*(\d{1,2})?\s*分{0,1}(?::\d{2}(?:\.\d+)?)?")
_SERIAL = re.compile(r"[2-7]\d{4}(\.\d+)?")
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,6})?")
_YES = {"是", "有", "对", "√", "✓", "y", "yes", "true", "1"}
_NO = {"否", "无", "没有", "不是", "×", "✗", "n", "no", "false", "0"}
_ERRORS = {
    "formula": "是公式，但文件里没有存下结果。请在 Excel 里打开、保存一次，或者把公式改成数值",
    "long": "数字太长，Excel 已经改成了近似值。请把这一列设成“文本”，再填一遍",
    "date": "不是能用的日期，请写成 2026-03-01 这样",
}
# A digit in a name is often meant; these texts turn into dates as soon as a cell is not set to text.
_TURNED = "被 Excel 变成了日期。请把这一列设成“文本”，再填一遍"


class Given(dict[str, str]):
    """The cells of a row that the file has; a column that it leaves out reads as empty, and is not `in` it.

    `faults` is what was wrong with any of them before the registry has looked at the row.
    """

    faults: tuple[Fault, ...] = ()

    def __missing__(self, key: str) -> str:
        return ""


def plain(cell: Any) -> str:
    """Return the text of a cell without the guard that an export put in front; an error shows as Excel shows it."""
    if isinstance(cell, Mapping):
        cell = cell.get("d") or cell.get("e", "")
    return safe.plain(str(cell)).translate(_WIDE).translate(NOTHING).strip()


def cleaned(cells: Sequence[Any], keys: Sequence[str], columns: Mapping[str, Column]) -> Given:
    """Return a row's cells by column in one form, with what is wrong with any of them."""
    given = Given()
    for at, key in enumerate(keys):
        if not key:
            continue
        column, cell = columns[key], cells[at] if at < len(cells) else ""
        try:
            given[key] = _value(column, cell)
        except _Wrong as wrong:
            given[key] = plain(cell)
            given.faults += (Fault(key, f"“{column.title}”{wrong}", wrong.suggestion),)
    return given


class _Wrong(Exception):
    def __init__(self, sentence: str, suggestion: str = "") -> None:
        super().__init__(sentence)
        self.suggestion = suggestion


def _value(column: Column, cell: Any) -> str:
    if isinstance(cell, Mapping) and "e" in cell:
        raise _Wrong(_ERRORS.get(cell["e"], f"是错误值 {str(cell['e'])[:20]}，请改成正确的内容"))
    text = plain(cell)
    if not text:
        if column.required:
            raise _Wrong("不能空着")
        return ""
    if isinstance(cell, Mapping) and column.kind not in {"date", "moment"}:
        raise _Wrong(_TURNED)
    text = _BY_KIND.get(column.kind, lambda column, text: text)(column, text)
    if len(text) > column.most:
        raise _Wrong(f"有 {len(text)} 个字，最多 {column.most} 个")
    return text


def _number(column: Column, text: str) -> str:
    bare = text.replace(",", "").replace("，", "").replace(" ", "")
    if not _NUMBER.fullmatch(bare):
        inside = _DIGITS.findall(bare)
        if len(inside) != 1:
            raise _Wrong(f"“{_short(text)}”不是数字")
        raise _Wrong(f"“{_short(text)}”不是数字，是不是“{inside[0]}”？", inside[0])  # 36户, 约40
    whole, dot, rest = bare.lstrip("+").partition(".")
    rest = rest.rstrip("0")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{digits.lstrip('0') or '0'}{'.' + rest if dot and rest else ''}"


def _date(column: Column, text: str) -> str:
    return f"{_moment_of(text):%Y-%m-%d}"


def _moment(column: Column, text: str) -> str:
    return f"{_moment_of(text):%Y-%m-%d %H:%M}"


def _moment_of(text: str) -> datetime:
    if _SERIAL.fullmatch(text):
        return datetime(1899, 12, 30) + timedelta(minutes=round(float(text) * 1440))  # noqa: DTZ001  local, as written
    if re.fullmatch(r"(19|20)\d{6}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    day = _DAY.match(text)
    rest = text[day.end() :] if day else ""
    time = _TIME.fullmatch(rest) if rest.strip() else None
    if not day or (rest.strip() and not time):
        raise _Wrong(f"“{_short(text)}”不是日期，请写成 2026-03-01 这样")
    hour, minute = (int(time[1]), int(time[2] or 0)) if time else (0, 0)
    try:
        return datetime.combine(date(*map(int, day.groups())), datetime.min.time()).replace(hour=hour, minute=minute)
    except ValueError:
        raise _Wrong(f"“{_short(text)}”这一天不存在，请核对日期") from None


def _choice(column: Column, text: str) -> str:
    if not column.choices or text in column.choices:
        return text
    near = likely(text, column.choices)
    if near:
        raise _Wrong(f"没有“{_short(text)}”这一项，是不是“{near}”？", near)
    listed = "、".join(column.choices[:12]) + ("……" if len(column.choices) > 12 else "")
    raise _Wrong(f"没有“{_short(text)}”这一项，可以填：{listed}")


def _yes_no(column: Column, text: str) -> str:
    word = text.lower()
    if word in _YES:
        return "是"
    if word in _NO:
        return "否"
    raise _Wrong(f"“{_short(text)}”看不懂，请填“是”或“否”")


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"


_BY_KIND: dict[str, Callable[[Column, str], str]] = {
    "number": _number,
    "date": _date,
    "moment": _moment,
    "choice": _choice,
    "yes_no": _yes_no,
}
