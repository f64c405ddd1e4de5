"""Wiring of the `requests_board` app."""

from django.apps import AppConfig


class RequestsBoardConfig(AppConfig):
    """Tell what is needed: resident requests, resource requests, dispatch."""

    name = "requests_board"
    verbose_name = "诉求与调配"
