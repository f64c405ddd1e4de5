"""What people type into a cell: into one form, and into a value, or a sentence on what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from common.crypto import looks_like_phone, normalise_phone
from common.tables.safe import clean
from common.tables.sheet import Column, Fault, likely
from common.tables.text import BLANKS, NOTHING

# Full-width digits and letters stand at one distance from the plain ones.
_WIDE = {number: number - 0xFEE0 for number in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_WIDE = {**_WIDE, **BLANKS, **NOTHING}
_SIGNS = str.maketrans("－—–．／：，＃", "---./:,#")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_CLOSE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TIME = re.compile(r"(\d{1,2})[:点时](\d{1,2})?(?:[:分](?:\d{1,2}秒?)?)?")
_SERIAL = re.compile(r"(\d{5})(\.\d+)?")
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001  # day 0 of a spreadsheet's count, without a zone
_PHONE = re.compile(r"1[0-9]{10}|0[0-9]{9,11}")
_SHORT_PHONE = re.compile(r"[0-9]{3,12}")
YES, NO = "是", "否"
_YES = frozenset({YES, "有", "对", "√", "✓", "y", "yes", "1", "true"})
_NO = frozenset({NO, "无", "没有", "×", "n", "no", "0", "false", ""})
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def one_form(value: Any) -> str:
    """Return a value as text in one form: half-width letters and digits, no blanks around."""
    return clean(value).translate(_WIDE).strip()


def day_text(value: date | None) -> str:
    """Return a day as cells show it."""
    return value.isoformat() if value else ""


def moment_text(value: datetime | None) -> str:
    """Return a moment as cells show it, by the district's clock."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""


def yes_text(value: bool) -> str:
    """Return yes or no as cells show it."""
    return YES if value else NO


@dataclass(slots=True)
class Faults:
    """What is wrong with one row, in the order in which it was found."""

    found: list[Fault] = field(default_factory=list)

    def say(self, column: str, sentence: str, suggestion: str = "") -> None:
        """Add one fault, with the likely right value in its sentence; a cell that is wrong already is left at that."""
        if column and self.about(column):
            return
        way = f"，是不是“{suggestion}”？" if suggestion else ""
        self.found.append(Fault(column, sentence.rstrip("。") + way if way else sentence, suggestion))

    def about(self, column: str) -> bool:
        """Tell whether something is wrong with this column already."""
        return any(fault.column == column for fault in self.found)


class Guesses:
    """Find the likely right name, for so many rows as one can bear to wait for."""

    def __init__(self, comparisons: int = 200_000) -> None:
        self.left = comparisons
        self.known: dict[tuple[str, str], str] = {}

    def of(self, text: str, names: Iterable[str] | Callable[[], Iterable[str]], about: str = "") -> str:
        """Return the name that `text` was most likely meant to be, or ""; `about` says of what the names are."""
        key = (about, text)
        if key not in self.known:
            if self.left <= 0:
                return ""
            choices = list(names() if callable(names) else names)
            self.left -= len(choices)
            inside = [name for name in choices if text and text in name]
            self.known[key] = inside[0] if len(inside) == 1 else likely(text, choices)
        return self.known[key]


# Values -----------------------------------------------------------------------------------------------------


def whole(text: str) -> int:
    """Return a whole number; ValueError for anything else."""
    digits = re.sub(r"[,\s]", "", text.translate(_SIGNS)).removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise ValueError(text)
    return int(digits)


def day(text: str) -> date:
    """Return a day written as people write it, or as a spreadsheet counts it; ValueError for anything else."""
    text = text.translate(_SIGNS).replace(" ", "")
    text = re.sub(r"T?00:00(:00)?$", "", text) or text
    found = _DAY.fullmatch(text) or _CLOSE.fullmatch(text)
    if found:
        return date(*map(int, found.groups()))
    if _SERIAL.fullmatch(text):
        return (_FIRST_DAY + timedelta(days=int(float(text)))).date()
    raise ValueError(text)


def moment(text: str) -> datetime:
    """Return a moment by the district's clock; ValueError for anything else."""
    text = text.translate(_SIGNS).replace("T", " ").strip()
    if _SERIAL.fullmatch(text):
        return timezone.make_aware(_FIRST_DAY + timedelta(minutes=round(float(text) * 1440)))
    first = _DAY.match(text)
    if first is None:
        raise ValueError(text)
    clock = _TIME.fullmatch(text[first.end() :].strip()) if text[first.end() :].strip() else None
    if text[first.end() :].strip() and clock is None:
        raise ValueError(text)
    hour, minute = (int(clock[1]), int(clock[2] or 0)) if clock else (0, 0)
    year, month, number = map(int, first.groups())
    return timezone.make_aware(datetime(year, month, number, hour, minute))  # noqa: DTZ001


def phone(text: str, *, short: bool = False) -> str:
    """Return the digits of a number (with `short` also a hot line's few); ValueError for what is none."""
    number = normalise_phone(text)
    if not looks_like_phone(text) or not (_SHORT_PHONE if short else _PHONE).fullmatch(number):
        raise ValueError(text)
    return number


def uscc_is_right(code: str) -> bool:
    """Tell whether a unified social credit code (统一社会信用代码, GB 32100) has its right check sign."""
    if len(code) != 18 or any(sign not in _USCC for sign in code):
        return False
    total = sum(_USCC.index(sign) * pow(3, place, 31) for place, sign in enumerate(code[:17]))
    return _USCC.index(code[17]) == -total % 31


# One cell ---------------------------------------------------------------------------------------------------


def _number(text: str) -> tuple[str, Any]:
    return str(whole(text)), whole(text)


def _day(text: str) -> tuple[str, Any]:
    found = day(text)
    return day_text(found), day_text(found)


def _moment(text: str) -> tuple[str, Any]:
    found = moment(text)
    return moment_text(found), found.isoformat()


def _yes_no(text: str) -> tuple[str, Any]:
    word = text.lower()
    if word not in _YES | _NO:
        raise ValueError(text)
    return yes_text(word in _YES), word in _YES


_READ: dict[str, Callable[[str], tuple[str, Any]]] = {
    "number": _number, "date": _day, "moment": _moment, "yes_no": _yes_no,
}  # fmt: skip
_WRONG = {
    "number": "要填整数",
    "date": "要填日期，比如 2026-03-01",
    "moment": "要填日期和时间，比如 2026-03-01 09:00",
    "yes_no": "要填“是”或者“否”",
}


def read(column: Column, text: str, labels: Mapping[str, Any], faults: Faults, guesses: Guesses) -> tuple[str, Any]:
    """Return a cell's text in one form and its value; what cannot be read is said and comes back as it was."""
    if not text:
        if column.required:
            faults.say(column.key, f"{column.title}没有填。")
        return ("", None) if column.kind != "yes_no" else (NO, False)
    if len(text) > column.most:
        faults.say(column.key, f"{column.title}太长了，最多 {column.most} 个字，现在有 {len(text)} 个。")
        return text, None
    if column.kind == "choice":
        if text in labels:
            return text, labels[text]
        words = "、".join(list(labels)[:12])
        faults.say(
            column.key, f"{column.title}“{text}”不在可选的里面，可以填：{words}", guesses.of(text, labels, column.key)
        )
        return text, None
    if column.kind not in _READ:
        return text, text
    try:
        return _READ[column.kind](text)
    except (ValueError, OverflowError):
        faults.say(column.key, f"{column.title}“{text[:30]}”看不懂，{_WRONG[column.kind]}。")
        return text, None
