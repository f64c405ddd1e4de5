"""Write the demo district's registries as workbooks (docs/samples); the same district gives the same content."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from common.tables import writing
from common.tables.sheet import sheets
from hedong.demo import samples


class Command(BaseCommand):
    """Write one workbook for each registry of the small demo district, which is loaded and taken back for it."""

    help = "Write docs/samples/*.xlsx from the small demo district. Needs a database without a district of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask where to."""
        parser.add_argument("--to", type=Path, default=Path("docs/samples"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, write, and undo the loading."""
        folder: Path = options["to"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        with transaction.atomic():
            rows = samples.of_the_demo_district()
            transaction.set_rollback(True)
        for registry in sheets():
            columns = registry.columns_for(AnonymousUser())
            with (folder / f"{registry.code}.xlsx").open("wb") as file:
                file.write(writing.workbook(samples.paper(registry.title), columns, rows[registry.code]).read())
            self.stdout.write(f"{registry.code}.xlsx: {len(rows[registry.code])}")
