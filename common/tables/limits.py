"""How large an uploaded table may be, looked at before anything of it is unpacked.

Used by the child process that reads the file, which knows the standard library and nothing else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from zipfile import ZipInfo

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED = 20 * 1024 * 1024
MAX_RATIO = 100
MAX_ENTRIES = 200
MAX_COLUMNS = 100
MAX_SHEETS = 20
# Where the headings are looked for: titles and dates may stand above them.
HEAD_ROWS = 20
MAX_CELL = 5000
# Of all sheets together: what 20,000 rows of 30 columns hold.
MAX_CELLS = 600_000
MAX_TEXT = 8_000_000
# Rows without content cost time as well.
MAX_ROW_MARKS = 100_000
MAX_MERGES = 20_000
MAX_FILLED = 100_000
MAX_DEPTH = 40
# Of the child: what it may allocate, and how long it may compute.
CHILD_MEMORY = 256 * 1024 * 1024
CHILD_SECONDS = 20

_END = b"PK\x05\x06"
_WAY_OUT = "请在 Excel 或 WPS 里打开这个文件，另存为 .xlsx 后再上传。"


class Refused(Exception):
    """Refuse a file, with a sentence for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Most:
    """How much one sheet may hold."""

    rows: int = 20_000
    columns: int = MAX_COLUMNS


def check_directory(data: bytes) -> None:
    """Refuse an archive by its closing record, before its directory is read: that alone can take a minute."""
    at = data.rfind(_END, max(0, len(data) - 65_557))
    if at < 0 or len(data) < at + 22:
        raise Refused(f"这个文件不完整，可能没有传完。{_WAY_OUT}")
    _, _, _, entries, size, _, _ = struct.unpack("<HHHHLLH", data[at + 4 : at + 22])
    if entries > MAX_ENTRIES or size > MAX_ENTRIES * 512 or data[at - 20 : at - 16] == b"PK\x06\x07":
        raise Refused(f"这个文件里的零件太多，不像一张普通的表格。{_WAY_OUT}")


def check_entries(entries: list[ZipInfo]) -> None:
    """Refuse an archive that unpacks to too much, hides files under foreign paths, or is locked."""
    if len(entries) > MAX_ENTRIES or len({entry.filename for entry in entries}) != len(entries):
        raise Refused(f"这个文件里的零件太多或者重名，不像一张普通的表格。{_WAY_OUT}")
    if any(_leads_out(entry.filename) for entry in entries):
        raise Refused(f"这个文件里有指向别处的路径，不能打开。{_WAY_OUT}")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Refused("这个文件加了密码。请去掉密码，另存为 .xlsx 后再上传。")
    if any("vbaproject" in entry.filename.lower() for entry in entries):
        raise Refused("这个文件带宏。请另存为不带宏的 .xlsx 后再上传。")
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 1):
        raise Refused("这个文件解开后太大。请删掉用不着的工作表、图片和空行，只留要导入的数据，再上传。")


def _leads_out(name: str) -> bool:
    return name.startswith(("/", "\\")) or ":" in name or "\\" in name or ".." in name.split("/")
