"""The suite's settings and one more app: jobs that leave a trace, and messages that come three times."""

import os

from hedong.settings.test import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, os.environ.get("CHAOS_APP", "tests.chaos.apps.Guarded")]  # noqa: F405
# What a killed worker had not acknowledged comes back within the run, not five minutes after it.
CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "visibility_timeout": 6}  # noqa: F405
