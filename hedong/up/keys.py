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


def ensure_for_containers(folder: Path) -> None:
    """Make what is missing of a production set-up: keys, passwords, an empty mail password, a place for TLS.

    Containers read the files as users of their own, so the files are open and the folder around them is closed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in PASSWORDS:
        keep(folder, name)
    ensure(folder)
    (folder / "email_password").touch()
    (folder / "tls").mkdir(exist_ok=True)
    (folder / "tls").chmod(0o755)
    for path in filter(Path.is_file, folder.iterdir()):
        path.chmod(0o444)
