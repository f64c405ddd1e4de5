"""Wiring of the `audit` app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    """Keep what happened and what must follow: events, jobs, reads of personal data."""

    name = "audit"
    verbose_name = "留痕与任务"

    def ready(self) -> None:
        """Load every app's handlers and job kinds: whoever records an event must know who listens."""
        autodiscover_modules("handlers", "tasks")
