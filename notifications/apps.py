"""Wiring of the `notifications` app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Tell people: inbox and mail."""

    name = "notifications"
    verbose_name = "通知"
