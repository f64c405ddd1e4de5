"""What stands above a list: its totals, and the way down by date; both are read in the statement that counts it."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone
from django.utils.functional import cached_property


class Counted(Paginator):
    """Pages of a list, with the line above it: the number of rows for each value of a column, or sums of columns, and
    the first and last day of the column `dated`.
    """

    def __init__(
        self, *args: Any, count_by: str = "", sum_of: tuple[str, ...] = (), dated: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.count_by, self.sum_of, self.dated = count_by, sum_of, dated
        self.totals: list[tuple[str, int]] = []
        self.span: tuple[date, date] | None = None

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, all pages together."""
        rows: Any = self.object_list
        if not (self.count_by or self.sum_of or self.dated):
            return int(super().count)
        model = rows.model
        # Rows that a search found through several others count once.
        rows = (model._default_manager.filter(pk__in=rows.values("pk")) if rows.query.distinct else rows).order_by()
        ends = {"_first": Min(self.dated), "_last": Max(self.dated)} if self.dated else {}
        if self.count_by:
            found = list(rows.values(self.count_by).annotate(_rows=Count("pk"), **ends))
            column = model._meta.get_field(self.count_by)
            labels = dict(column.flatchoices) or {True: f"{column.verbose_name}的", False: "其余"}
            self.totals = [(str(labels.get(row[self.count_by], row[self.count_by])), row["_rows"]) for row in found]
        else:
            found = [rows.aggregate(_rows=Count("pk"), **{name: Sum(name) for name in self.sum_of}, **ends)]
            names = {name: str(model._meta.get_field(name).verbose_name) for name in self.sum_of}
            self.totals = [(label, found[0][name] or 0) for name, label in names.items()]
        self.span = _span(found) if self.dated else None
        return sum(row["_rows"] for row in found)


def _span(found: list[dict[str, Any]]) -> tuple[date, date] | None:
    first = [row["_first"] for row in found if row["_first"] is not None]
    last = [row["_last"] for row in found if row["_last"] is not None]
    return (_day(min(first)), _day(max(last))) if first and last else None


def _day(moment: Any) -> date:
    return timezone.localtime(moment).date() if isinstance(moment, datetime) else moment


@dataclass(frozen=True, slots=True)
class Way:
    """One step of the way down by date, or the one back up; the day that is chosen leads nowhere further."""

    title: str
    link: str = ""


def by_date(changelist: Any) -> dict[str, Any]:
    """Return the way down by date as the stock template shows it: years, then months, then days that rows can have."""
    span, name = changelist.paginator.span, changelist.date_hierarchy
    if not name or span is None:
        return {}
    first, last = span
    chosen = [_number(changelist.params.get(f"{name}__{part}")) for part in ("year", "month", "day")]
    year, month, day = chosen

    def link(*parts: int) -> str:
        asked = {f"{name}__{part}": str(value) for part, value in zip(("year", "month", "day"), parts, strict=False)}
        return str(changelist.get_query_string(asked, [f"{name}__"]))

    if year and month and day:
        back = Way(f"{year}年{month}月", link(year, month))
        return {"show": True, "back": back, "choices": [Way(f"{month}月{day}日")]}
    if year and month:
        low = first.day if (first.year, first.month) == (year, month) else 1
        high = last.day if (last.year, last.month) == (year, month) else monthrange(year, month)[1]
        days = [Way(f"{month}月{each}日", link(year, month, each)) for each in range(low, high + 1)]
        return {"show": True, "back": Way(f"{year}年", link(year)), "choices": days}
    if year or first.year == last.year:
        year = year or first.year
        low = first.month if first.year == year else 1
        high = last.month if last.year == year else 12
        months = [Way(f"{year}年{each}月", link(year, each)) for each in range(low, high + 1)]
        return {"show": True, "back": Way("所有日期", link()) if chosen[0] else None, "choices": months}
    years = [Way(str(each), link(each)) for each in range(first.year, last.year + 1)]
    return {"show": True, "back": None, "choices": years}


def _number(text: Any) -> int | None:
    """Return what stands in an address for a year, a month or a day; the list itself refuses what is none."""
    value = text[-1] if isinstance(text, list) else text
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value or None
