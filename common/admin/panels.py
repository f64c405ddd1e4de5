"""What rooms further up tell on a row's page: the room that keeps the row knows nothing of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of a row's page: its template, and what stands in it."""

    template: str
    said: Any


Tell = Callable[[HttpRequest, Any], Panel | None]
_panels: dict[str, list[Tell]] = defaultdict(list)


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
