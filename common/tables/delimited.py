"""Read a table that is plain text: UTF-8, GB18030 or UTF-16, with commas or tabs. Standard library only."""

from __future__ import annotations

import csv
import io
from typing import Any

from common.tables.limits import HEAD_ROWS, MAX_CELL, MAX_ROW_MARKS, MAX_TEXT, Most, Refused

_NO_TABLE = "这个文件不是能读的表格。请用 Excel 或 WPS 另存为 .xlsx 后再上传。"


def read_text(data: bytes, most: Most) -> dict[str, Any]:
    """Return the one sheet of a text table; refuse pages, pictures and whatever else is no table."""
    text = _decoded(data)
    if "\0" in text or text.lstrip()[:1] == "<":
        raise Refused(_NO_TABLE)
    if len(text) > MAX_TEXT:
        raise Refused("这个文件的文字太多。请分成几个文件再上传。")
    csv.field_size_limit(MAX_CELL)
    try:
        rows = list(_rows(text, most))
    except csv.Error as error:
        raise Refused(f"有一格的内容超过 {MAX_CELL} 个字，或者引号没有配成对。请改好后再上传。") from error
    return {"name": "", "rows": rows}


def _decoded(data: bytes) -> str:
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(_NO_TABLE)


def _rows(text: str, most: Most) -> Any:
    head = text[:4096].partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in head else ",")
    kept = 0
    for line, row in enumerate(reader, 1):
        while row and not row[-1].strip():
            row.pop()
        if line > MAX_ROW_MARKS:
            raise Refused("文件里空行太多。请删掉空行再上传。")
        if not row:
            continue
        if len(row) > most.columns:
            raise Refused(f"第 {line} 行有 {len(row)} 列，最多 {most.columns} 列。请删掉用不着的列。")
        kept += 1
        if kept > most.rows + HEAD_ROWS:
            raise Refused(f"一次最多导入 {most.rows} 行。请分成几个文件再上传。")
        yield [line, row]
