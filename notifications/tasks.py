"""Jobs of the notices."""

from typing import Any

from audit.registry import job
from notifications import actions


@job(actions.MAIL_JOB)
def mail(payload: dict[str, Any]) -> None:
    """Send one notice by mail."""
    actions.send_mail(payload["notice"])
