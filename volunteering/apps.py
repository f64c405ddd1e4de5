"""Wiring of the `volunteering` app."""

from django.apps import AppConfig


class VolunteeringConfig(AppConfig):
    """Count the hands: volunteer teams and what they can do."""

    name = "volunteering"
    verbose_name = "志愿服务"

    def ready(self) -> None:
        """Offer the teams as a table."""
        from volunteering import tables  # noqa: F401
