"""How a district lays out what it exports: which title, which columns, in which order. Written as lines of text."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from common.tables.sheet import Column


@dataclass(frozen=True, slots=True)
class Layout:
    """The title of one exported list and the headings of its columns in order; empty means as they are."""

    title: str = ""
    columns: tuple[str, ...] = ()

    def arrange(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Return the columns that are wanted, in the wanted order; headings that the list has not are left out."""
        by_title = {column.title: column for column in columns}
        wanted = tuple(by_title[title] for title in self.columns if title in by_title)
        return wanted or columns


def read_layouts(text: str) -> dict[str, Layout]:
    """Return the layouts by the name of the list (表名｜标题｜列、列); refuse a line that is not of this shape."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.replace("|", "｜").split("｜")]
        if len(parts) != 3 or not parts[0]:
            raise ValidationError(f"第 {number} 行写得不对：要写成“表名｜标题｜列、列”，中间用“｜”隔开。")
        columns = tuple(name.strip() for name in parts[2].split("、") if name.strip())
        found[parts[0]] = Layout(parts[1], columns)
    return found


def check_layouts(text: str) -> None:
    """Refuse a text that cannot be read as layouts."""
    read_layouts(text)
