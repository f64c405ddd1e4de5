"""Secrets of this one machine, made at the first start and kept in files that only the owner reads."""

import base64
import os
import secrets
from pathlib import Path


def _field_key() -> str:
    return "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()


def _plain_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _password() -> str:
    return secrets.token_urlsafe(24)


KEYS = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(60),
    "FIELD_KEYS": _field_key,
    "BLIND_INDEX_KEY": _plain_key,
    "LINK_KEY": _plain_key,
}
PASSWORDS = ("postgres_super", "postgres_owner", "postgres_app", "broker")


def keep(folder: Path, name: str, make=_password) -> str:
    """Return the secret `name` from its file; make both when there is none."""
    path = folder / name
    if path.exists() and path.read_text(encoding="utf8").strip():
        return path.read_text(encoding="utf8").strip()
    value = make()
    write_private(path, value + "\n")
    return value


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody but the owner can read, at once or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf8") as file:
        file.write(text)
    fresh.replace(path)


def ensure(folder: Path) -> dict[str, str]:
    """Make what is missing and return the variables that point the processes at the files."""
    for name, make in KEYS.items():
        keep(folder, name, make)
    return {f"{name}_FILE": str(folder / name) for name in KEYS}
