"""What other rooms tell on the pages of a row: figures on its form, and what happened to it.

The room that keeps the row knows nothing of them, and this one has no trail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of a row's page: its template, and what stands in it."""

    template: str
    said: Any


Tell = Callable[[HttpRequest, Any], Panel | None]
_panels: dict[str, list[Tell]] = defaultdict(list)


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a row's history."""

    at: datetime
    who: str
    what: str
    before: str
    after: str
    reason: str


History = Callable[[Any], Sequence[Happened]]
_historians: list[History] = []


def panel(label: str) -> Callable[[Tell], Tell]:
    """Show what the decorated function returns on the pages of the rows of `label` (app.model); None for nothing."""

    def register(tell: Tell) -> Tell:
        if tell not in _panels[label]:
            _panels[label].append(tell)
        return tell

    return register


def panels_of(request: HttpRequest, row: Any) -> list[Panel]:
    """Return what is told of a row to the person who looks."""
    told = (tell(request, row) for tell in _panels.get(row._meta.label_lower, ()))
    return [found for found in told if found is not None]


def historian(tell: History) -> History:
    """Let the decorated function tell what happened to a row, newest first."""
    if tell not in _historians:
        _historians.append(tell)
    return tell


def history_of(row: Any) -> list[Happened]:
    """Return what happened to a row."""
    return [line for tell in _historians for line in tell(row)]
