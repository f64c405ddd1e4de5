"""Filters by place: down from where the person works, and by what is still missing."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from common.admin.filters import MOST
from grids import permissions, selectors
from grids.models import Area


class PartyCoverageFilter(admin.SimpleListFilter):
    """Where a party organisation should be, and whether one is there (应建尽建)."""

    title = "应建尽建"
    parameter_name = "party"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both answers."""
        return [("missing", "还没有党组织"), ("covered", "已覆盖")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Area]) -> QuerySet[Area]:
        """Keep the places that the chosen answer holds for."""
        chosen = self.value()
        return selectors.party_coverage(queryset, covered=chosen == "covered") if chosen else queryset


class PlaceFilter(admin.SimpleListFilter):
    """What lies at a place and below it; offers the next level below the person's own, then below the chosen one."""

    title = "地方"
    parameter_name = "within"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the places, and remember where they are."""
        place = model_admin.place
        self.field = place if isinstance(place, str) else place[0]
        rights = (*model_admin.looks, *model_admin.keeps)
        roots = {path for right in rights for path in permissions.reach(request.user, right)}
        above = [int(path.strip("/").rpartition("/")[2]) for path in roots if path != "/"]
        wanted = Q(parent__in=above) | (Q(parent=None) if "/" in roots else Q(pk__in=[]))
        if self._chosen:
            wanted |= Q(parent=self._chosen) | Q(pk=self._chosen)
        reachable = Q(pk__in=[])
        for right in rights:
            reachable |= permissions.within_reach(request.user, right)
        found = list(Area.objects.valid().filter(wanted).filter(reachable)[:MOST])
        self.paths = {str(area.pk): area.scope_path for area in found}
        return [(str(area.pk), area.name) for area in found]

    @property
    def _chosen(self) -> int | None:
        value = self.value() or ""
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what lies at the chosen place and below it; nothing for a place out of reach."""
        if self.value() is None:
            return queryset
        path = self.paths.get(str(self._chosen))
        return queryset.filter(**{f"{self.field}__startswith": path}) if path else queryset.none()
