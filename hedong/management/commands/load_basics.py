"""Load what every installation needs before its first day; safe to run again."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from clockwork.actions import load_calendar, load_policies
from dashboards.actions import load_definitions, load_forms
from hedong.basics import CATALOGUES

# What is loaded, in this order: a word for the log line, and the action that returns how many rows it wrote.
BASICS: tuple[tuple[str, Callable[[], int]], ...] = (
    ("work calendar", load_calendar),
    ("work hours and deadlines", load_policies),
    *CATALOGUES,
    ("definitions of figures", load_definitions),
    ("forms of facts", load_forms),
)


class Command(BaseCommand):
    """Load calendar, deadlines and the other tables that come with the product; keep what was edited."""

    help = "Load the tables that come with the product (calendar, deadlines, categories); what was edited here stays."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run every loader and say what it wrote."""
        for name, load in BASICS:
            self.stdout.write(f"{name}: {load()} rows written")
