"""What follows from events elsewhere for who may do what."""

from accounts.models import User
from audit.models import Event
from audit.registry import subscribe
from grids.actions import grants


@subscribe("account.closed")
def cut_whoever_left(event: Event) -> None:
    """Take from a closed account what was given to it by name, so that opening it again brings nothing back."""
    user = User.objects.filter(pk=event.target_id).first()
    if user is not None:
        grants.cut(user, reason="账号停用", groups=True)
