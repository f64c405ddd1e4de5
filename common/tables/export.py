"""Lists that can be taken away as a file: what each shows, to whom, and in what words it says what it shows.

The rooms register their lists; the door that makes the file stands above them all, because it needs the district's
layout and the trail, which this package knows nothing of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from common import access
from common.tables.sheet import Column, Sheet

Cells = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list as it is on screen.

    `columns` and `rows` answer for a request, whose address holds the list's own filters; rows come in the list's
    order as column key → text. `words` says the filters in a sentence's part, `back` leads to the list.
    With `label` (a model) and `opens` (a right), personal columns can be had in full: rows then carry their key as
    `_id`, and as `_open` the cells without masks.
    """

    code: str
    title: str
    allows: Callable[[HttpRequest], bool]
    columns: Callable[[HttpRequest], tuple[Column, ...]]
    rows: Callable[[HttpRequest], Iterable[Cells]]
    words: Callable[[HttpRequest], str] = lambda request: ""
    back: Callable[[HttpRequest], str] = lambda request: reverse("accounts:home")
    label: str = ""
    opens: str = ""
    hint: str = ""
    # The title for this request, of a list that goes by several.
    called: Callable[[HttpRequest], str] | None = None

    def titled(self, request: HttpRequest) -> str:
        """Return the title of what this request takes away."""
        return self.called(request) if self.called else self.title


def needs(*permissions: str) -> Callable[[HttpRequest], bool]:
    """Let in whoever holds one of `permissions`."""
    return lambda request: any(access.holds(request.user, permission) for permission in permissions)


def same(*columns: Column) -> Callable[[HttpRequest], tuple[Column, ...]]:
    """Return the same columns for every request."""
    return lambda request: columns


_listings: dict[str, Listing] = {}


def register_listing(listing: Listing) -> None:
    """Offer a list; the same code twice is a fault of the program."""
    if _listings.get(listing.code, listing) is not listing:
        raise ValueError(f"Two lists are called {listing.code}.")
    _listings[listing.code] = listing


def listing(code: str) -> Listing | None:
    """Return the list of this code."""
    return _listings.get(code)


def of_sheet(sheet: Sheet) -> Listing:
    """Return a registry as a list that can be read in again."""

    def rows(request: HttpRequest) -> Iterable[Cells]:
        known = getattr(sheet, "known", None)
        if known is None:
            yield from sheet.rows(request.user)
            return
        for one in known(request.user):
            yield {**sheet.masked(one.cells), "_id": one.id, "_open": one.cells}  # type: ignore[attr-defined]

    return Listing(
        code=f"sheet.{sheet.code}", title=sheet.title, allows=needs(sheet.looks),
        columns=lambda request: sheet.columns, rows=rows, label=getattr(sheet, "label", ""),
        opens=getattr(sheet, "opens", ""), hint="这张表改过以后可以再导入。",
    )  # fmt: skip
