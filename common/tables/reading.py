"""Turn an uploaded file into rows under the columns of a sheet; what cannot be read is refused in words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import Invalid
from common.tables.limits import CHILD_SECONDS, HEAD_ROWS, MAX_BYTES, MAX_COLUMNS
from common.tables.sheet import Column, likely
from common.tables.text import plain

ROOT = Path(__file__).resolve().parent.parent.parent
# The last column of the file with the bad rows; it may come back with them.
REASONS = "错在哪里"
EXAMPLE = "示例："
NEVER_READ = (REASONS, "序号")  # nobody misses them
SUMS = ("合计", "总计", "小计", "合计：", "总计：", "小计：")
_ASIDE = re.compile(r"[(（\[【].*?[）)\]】]|[*＊\s:：]")
_BROKEN = "这个文件读不下去，可能太大或者已经损坏。请只留要导入的数据，另存为 .xlsx 后再上传。"


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet of a file: its headings, the key of each column ("" for one that is not known), and its rows.

    A row is its number in the file and its cells as they were read; `notes` are sentences for the person.
    """

    headings: list[str]
    keys: list[str]
    rows: list[tuple[int, list[Any]]]
    notes: list[str] = field(default_factory=list)


def read(data: bytes, columns: Sequence[Column], most_rows: int = 20_000) -> Table:
    """Read a file in a process of its own; refuse one without headings, with columns missing or too many rows."""
    sheets = parsed(data, most_rows)
    found = [(score, -number) for number, each in enumerate(sheets) if (score := _best_row(each, columns)[0])]
    if not found:
        titles = "、".join(column.title for column in columns if column.required)
        raise Invalid(f"没有找到表头。请用本页的模板填写，表头至少要有：{titles}。", field="file")
    number = -max(found)[1]
    table = _table(sheets[number], columns, most_rows)
    others = [each["name"] for at, each in enumerate(sheets) if at != number and _best_row(each, columns)[0] > 1]
    if others:
        table.notes.append(f"只读了工作表“{sheets[number]['name']}”，没有读：{'、'.join(others)}。")
    return table


def parsed(data: bytes, most_rows: int) -> list[dict[str, Any]]:
    """Return the sheets of a file as the child process reads them; it gets no secret, little memory and little time."""
    if len(data) > MAX_BYTES:
        raise Invalid(
            f"文件超过 {MAX_BYTES // 1024 // 1024} MB。请分成几个文件，或者删掉图片和用不着的工作表。", field="file"
        )
    command = [sys.executable, "-S", "-B", "-m", "common.tables.parser", str(most_rows), str(MAX_COLUMNS)]
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=CHILD_SECONDS,
            cwd=ROOT,
            env={"PYTHONUTF8": "1"},
            check=True,
        )
        said = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise Invalid(_BROKEN, field="file") from error
    if "refused" in said:
        raise Invalid(said["refused"], field="file")
    return list(said["sheets"])


def _table(sheet: dict[str, Any], columns: Sequence[Column], most_rows: int) -> Table:
    _, at = _best_row(sheet, columns)
    headings = [str(plain(cell)).replace("\n", " ").strip() for cell in sheet["rows"][at][1]]
    keys = _keys(headings, columns)
    _refuse_missing(keys, headings, columns)
    rows = [(line, cells) for line, cells in sheet["rows"][at + 1 :] if _counts(cells, keys)]
    sums = [line for line, cells in rows if _is_sum(cells)]
    rows = [row for row in rows if row[0] not in sums]
    if not rows:
        raise Invalid("表头下面没有数据。请填好后再上传；示例那几行不算。", field="file")
    if len(rows) > most_rows:
        raise Invalid(f"文件有 {len(rows)} 行，一次最多导入 {most_rows} 行。请分成几个文件再上传。", field="file")
    skipped = [f"第 {line} 行是合计，没有读。" for line in sums]
    return Table(headings, keys, rows, _notes(headings, keys, columns) + skipped)


def _counts(cells: list[Any], keys: list[str]) -> bool:
    """Tell whether a row holds data: something in a known column, and not one of the template's examples."""
    known = [plain(cell) for cell, key in zip(cells, keys, strict=False) if key]
    return any(known) and not any(text.startswith(EXAMPLE) for text in known)


def _is_sum(cells: list[Any]) -> bool:
    """Tell whether a row adds up those above it: its first cell that holds anything says so."""
    return next((text for cell in cells if (text := plain(cell))), "").replace(" ", "") in SUMS


def _best_row(sheet: dict[str, Any], columns: Sequence[Column]) -> tuple[int, int]:
    """Return how many headings the likeliest row of headings has, and where it is."""
    known = _titles(columns)
    scores = [
        (len({known[name] for cell in cells if (name := _name(plain(cell))) in known}), -number)
        for number, (_, cells) in enumerate(sheet["rows"][:HEAD_ROWS])
    ]
    score, number = max(scores, default=(0, 0))
    return score, -number


def _titles(columns: Sequence[Column]) -> dict[str, str]:
    return {_name(title): column.key for column in columns for title in (column.title, *column.aliases)}


def _name(text: str) -> str:
    """Return a heading without stars, blanks and what stands in brackets."""
    return _ASIDE.sub("", text) or text.strip()


def _keys(headings: list[str], columns: Sequence[Column]) -> list[str]:
    known, keys = _titles(columns), []
    for heading in headings:
        key = known.get(_name(heading), "")
        if key and key in keys:
            raise Invalid(f"“{heading}”这一列出现了两次。请删掉一列再上传。", field="file")
        keys.append(key)
    return keys


def _refuse_missing(keys: list[str], headings: list[str], columns: Sequence[Column]) -> None:
    missing = [column.title for column in columns if column.required and column.key not in keys]
    if missing:
        spare = [heading for heading, key in zip(headings, keys, strict=True) if heading and not key]
        guesses = [f"，是不是写成了“{near}”" if (near := likely(title, spare)) else "" for title in missing]
        words = "；".join(f"“{title}”{guess}" for title, guess in zip(missing, guesses, strict=True))
        raise Invalid(f"文件里缺少这些列：{words}。请对照模板改好表头再上传。", field="file")


def _notes(headings: list[str], keys: list[str], columns: Sequence[Column]) -> list[str]:
    """Name the columns that are not read, and those that the file leaves as they are."""
    spare = [column.title for column in columns if column.key not in keys]
    unknown = [heading for heading, key in zip(headings, keys, strict=True) if heading and not key]
    notes = []
    for heading in unknown:
        if heading not in NEVER_READ:
            near = likely(heading, spare)
            notes.append(f"“{heading}”这一列不认识，没有读。" + (f"是不是“{near}”？" if near else ""))
    return notes
