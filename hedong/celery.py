"""The Celery application: the engine that acts on what the database says."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hedong.settings.demo")

app = Celery("hedong")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
