"""What this machine has for the suite."""

import os
import shutil
from typing import Any

import pytest

NO_BROWSER = "这台机器上没有浏览器"
# Where the suite keeps the stack of real processes, once a test has asked for it.
RUNNING = pytest.StashKey[Any]()
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser() -> str | None:
    """Return the browser that `HEDONG_BROWSER` names (empty: none), else one on the machine."""
    named = os.environ.get("HEDONG_BROWSER")
    if named is not None:
        return named or None
    return next((path for path in map(shutil.which, _CHROMIUM) if path), None)
