"""Filters beside a list: they offer what the person may see, and never thousands of entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

MOST = 60
# What a district sets for itself is read once in so many seconds.
SECONDS = 10.0
_known: dict[Any, tuple[float, list[tuple[str, Any]]]] = {}


def kept_for_a_while(key: Any, read: Callable[[], list[tuple[str, Any]]]) -> list[tuple[str, Any]]:
    """Return what `read` reads, or what it read some seconds ago; only for what is the same for everybody."""
    at, choices = _known.get(key, (0.0, []))
    if not at or time.monotonic() - at > SECONDS:
        choices = read()
        _known[key] = (time.monotonic(), choices)
    return choices


def forget_choices() -> None:
    """Read the choices of filters anew at the next request."""
    _known.clear()


class ReachableFilter(admin.RelatedFieldListFilter):
    """Offer the related rows that the person may see; leave long lists to the search."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices, none when there are too many to read."""
        related = model_admin.admin_site._registry.get(field.related_model)
        if related is None or not related.has_view_permission(request):
            return []
        if getattr(related, "same_for_all", False):
            return kept_for_a_while(field.related_model, lambda: self._read(related, request))
        return self._read(related, request)

    def _read(self, related: Any, request: HttpRequest) -> list[tuple[str, Any]]:
        found = list(related.get_queryset(request)[: MOST + 1])
        return [] if len(found) > MOST else [(row.pk, str(row)) for row in found]


# In the place of Django's own, which offers every row there is.
admin.FieldListFilter.register(lambda field: bool(field.remote_field), ReachableFilter, take_priority=True)
