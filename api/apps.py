"""Wiring of the `api` app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Answer machines: REST v1."""

    name = "api"
    verbose_name = "接口"
