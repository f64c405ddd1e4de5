"""Jobs that cross all rooms."""

import logging
from typing import Any

from audit.registry import job
from hedong.demo.load import JOB, load_chapter

logger = logging.getLogger(__name__)


@job(JOB)
def demo_history(payload: dict[str, Any]) -> None:
    """Tell one chapter of the demo district's past."""
    written = load_chapter(payload["chapter"], payload["scale"], payload["until"])
    logger.info("Demo history, chapter %s: %s", payload["chapter"], written)
