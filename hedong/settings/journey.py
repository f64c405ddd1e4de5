"""The suite's real processes: the test keys and accounts, with the static files as production serves them."""

from hedong.settings import base
from hedong.settings.test import *  # noqa: F403

STORAGES = base.STORAGES
