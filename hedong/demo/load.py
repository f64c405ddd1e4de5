"""Load the demo district in two stages: what a visitor meets at once, and the eighteen months behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit.actions import record
from audit.jobs import enqueue
from audit.models import Event, Job, JobState
from common.errors import Conflict
from grids.models import Area, DistrictProfile
from hedong.demo import history, world
from hedong.demo.live import load_open_work
from hedong.demo.partners import load_partners
from hedong.demo.party import load_party
from hedong.demo.people import Passwords, load_people
from hedong.demo.places import load_places
from hedong.demo.pool import load_pool
from hedong.demo.scale import SCALES
from hedong.demo.world import Board

LOADED = "demo.loaded"
JOB = "demo.history"
# Two loaders at the same time would both find an empty district.
LOCK = (0x6872, 90)
Say = Callable[[str], Any]


def loaded() -> dict[str, Any] | None:
    """Return which demo district is loaded, None when there is none."""
    event = Event.objects.filter(verb=LOADED).order_by("id").first()
    return dict(event.data) if event else None


@transaction.atomic
def load_district(preset: str, size: str, passwords: Passwords, say: Say) -> bool:
    """Load places, partners, pool, accounts and open work; False when this very district is there already.

    Refuses a database that holds a district of its own, or another demo district.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
    present = loaded()
    if present is not None:
        if (present["preset"], present["scale"]) != (preset, size):
            raise Conflict("这里已经装了另一个演示区。要换一个，请用空的数据库重新装。")
        return False
    if Area.objects.exists():
        raise Conflict("这里已经有一个区的数据，演示数据不会装到它上面。请换一个空的数据库。")
    _load_all(preset, size, passwords, say)
    return True


def _load_all(preset: str, size: str, passwords: Passwords, say: Say) -> None:
    scale, clock = SCALES[size], _Stopwatch(say)
    passwords.start()
    clock.lap(f"places: {load_places(preset, scale)}")
    here = world.read()
    branches = load_party(here, scale)
    clock.lap("party organisations")
    clock.lap(f"partners: {load_partners(here, scale, branches)}")
    board = Board(here)
    clock.lap(f"resources: {load_pool(board, scale)}")
    clock.lap(f"accounts: {load_people(board, scale, passwords)}")
    # The pool and the people are read back from here on.
    written = load_open_work(Board(here), scale)
    clock.lap(", ".join(f"{name}: {amount}" for name, amount in written.items()))
    until = int(here.now.timestamp())
    record(
        verb=LOADED, target=DistrictProfile.objects.get(pk=1), data={"preset": preset, "scale": size, "until": until}
    )


class _Stopwatch:
    def __init__(self, say: Say) -> None:
        self.say, self.since = say, time.monotonic()

    def lap(self, what: str) -> None:
        """Say what was done and how long it took."""
        now = time.monotonic()
        self.say(f"  {what} ({now - self.since:.1f} s)")
        self.since = now


def chapters() -> list[tuple[int, str, int]]:
    """Return the chapters of the past that are still to be told, the most recent first."""
    present = loaded()
    if present is None:
        return []
    size, until = present["scale"], present["until"]
    return [(number, size, until) for number in range(SCALES[size].chapters, 0, -1) if not history.told(number)]


def load_history_now(say: Say) -> int:
    """Tell the past at once, chapter by chapter; return how many chapters were written."""
    clock, todo = _Stopwatch(say), chapters()
    for number, size, until in todo:
        written = load_chapter(number, size, until)
        clock.lap(f"history, chapter {number}: {', '.join(f'{n} {amount}' for n, amount in written.items())}")
    return len(todo)


@transaction.atomic
def load_history_later() -> int:
    """Leave the past to the worker: one job per chapter, whose rows show how far it is."""
    todo = chapters()
    for number, size, until in todo:
        enqueue(JOB, f"{JOB}:{number:02d}", {"chapter": number, "scale": size, "until": until})
    return len(todo)


def follow(pause: float = 0.5) -> Iterator[tuple[int, int]]:
    """Yield how many chapters are told, and of how many, at each change until all are."""
    present, before = loaded(), -1
    total = SCALES[present["scale"]].chapters if present else 0
    while before < total:
        done = total - len(chapters())
        if done != before:
            yield done, total
            before = done
        elif Job.objects.filter(kind=JOB, state__in=(JobState.PENDING, JobState.RUNNING)).exists():
            time.sleep(pause)
        else:
            raise Conflict("历史数据没有写完，后台任务里有停下的，请在后台设置里重试。")


def load_chapter(number: int, size: str, until: int) -> dict[str, int]:
    """Tell one chapter of the past."""
    moment = timezone.localtime(datetime.fromtimestamp(until, tz=timezone.get_current_timezone()))
    return dict(history.load_chapter(SCALES[size], number, moment))
