"""The set-up rooms (Django admin): only whoever holds `enter_admin` comes in, through the product's own
login page.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from common import access
from common.middleware import ask_to_sign_in


class AdminSite(admin.AdminSite):
    """Open to system administrators only."""

    site_header = "合伙人平台 · 后台设置"
    site_title = "后台设置"
    index_title = "要设置什么"
    empty_value_display = "（空）"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Count a list once: how many rows there would be without the filters is worth no statement."""
        super().register(model_or_iterable, admin_class, **{"show_full_result_count": False, **options})

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may enter."""
        return access.holds(request.user, "enter_admin")

    def password_change(  # type: ignore[override]  # Django's own page is the only one its stubs know
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the product's own page, which ends the other sessions and leaves a trace."""
        return redirect("accounts:password")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send to the product's login page, so that its lock-out and password rules hold here too."""
        return ask_to_sign_in(request)
