"""Refuse secrets that were typed, copied from an example or left empty: only random ones guard anything."""

import base64
import binascii

from django.core.exceptions import ImproperlyConfigured

_ADVICE = "Make one with: python3 hedong/up secrets"
# Random secrets of the right length have far more different signs than this, also when written in hexadecimal.
_VARIETY = 12
_PLACEHOLDERS = ("insecure", "changeme", "change-me", "change_me", "placeholder", "password", "example", "throw-away")


def text(name: str, value: str) -> None:
    """Refuse a secret text that is short, monotonous or a placeholder."""
    if len(value) < 50 or len(set(value)) < _VARIETY or _is_placeholder(value):
        raise ImproperlyConfigured(f"{name} must be at least 50 random signs, not an example's or a test's. {_ADVICE}")


def key(name: str, value: str) -> None:
    """Refuse a key that is not at least 32 random bytes in base64; readable text is never random."""
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    readable = all(32 <= byte < 127 for byte in found)
    if len(found) < 32 or len(set(found)) < _VARIETY or readable:
        raise ImproperlyConfigured(f"{name} must hold at least 32 random bytes as base64, not a test's. {_ADVICE}")


def ring(name: str, value: str) -> None:
    """Refuse a key ring (`id:key[,id:key…]`) with any weak key in it."""
    for part in value.split(","):
        key(name, part.strip().partition(":")[2])


def password(name: str, value: str, user: str = "") -> None:
    """Refuse a weak password; none at all is left to the server, which may know us by other means."""
    if value and (len(value) < 12 or len(set(value)) < 6 or value == user or _is_placeholder(value)):
        raise ImproperlyConfigured(f"The password in {name} must be at least 12 signs that nobody guesses. {_ADVICE}")


def _is_placeholder(value: str) -> bool:
    return any(word in value.lower() for word in _PLACEHOLDERS)
