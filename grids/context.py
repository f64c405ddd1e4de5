"""What every page knows about the district it serves."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from grids import selectors


def district(request: HttpRequest) -> dict[str, Any]:
    """Put `district` (the profile) and `demo` (whether this is demonstration data) into templates."""
    profile = SimpleLazyObject(selectors.profile)
    return {"district": profile, "demo": SimpleLazyObject(lambda: profile.is_demo)}
