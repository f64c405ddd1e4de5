"""Seal every personal column anew with the first key of the ring."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.rotation import rotate


class Command(BaseCommand):
    """Rotate the field keys while the product runs; may be stopped and started again at any time."""

    help = (
        "Seal every personal column with the first key of FIELD_KEYS. Put the new key in front, restart, run this,"
        " and take the old key out of the ring only when it reports nothing left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the size of a batch."""
        parser.add_argument("--batch", type=int, default=500, help="rows per transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate column by column; fail when some texts could not be opened."""
        unopened = 0
        for column, done, failed in rotate(options["batch"]):
            unopened += failed
            self.stdout.write(f"{column}: {done} rows sealed anew, {failed} could not be opened")
        if unopened:
            raise CommandError(f"{unopened} texts could not be opened and were left as they are: keep the old keys.")
