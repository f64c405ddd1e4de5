"""Draw the state machines into docs/states.md, from the tables that the product runs on."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from common.workflow import Step, diagram
from requests_board import workflow

MACHINES = (
    ("ServiceRequest（居民诉求）", workflow.RequestStatus, workflow.REQUEST_STEPS, workflow.REQUEST_TERMINAL),
    ("ResourceRequest（资源需求）", workflow.NeedStatus, workflow.NEED_STEPS, workflow.NEED_TERMINAL),
    ("Allocation（资源调配）", workflow.AllocationStatus, workflow.ALLOCATION_STEPS, workflow.ALLOCATION_TERMINAL),
)


def page() -> str:
    """Return the whole page: for each machine its diagram and who may take which step."""
    parts = ["# State machines\n\nDrawn by `manage.py draw_states` from `requests_board/workflow.py`; do not edit.\n"]
    for title, states, steps, terminal in MACHINES:
        labels = {value: str(label) for value, label in states.choices}
        drawing = diagram(steps, labels, states.choices[0][0], terminal)
        parts.append(f"## {title}\n\n```mermaid\n{drawing}\n```\n\n{_table(steps)}\n")
    return "\n".join(parts)


def _table(steps: tuple[Step, ...]) -> str:
    head = "| verb | from | to | who may |\n|---|---|---|---|"
    rows = [
        f"| `{step.verb}` | {', '.join(step.sources)} | {step.target} | {step.permission.replace('|', ' or ')} |"
        for step in steps
    ]
    return "\n".join([head, *rows])


class Command(BaseCommand):
    """Write docs/states.md, or with --check fail when it differs."""

    help = "把状态图从代码画到 docs/states.md"

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --check."""
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        """Write or compare the page."""
        target = settings.BASE_DIR / "docs" / "states.md"
        if not check:
            target.write_text(page(), encoding="utf8")
        elif target.read_text(encoding="utf8") != page():
            raise SystemExit("docs/states.md 和代码不一致，请运行 manage.py draw_states。")
