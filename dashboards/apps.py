"""Wiring of the `dashboards` app."""

from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    """Draw the district's picture: metric definitions and counters."""

    name = "dashboards"
    verbose_name = "全区总览"
