"""What the staff pages' top bar shows of the inbox, and where notices go by mail."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from notifications import selectors


def inbox(request: HttpRequest) -> dict[str, Any]:
    """Offer the number of unread notices and the mail address; each is read only when a page shows it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"unread_notices": 0}
    count: Callable[[], int] = lambda: selectors.unread_count(user)  # noqa: E731
    mailbox: Callable[[], str] = lambda: selectors.mail_address(user)  # noqa: E731
    return {
        "unread_notices": SimpleLazyObject(count),
        "mail_works": bool(settings.EMAIL_HOST),
        "mailbox": SimpleLazyObject(mailbox),
    }
