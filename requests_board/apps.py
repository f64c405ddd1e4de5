"""Wiring of the `requests_board` app."""

from importlib import import_module

from django.apps import AppConfig


class RequestsBoardConfig(AppConfig):
    """Tell what is needed: resident requests, resource requests, dispatch."""

    name = "requests_board"
    verbose_name = "诉求与调配"

    def ready(self) -> None:
        """Offer the requests of other systems as a table."""
        import_module("requests_board.tables")
