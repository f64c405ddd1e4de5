"""Wiring of the `clockwork` app."""

from django.apps import AppConfig


class ClockworkConfig(AppConfig):
    """Tell when: work calendar, deadlines, periodic runs."""

    name = "clockwork"
    verbose_name = "日历与期限"
