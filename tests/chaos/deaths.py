"""Processes that end at planted points, without a word: `python -m tests.chaos.deaths RUNS`.

Each run is a child of its own that writes a job, and where the point lies behind that, begins to do it. The client
that heard nothing says the same again; a real worker and a real sweeper then find what the dead left behind.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import django

KEY = "chaos.effect:{}"


def die(*_: Any, **__: Any) -> None:
    """End this process at once, as kill -9 would."""
    os._exit(9)


def before_commit(number: int) -> None:
    """Die with the job written and not committed."""
    from django.db import transaction

    with transaction.atomic():
        _write(number)
        die()


def after_commit(number: int) -> None:
    """Die with the job committed, before anybody was rung for it."""
    from audit.jobs import outbox

    outbox.ring = die
    _commit(number)


def after_ring(number: int) -> None:
    """Die when the message is out."""
    _commit(number)
    die()


def after_claim(number: int) -> None:
    """Die with the claim in hand, before the work has begun."""
    from audit.jobs import run

    run.perform = die
    run.run(_commit(number))


def in_effect(number: int) -> None:
    """Die with the effect written and nothing else."""
    from audit import registry
    from tests.chaos.tasks import KIND, leave_a_row

    registry._jobs[KIND] = lambda payload: die(leave_a_row(payload["number"]))
    _run(number)


def before_done_is_committed(number: int) -> None:
    """Die with the effect and the mark written, neither of them committed."""
    from audit.jobs import run

    really = run._must_change_one

    def and_die(statement: str, mine: Any) -> None:
        really(statement, mine)
        if statement is run.FINISH:
            die()

    run._must_change_one = and_die
    _run(number)


def after_done(number: int) -> None:
    """Die with everything done, before the broker was told."""
    _run(number)
    die()


POINTS: tuple[Callable[[int], None], ...] = (
    before_commit, after_commit, after_ring, after_claim, in_effect, before_done_is_committed, after_done,
)  # fmt: skip


def _write(number: int) -> Any:
    from audit.jobs import enqueue
    from tests.chaos.tasks import KIND

    return enqueue(KIND, KEY.format(number), {"number": number})


def _commit(number: int) -> int:
    from django.db import transaction

    with transaction.atomic():
        return _write(number).pk


def _run(number: int) -> None:
    from audit.jobs import run

    run.run(_commit(number))


def main(runs: int) -> None:
    """Let `runs` processes die at each point, then say everything again; print how many ended as planted."""
    from django.db import transaction

    numbers = [(number, POINTS[number % len(POINTS)]) for number in range(runs * len(POINTS))]
    dead = sum(_in_child(point, number) for number, point in numbers)
    for number, _ in numbers:
        with transaction.atomic():
            _write(number)
    print(dead)


def _in_child(point: Callable[[int], None], number: int) -> bool:
    """Run one child to its end; tell whether it died where it was to die."""
    child = os.fork()
    if child == 0:
        try:
            point(number)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
