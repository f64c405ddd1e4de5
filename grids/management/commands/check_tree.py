"""Compare both trees and every path with the parent keys."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from grids import trees


class Command(BaseCommand):
    """Report damage of the trees; --fix writes numbers and paths anew."""

    help = "核对区域树、党组织树和所有区域路径；--fix 按上级关系重新编号。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --fix."""
        parser.add_argument("--fix", action="store_true", help="按上级关系重新编号并改正路径")

    def handle(self, *args: Any, fix: bool = False, **options: Any) -> None:
        """Print the faults; end with an error while any are left."""
        if fix:
            self.stdout.write(f"改正了 {trees.fix()} 行。")
        faults = trees.check()
        for fault in faults:
            self.stdout.write(f"{fault.table}：{fault.what}，{fault.rows} 行，例如 {list(fault.examples)}")
        if faults:
            raise CommandError(f"有 {len(faults)} 处不一致。运行 check_tree --fix 可以改正编号和路径。")
        self.stdout.write("两棵树和所有路径都一致。")
