"""Print the table of roles as docs/roles.md has it."""

from typing import Any

from django.core.management.base import BaseCommand

from grids import roles


class Command(BaseCommand):
    """Print every role and right as Markdown."""

    help = "打印角色和权限对照表（docs/roles.md 的内容）。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the table to standard output."""
        self.stdout.write(roles.as_markdown(), ending="")
