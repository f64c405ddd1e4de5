"""The sweeper: the process that makes sure that every job is rung for until it is done."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection

from audit.actions import beat
from audit.jobs.sweep import sweep

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0


class Command(BaseCommand):
    """Ring for jobs that nobody heard of, round after round. Several copies may run."""

    help = "Ring for jobs that were not heard; runs until it is told to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the pause between two rounds, and whether there is only one."""
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
        parser.add_argument("--once", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until SIGTERM or SIGINT; an outage of database or broker only makes a round fail."""
        if options["once"]:
            sweep()
            return
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        rounds = Rounds()
        while not stop.is_set():
            rounds.turn()
            stop.wait(options["every"])


class Rounds:
    """What the sweeper remembers from round to round: its last sign of life and the outage it is in."""

    def __init__(self) -> None:
        self.beaten = 0.0
        self.outage = ""

    def turn(self) -> None:
        """Sweep once; say the beginning and the end of an outage once each."""
        trouble = ""
        try:
            sweep()
        except Exception as error:
            trouble = type(error).__name__
            if isinstance(error, DatabaseError):
                connection.close()
        self.tell(trouble)
        self.beat(trouble)

    def tell(self, trouble: str) -> None:
        """Log a change of weather."""
        if trouble and trouble != self.outage:
            logger.warning("No round possible: %s.", trouble)
        if self.outage and not trouble:
            logger.info("Rounds are possible again.")
        self.outage = trouble

    def beat(self, trouble: str) -> None:
        """Leave a sign of life now and then, also while the broker is away."""
        if time.monotonic() - self.beaten < BEAT_SECONDS:
            return
        try:
            beat("sweeper", trouble)
            self.beaten = time.monotonic()
        except DatabaseError:
            connection.close()
