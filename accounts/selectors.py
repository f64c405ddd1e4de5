"""What may be asked about accounts."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User
from common.crypto import keyed_digest


def person(request: HttpRequest) -> User:
    """Return who has come in; to be asked behind a door that lets no stranger through."""
    return cast("User", request.user)


def login_key(typed: str) -> str:
    """Return the name under which tries at an account are counted, whether user name or phone was typed.

    For an unknown account it is a digest: what people mistype there may be a password or somebody's number.
    """
    user = User.objects.by_name_or_phone(typed)
    return user.username if user else "?" + keyed_digest("login", typed.strip())[:16]


def axes_username(request: HttpRequest, credentials: dict[str, str] | None = None) -> str:
    """Tell django-axes under which name to count the tries of this request."""
    typed = (credentials or {}).get("username") or request.POST.get("username", "")
    known = getattr(request, "login_keys", None)
    if known is None:
        known = request.login_keys = {}  # type: ignore[attr-defined]
    if typed not in known:
        known[typed] = login_key(typed)
    return str(known[typed])
