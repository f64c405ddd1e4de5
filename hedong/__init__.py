"""How the platform is put together."""

from hedong.celery import app as celery_app

__all__ = ["celery_app"]
