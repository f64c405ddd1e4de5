"""What Django's own permission questions are answered with."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from common import access


class AdminDoorBackend(BaseBackend):
    """Give whoever may enter the admin its model permissions; each ModelAdmin says what it offers."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether the person may enter the admin at all."""
        return access.holds(user_obj, "enter_admin")

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell whether the person may enter the admin at all."""
        return access.holds(user_obj, "enter_admin")
