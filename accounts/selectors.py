"""What may be asked about accounts."""

import base64
import hmac
from hashlib import sha256
from typing import cast
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import ApiToken, User
from common.crypto import keyed_digest

TOKENS = 50
MAC_LENGTH = 26  # characters of base32: 130 bits


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


def tokens_for(user: User, *, words: str = "", page: int = 1) -> list[ApiToken]:
    """Return a page of the tokens that the person may see, those that work first; one row more tells of a next."""
    works = ExpressionWrapper(
        Q(revoked_at__isnull=True, expires_at__gt=Now(), user__is_active=True), output_field=BooleanField()
    )
    rows = ApiToken.objects.visible_to(user).select_related("user").annotate(works=works)
    if words:
        rows = rows.filter(
            Q(name__icontains=words) | Q(user__username__icontains=words) | Q(user__display_name__icontains=words)
        )
    start = (page - 1) * TOKENS
    return list(rows.order_by("-works", "-created_at", "-id")[start : start + TOKENS + 1])


def calendar_mac(user: User) -> str:
    """Return the secret half of the address of the person's calendar; raising its version makes old addresses dead."""
    text = f"calendar|{user.pk}|{user.calendar_version}"
    digest = hmac.new(settings.LINK_KEY.encode(), text.encode(), sha256).digest()
    return base64.b32encode(digest).decode().lower()[:MAC_LENGTH]


def calendar_token(user: User) -> str:
    """Return the token in the address of the person's calendar, "" while it has none."""
    return f"{user.pk.hex}-{calendar_mac(user)}" if user.calendar_open else ""


def owner_of_calendar(token: str) -> User | None:
    """Return whose calendar a genuine token opens, None for every other text."""
    key, _, mac = token.partition("-")
    try:
        user = User.objects.filter(pk=UUID(key), is_active=True, calendar_open=True).first()
    except ValueError:
        return None
    return user if user and constant_time_compare(calendar_mac(user), mac) else None
