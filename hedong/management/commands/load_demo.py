"""Load the demo district (演示数据); running it twice changes nothing."""

import json
import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from common.errors import DomainError
from hedong.demo import doors
from hedong.demo.load import load_district, load_history_later, load_history_now
from hedong.demo.people import Passwords
from hedong.demo.scale import SCALES


class Command(BaseCommand):
    """Load places, partners, pool, accounts and open work, and the eighteen months behind them."""

    help = "Load the demo district. Refuses a database with data of its own; doing it twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Offer preset, size, when to load the history, and where to write the demo accounts."""
        parser.add_argument("--preset", choices=("fictional", "hedong"), default="fictional")
        parser.add_argument("--scale", choices=tuple(SCALES), default="full")
        parser.add_argument("--history", choices=("now", "later", "none"), default="now")
        parser.add_argument(
            "--accounts-file", type=Path, help="write the demo accounts there, readable by the owner only"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, say what was loaded, and write the accounts file."""
        since = time.monotonic()
        call_command("load_basics", stdout=self.stdout)
        passwords = Passwords()
        try:
            fresh = load_district(options["preset"], options["scale"], passwords, self.stdout.write)
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            passwords.close()
        self._say_accounts(options["accounts_file"], passwords, fresh)
        self._history(options["history"])
        if fresh:
            self._analyze()
        self.stdout.write(f"demo district: {'loaded' if fresh else 'already there'} ({time.monotonic() - since:.1f} s)")

    def _say_accounts(self, path: Path | None, passwords: Passwords, fresh: bool) -> None:
        if path is None:
            if fresh:
                for role, password in passwords.plain.items():
                    self.stdout.write(f"  {role}: {password}")
            return
        if not fresh and path.exists():
            return
        if not fresh:
            doors.renew_passwords(passwords)
        write_private(path, doors.accounts(passwords))

    def _history(self, when: str) -> None:
        if when == "later":
            self.stdout.write(f"history: {load_history_later()} chapters left to the worker")
        elif when == "now":
            load_history_now(self.stdout.write)

    @staticmethod
    def _analyze() -> None:
        # The planner knows nothing of rows that came by COPY a moment ago.
        with connection.cursor() as cursor:
            for table in (
                "grids_area",
                "requests_board_servicerequest",
                "partners_resourceslot",
                "requests_board_allocation",
            ):
                cursor.execute(f"ANALYZE {table}")


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only the owner may read, in one move."""
    draft = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    draft.replace(path)
