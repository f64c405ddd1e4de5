"""What the person at the keyboard reads."""

import os
import sys
import time

# The change of interpreter half-way must not set the clock back.
_STARTED = float(os.environ.setdefault("HEDONG_UP_STARTED", str(time.time())))


class Trouble(Exception):
    """A start that cannot go on; its text says what is wrong and what to do."""


def step(text: str) -> None:
    """Print one readable line about the step that begins."""
    print(f"[{time.time() - _STARTED:5.1f} 秒] {text}", flush=True)


def plain(text: str = "") -> None:
    """Print a line without a clock."""
    print(text, flush=True)


def wrong(text: str) -> None:
    """Print what went wrong to the error stream."""
    print(f"\n✗ {text}", file=sys.stderr, flush=True)
