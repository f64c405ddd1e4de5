"""Wiring of the `accounts` app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Tell who: users, sign-in, sessions."""

    name = "accounts"
    verbose_name = "账号"

    def ready(self) -> None:
        """Count for everybody below what the district limits."""
        from accounts import brake
        from common import brakes

        brakes.register(brake.take)
