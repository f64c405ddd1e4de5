"""Jobs of the notices."""

from typing import Any

from audit.registry import job
from notifications import actions


@job(actions.ASSIGNED_JOB)
def assigned(payload: dict[str, Any]) -> None:
    """Tell a partner of the request that it was given."""
    actions.tell_of_assignment(payload["event"], payload["version"])


@job(actions.MAIL_JOB)
def mail(payload: dict[str, Any]) -> None:
    """Send one notice by mail."""
    actions.send_mail(payload["notice"])
