"""Unguessable links: the resident's tracking link and the liaison's answer link. Nothing of them is stored."""

import base64
import hmac
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare

MAC_LENGTH = 26  # characters of base32: 130 bits


def _mac(*parts: Any) -> str:
    text = "|".join(str(part) for part in parts)
    digest = hmac.new(settings.LINK_KEY.encode(), text.encode(), sha256).digest()
    return base64.b32encode(digest).decode().lower()[:MAC_LENGTH]


def tracking_mac(request: Any) -> str:
    """Return the secret half of a request's tracking link; raising `link_version` makes old links dead."""
    return _mac("track", request.pk, request.link_version)


def tracking_url(request: Any) -> str:
    """Return the path of the page on which the resident sees this request."""
    return reverse("requests_board:track", args=[request.number, tracking_mac(request)])


def tracking_holds(request: Any, mac: str) -> bool:
    """Tell, in constant time, whether `mac` belongs to this request."""
    return constant_time_compare(tracking_mac(request), mac)


def answer_token(allocation: Any) -> str:
    """Return the token with which one asking of one allocation may be answered without an account."""
    return f"{allocation.pk.hex}-{allocation.asks}-{_mac('answer', allocation.pk, allocation.asks)}"


def answer_url(allocation: Any) -> str:
    """Return the path under which the liaison answers; it dies with the answer or at `answer_due_at`."""
    return reverse("requests_board:answer", args=[answer_token(allocation)])


def read_answer_token(token: str) -> tuple[str, int] | None:
    """Return (allocation id, asking number) of a genuine token, None for every other text."""
    try:
        pk, asks, mac = token.split("-")
        expected = _mac("answer", _dashed(pk), int(asks))
    except ValueError:
        return None
    return (_dashed(pk), int(asks)) if constant_time_compare(expected, mac) else None


def form_key(given: str = "") -> str:
    """Return the key by which a form is known when it comes twice: the one it came with, else a fresh one."""
    if read_form_key(given) is not None:
        return given
    key = uuid4().hex
    return f"{key}-{_mac('form', key)}"


def read_form_key(text: str) -> UUID | None:
    """Return the id that a form's genuine key stands for, None for every other text."""
    key, _, mac = text.partition("-")
    return UUID(key) if constant_time_compare(_mac("form", key), mac) else None


def _dashed(hex_text: str) -> str:
    return str(UUID(hex_text))
