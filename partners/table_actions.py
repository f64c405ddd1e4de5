"""What hangs on partners and resources, in bulk: the departments' profiles and the areas that a resource serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from partners.models import DepartmentProfile, ResourceServedArea


@transaction.atomic
def set_profiles(profiles: Mapping[Any, Mapping[str, Any]]) -> None:
    """Write what only departments have, by partner; the rows' own events tell of it."""
    known = DepartmentProfile.objects.in_bulk(list(profiles))
    rows = []
    for key, values in profiles.items():
        row = next((one for pk, one in known.items() if str(pk) == str(key)), None)
        row = row or DepartmentProfile(partner_id=key, group="government")
        for name, value in values.items():
            setattr(row, name, value)
        rows.append(row)
    DepartmentProfile.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["partner"], update_fields=["group", "joint_conference_member"]
    )


@transaction.atomic
def set_served_areas(areas: Mapping[Any, Sequence[int]]) -> None:
    """Say for each of these resources which areas it serves; the rows' own events tell of it."""
    ResourceServedArea.objects.filter(resource__in=list(areas)).delete()
    ResourceServedArea.objects.bulk_create(
        [ResourceServedArea(resource_id=key, area_id=area) for key, served in areas.items() for area in served],
        batch_size=1000,
    )
