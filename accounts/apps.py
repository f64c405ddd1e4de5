"""Wiring of the `accounts` app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Tell who: users, sign-in, sessions."""

    name = "accounts"
    verbose_name = "账号"
