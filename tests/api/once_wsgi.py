"""The web application with two doors more: one writes under the guard, the other with the guard taken off."""

from django.conf import settings

from hedong.wsgi import application

settings.ROOT_URLCONF = "tests.api.once_urls"

__all__ = ["application"]
