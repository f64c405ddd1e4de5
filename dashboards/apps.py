"""Wiring of the `dashboards` app."""

from importlib import import_module

from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    """Draw the district's picture: metric definitions and counters."""

    name = "dashboards"
    verbose_name = "全区总览"

    def ready(self) -> None:
        """Offer the rows behind the figures as files."""
        import_module("dashboards.tables")
