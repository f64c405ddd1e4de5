"""Filters beside a list: they offer what the person may see, and never thousands of entries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

MOST = 60


class ReachableFilter(admin.RelatedFieldListFilter):
    """Offer the related rows that the person may see; leave long lists to the search."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices, none when there are too many to read."""
        related = model_admin.admin_site._registry.get(field.related_model)
        if related is None:
            return []
        found = list(related.get_queryset(request)[: MOST + 1])
        return [] if len(found) > MOST else [(row.pk, str(row)) for row in found]


# In the place of Django's own, which offers every row there is.
admin.FieldListFilter.register(lambda field: bool(field.remote_field), ReachableFilter, take_priority=True)
