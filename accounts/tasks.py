"""What the worker does for accounts."""

from django.core.management import call_command

from accounts import actions
from clockwork.periodic import every


@every("accounts.forget_sessions", seconds=24 * 3600)
def forget_sessions() -> None:
    """Delete sessions that are over, and what the sign-in brake kept of earlier days."""
    call_command("clearsessions")
    actions.forget_old_brakes()
