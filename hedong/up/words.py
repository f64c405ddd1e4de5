"""What the person at the keyboard reads."""

import contextlib
import os
import sys
import time
from typing import TextIO

# The change of interpreter half-way must not set the clock back.
_STARTED = float(os.environ.setdefault("HEDONG_UP_STARTED", str(time.time())))


class Trouble(Exception):
    """A start that cannot go on; its text says what is wrong and what to do."""


def step(text: str) -> None:
    """Print one readable line about the step that begins."""
    plain(f"[{time.time() - _STARTED:5.1f} 秒] {text}")


def plain(text: str = "") -> None:
    """Print a line without a clock."""
    _print(text, sys.stdout)


def wrong(text: str) -> None:
    """Print what went wrong to the error stream."""
    _print(f"\n✗ {text}", sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    # The window may be closed already; what is being stopped has to be stopped all the same.
    with contextlib.suppress(OSError):
        print(text, file=stream, flush=True)
