"""Read a workbook or a text table in a process of its own: `python -S -m common.tables.parser ROWS COLUMNS`.

The file comes by standard input, the answer goes to standard output as JSON: {"sheets": [...]} or {"refused": "…"}.
It runs under limits of memory and time, without the product's settings and secrets, on the standard library alone.
A cell is a text, or a dict that says what is odd about it: {"d": date}, {"e": error}.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import zipfile
from typing import Any
from xml.parsers.expat import ExpatError

from common.tables import limits
from common.tables.delimited import read_text
from common.tables.limits import Most, Refused
from common.tables.workbook import read_workbook

_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UNKNOWN = "这个文件不是能读的表格。请用 Excel 或 WPS 另存为 .xlsx 后再上传。"
_TOO_MUCH = "这个文件读起来要占太多内存或时间。请只留要导入的数据，另存为 .xlsx 后再上传。"


def parse(data: bytes, most: Most) -> list[dict[str, Any]]:
    """Return the visible sheets of a file; refuse what is no table, and tables that are too large."""
    if len(data) > limits.MAX_BYTES:
        raise Refused(f"文件超过 {limits.MAX_BYTES // 1024 // 1024} MB。请分成几个文件，或者删掉用不着的图片和工作表。")
    if not data.strip():
        raise Refused("这是一个空文件。请填好数据、保存后再上传。")
    if data.startswith(_OLD):
        raise Refused("这是旧版的 .xls 文件，或者加了密码。请在 Excel 或 WPS 里去掉密码，另存为 .xlsx 后再上传。")
    if not data.startswith(b"PK\x03\x04"):
        return [read_text(data, most)]
    limits.check_directory(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        limits.check_entries(archive.infolist())
        return read_workbook(archive, most)


def answer(data: bytes, most: Most) -> dict[str, Any]:
    """Return the sheets, or the sentence that refuses the file; a damaged one is never a failure of ours."""
    try:
        return {"sheets": parse(data, most)}
    except Refused as refusal:
        return {"refused": str(refusal)}
    except (MemoryError, OverflowError, RecursionError):
        return {"refused": _TOO_MUCH}
    except (zipfile.BadZipFile, ExpatError, KeyError, ValueError, IndexError, EOFError, OSError):
        return {"refused": _UNKNOWN}
    except (NotImplementedError, zipfile.LargeZipFile, zipfile.zlib.error):  # type: ignore[attr-defined]
        return {"refused": _UNKNOWN}


def confine() -> None:
    """Take from this process what reading a table does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.CHILD_MEMORY, limits.CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.CHILD_SECONDS, limits.CHILD_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read one file and answer."""
    confine()
    most = Most(int(sys.argv[1]), int(sys.argv[2]))
    json.dump(answer(sys.stdin.buffer.read(limits.MAX_BYTES + 1), most), sys.stdout)


if __name__ == "__main__":
    main()
