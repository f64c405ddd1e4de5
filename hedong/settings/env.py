"""Read settings from the environment, and secrets from the environment or from files."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """Return the variable `name`; refuse to start when it is missing and has no default."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the environment variable {name}.")
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return the secret `name` from the file that `name`_FILE names, else from the variable itself."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return text(name, default)
    try:
        return Path(path).read_text(encoding="utf8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error


def address(name: str) -> str:
    """Return the address of a server, with the password put in that its own secret holds.

    `DATABASE_URL` is completed by `DATABASE_PASSWORD` or `DATABASE_PASSWORD_FILE`, where one of them is given.
    """
    url, password_name = text(name), name.removesuffix("_URL") + "_PASSWORD"
    if password_name not in os.environ and not os.environ.get(f"{password_name}_FILE"):
        return url
    password = secret(password_name)
    if not password:
        raise ImproperlyConfigured(f"{password_name} is empty.")
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{host}"))


def boolean(name: str, default: bool = False) -> bool:
    """Return the variable as a truth value; refuse anything but 1/0, true/false, yes/no, on/off."""
    value = os.environ.get(name, "1" if default else "0").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be one of 1, 0, true, false, yes, no, on, off; it is {value!r}.")


def integer(name: str, default: int) -> int:
    """Return the variable as a whole number."""
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number; it is {value!r}.") from error


def words(name: str, default: str = "") -> list[str]:
    """Return the comma-separated variable as a list without empty entries."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, Any]:
    """Turn a postgres:// URL into Django's database settings; refuse every other scheme."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres://; only PostgreSQL is supported.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
