"""Put the definitions of the figures into the database."""

from typing import Any

from django.core.management.base import BaseCommand

from dashboards import actions


class Command(BaseCommand):
    """Add the definitions that are missing."""

    help = "Add the definitions of the district's figures that are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load and say how many there are."""
        self.stdout.write(f"{actions.load_definitions()} definitions of figures are in place.")
