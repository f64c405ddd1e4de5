"""Twenty-odd files that want to fill the memory, the disk or the time, each made here by hand."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK = f'<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets><sheet name="表" sheetId="1" r:id="r1"/></sheets></workbook>'
LINKS = '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>'
HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>编码</t></is></c></row>'


def archive(sheet: str = "", shared: str = "", book: str = BOOK, **more: str) -> bytes:
    """Return a workbook whose parts are these texts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", book)
        parts.writestr("xl/_rels/workbook.xml.rels", LINKS)
        parts.writestr("xl/worksheets/sheet1.xml", sheet or sheet_of(""))
        if shared:
            parts.writestr("xl/sharedStrings.xml", shared)
        for name, text in more.items():
            parts.writestr(name, text)
    return made.getvalue()


def sheet_of(rows: str, before: str = "") -> str:
    """Return a sheet with these rows under one heading."""
    return f'{before}<worksheet xmlns="{MAIN}"><sheetData>{HEAD}{rows}</sheetData></worksheet>'


def bomb() -> bytes:
    """54 MiB of cells in some 200 KiB."""
    row = '<row><c t="inlineStr"><is><t>' + "A" * 100 + "</t></is></c></row>"
    return archive(sheet_of(row * (54 * 1024 * 1024 // len(row))))


def slow_bomb() -> bytes:
    """19 MiB of rows that compress badly: within the sums, and a million of them."""
    draw = random.Random(1)
    rows = (f'<row r="{n}"><c r="A{n}"><v>{draw.randrange(10**9)}</v></c></row>' for n in range(2, 360_000))
    return archive(sheet_of("".join(rows)))


def empty_rows() -> bytes:
    """Rows without anything in them."""
    return archive(sheet_of("".join(f'<row r="{n}" s="{n * 7919 % 9973}"/>' for n in range(2, 700_000))))


def many_entries() -> bytes:
    """5,000 parts."""
    return archive(**{f"xl/media/{n}.xml": "" for n in range(5000)})


def false_directory() -> bytes:
    """A directory of 100,000 entries whose closing record speaks of five."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as parts:
        for n in range(60_000):
            parts.writestr(f"{n}", "")
    data = bytearray(made.getvalue())
    at = data.rfind(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<HH", 5, 5)
    return bytes(data)


def twins() -> bytes:
    """The same name twice: which one counts depends on who reads."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as parts:
        parts.writestr("xl/workbook.xml", BOOK)
        entry = zipfile.ZipInfo("xl/workbook.xmX")
        parts.writestr(entry, "other")
    return made.getvalue().replace(b"workbook.xmX", b"workbook.xml")


def locked() -> bytes:
    """Entries marked as encrypted."""
    data = bytearray(archive())
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        data[at + 8] |= 1
        at += 4
    return bytes(data)


def laughs() -> bytes:
    """Entities of entities."""
    names = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>&e11;</t></is></c></row>'
    return archive(sheet_of(row, before=f"<!DOCTYPE x [{names}]>"))


def foreign_entity() -> bytes:
    """An entity that stands in a file of the machine."""
    shared = '<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/hostname">]><sst><si><t>&x;</t></si></sst>'
    return archive(sheet_of('<row r="2"><c r="A2" t="s"><v>0</v></c></row>'), shared=shared)


def wide() -> bytes:
    """10,000 columns."""
    titles = "".join(f'<c t="inlineStr"><is><t>列{n}</t></is></c>' for n in range(10_000))
    return archive(sheet_of(f'<row r="2">{titles}</row>'))


def long_cell() -> bytes:
    """A million letters in one cell, hard to compress."""
    draw = random.Random(2)
    text = "".join(chr(draw.randrange(0x4E00, 0x9FFF)) for _ in range(1_000_000))
    return archive(sheet_of(f'<row r="2"><c r="A2" t="inlineStr"><is><t>{text}</t></is></c></row>'))


def echo() -> bytes:
    """One text of 4,900 letters that every cell points at."""
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 19_000))
    return archive(sheet_of(cells), shared=f"<sst><si><t>{'长' * 4900}</t></si></sst>")


def merged() -> bytes:
    """Merged cells that overlap a thousand times."""
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, 20_000))
    merges = "".join(f'<mergeCell ref="A{n}:CV1048576"/>' for n in range(2, 3000))
    return archive(sheet_of(rows).replace("</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>"))


def deep() -> bytes:
    """100,000 elements inside each other, with names that do not compress."""
    draw = random.Random(3)
    names = [f"e{draw.randrange(10**6)}" for _ in range(100_000)]
    return archive("".join(f"<{n}>" for n in names) + "".join(f"</{n}>" for n in reversed(names)))


def lying_size() -> bytes:
    """A part that says it is a hundred bytes long and unpacks to 4 MiB."""
    data = bytearray(archive(sheet_of("<row/>" * 700_000)))
    at = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 4) + 4)
    data[at + 24 : at + 28] = struct.pack("<L", 100)
    return bytes(data)


def far_cells() -> bytes:
    """Places that no sheet has, and numbers that no machine has."""
    cell = f'<c r="ZZZZZZ{"9" * 400}" t="s"><v>{"9" * 5000}</v></c>'
    return archive(sheet_of(f'<row r="{"9" * 400}">{cell}</row>'))


def outside() -> bytes:
    """A sheet that is said to lie elsewhere."""
    links = LINKS.replace("worksheets/sheet1.xml", "../../etc/hostname")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as parts:
        parts.writestr("xl/workbook.xml", BOOK)
        parts.writestr("xl/_rels/workbook.xml.rels", links)
    return made.getvalue()


def cut_off() -> bytes:
    """Half of a workbook."""
    data = archive(sheet_of("<row/>" * 5000))
    return data[: len(data) // 2]


FILES: dict[str, Callable[[], bytes]] = {
    "54 MiB in 200 KiB": bomb,
    "350,000 rows": slow_bomb,
    "700,000 empty rows": empty_rows,
    "5,000 entries": many_entries,
    "a directory that lies": false_directory,
    "a path upwards": lambda: archive(**{"../../evil.xml": "x"}),
    "a path from the root": lambda: archive(**{"/tmp/evil.xml": "x"}),
    "the same name twice": twins,
    "a password": locked,
    "a macro": lambda: archive(**{"xl/vbaProject.bin": "x"}),
    "entities of entities": laughs,
    "an entity from the machine": foreign_entity,
    "10,000 columns": wide,
    "a million letters in a cell": long_cell,
    "one text 19,000 times": echo,
    "merges upon merges": merged,
    "100,000 levels": deep,
    "a part that lies about its size": lying_size,
    "places that no sheet has": far_cells,
    "a sheet elsewhere": outside,
    "half a file": cut_off,
    "an archive in an archive": lambda: archive(book=BOOK[:40]),
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100_000),
    "a page": lambda: b"<html><table>" + b"<tr><td>1</td></tr>" * 1000,
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000,
    "a million lines": lambda: "编码,名称\n".encode() + b"T1,x\n" * 1_000_000,
    "one line of 9 MiB": lambda: b"x" * 9_000_000,
    "a quote that never ends": lambda: '编码,名称\n"'.encode() + b"x\n" * 400_000,
    "11 MiB": lambda: b"a,b\n" * (11 * 256 * 1024),
}
