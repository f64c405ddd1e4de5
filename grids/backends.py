"""What Django's question "may this person do this with that object" is answered with, for what belongs to a place."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from grids import permissions, roles


class PlaceBackend(BaseBackend):
    """Answer from posts, grants and exceptions; guardian's own answer would know neither inheritance nor terms."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether the person holds the right where `obj` lies, or for that very row."""
        right = perm.removeprefix("grids.")
        return hasattr(obj, "scope_path") and right in roles.PERMISSIONS and permissions.can(user_obj, right, obj)
