"""One machine, demo data, plain HTTP on the loopback address."""

from hedong.settings.base import *  # noqa: F403

DEMO = True
