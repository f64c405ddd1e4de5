"""What stands between a fresh database and the first page: remembered, so that it is done once."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

# The static files, the tables that come with the product with the code that loads them, and what both depend on.
_WATCHED = (
    "static/**/*",
    "*/data/*.csv",
    "hedong/*/data/*.*",
    "hedong/basics/*.py",
    "hedong/management/commands/load_basics.py",
    "clockwork/actions.py",
    "dashboards/actions.py",
    "*/migrations/*.py",
    "requirements/*.lock",
)
_SWITCHES = ("HEDONG_PRESET", "HEDONG_SCALE")


def _files() -> Iterator[Path]:
    for pattern in _WATCHED:
        yield from sorted(path for path in settings.BASE_DIR.glob(pattern) if path.is_file())


def fingerprint() -> str:
    """Return what set-up data and static files look like now."""
    digest = hashlib.sha256("|".join(os.environ.get(name, "") for name in _SWITCHES).encode())
    for path in _files():
        look = path.stat()
        digest.update(f"{path.relative_to(settings.BASE_DIR)} {look.st_size} {look.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _memory() -> Path:
    return Path(settings.VAR_DIR) / "prepared"


def changed() -> bool:
    """Return whether anything has to be loaded or gathered again; lost demo passwords are made anew."""
    memory = _memory()
    if not memory.exists() or (settings.DEMO and not accounts_file().exists()):
        return True
    return memory.read_text(encoding="ascii") != fingerprint()


def remember() -> None:
    """Note that everything is in place."""
    _memory().parent.mkdir(parents=True, exist_ok=True)
    _memory().write_text(fingerprint(), encoding="ascii")


def accounts_file() -> Path:
    """Return where the demo accounts are kept."""
    return Path(settings.VAR_DIR) / "secrets" / "demo_accounts.json"


def write_doors() -> None:
    """Write the demo's doors to a file that only the owner reads: accounts, a building's code, an open question."""
    from hedong.demo.doors import doors

    kept = accounts_file()
    known = json.loads(kept.read_text(encoding="utf8")) if kept.exists() else {}
    path = Path(settings.VAR_DIR) / "doors.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf8") as file:
        json.dump(known | doors(), file, ensure_ascii=False)
