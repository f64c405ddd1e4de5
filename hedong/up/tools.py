"""The developers' commands, each of which also runs where `make` is missing."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from . import environment, keys, words
from .layout import Layout
from .words import Trouble

LOCKS = ("production", "embedded", "dev")


def _python(layout: Layout, *arguments: str) -> int:
    """Run the environment's interpreter; the suite and the checks need nothing from the caller's settings."""
    path = f"{layout.venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    env = {**os.environ, "PATH": path, "PYTHONUTF8": "1"}
    return subprocess.run([layout.python, *arguments], cwd=layout.root, env=env, check=False).returncode


def _with_development(layout: Layout) -> None:
    layout.make()
    environment.ensure(layout, "dev")


def test(layout: Layout, rest: list[str]) -> int:
    """Run the whole suite against servers of its own."""
    _with_development(layout)
    return _python(layout, "-m", "pytest", *(rest or ["-n", str(_workers()), "--cov", "--cov-report="]))


def _workers() -> int:
    # One more than there are cores: who drives a browser or waits for a worker leaves its core idle.
    return min((os.cpu_count() or 1) + 1, 4)


def check(layout: Layout, rest: list[str]) -> int:
    """Run every static check."""
    _with_development(layout)
    return _python(layout, "tests/check.py", *rest)


def bench(layout: Layout, rest: list[str]) -> int:
    """Measure the product against the limit of this machine; docs/bench.md says what the figures mean."""
    _with_development(layout)
    return _python(layout, "-m", "bench", *rest)


def chaos(layout: Layout, rest: list[str]) -> int:
    """Kill real processes and servers while jobs are done; docs/jobs.md says what must come of it."""
    _with_development(layout)
    return _python(layout, "-m", "tests.chaos", *rest)


def contract(layout: Layout, rest: list[str]) -> int:
    """Hold every operation of the interface to its document with a hundred examples, and 200 foreign rows each."""
    _with_development(layout)
    os.environ.setdefault("EXAMPLES", "100")
    return _python(layout, "-m", "pytest", "tests/api/test_contract.py", "tests/api/test_foreign.py", *rest)


def venv(layout: Layout, rest: list[str]) -> int:
    """Build the virtual environment from a lock file and do nothing else."""
    layout.make()
    environment.ensure(layout, rest[0] if rest else "embedded")
    return 0


def secrets(layout: Layout, rest: list[str]) -> int:
    """Make the secrets that docker-compose.yml mounts; those that are there stay as they are."""
    folder = Path(rest[0] if rest else layout.root / "secrets")
    keys.ensure_for_containers(folder)
    words.plain(f"密钥和密码都在 {folder}，请离线另存一份。证书放进 {folder / 'tls'}：fullchain.pem 和 privkey.pem。")
    return 0


def lock(layout: Layout, rest: list[str]) -> int:
    """Resolve the requirements anew; the locks carry hashes and no addresses."""
    _with_development(layout)
    for name in LOCKS:
        words.step(f"锁定 requirements/{name}.in ……")
        _lock_one(layout, name, rest)
    return 0


def _lock_one(layout: Layout, name: str, rest: list[str]) -> None:
    folder = Path("requirements")
    command = [layout.venv / "bin" / "uv", "pip", "compile", folder / f"{name}.in", "--python-version", "3.11"]
    # Extras stay in the lock: older versions of pip take a package with an extra for one without a pin.
    command += ["--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-strip-extras"]
    command += ["-q", *rest, "-o", folder / f"{name}.lock"]
    if subprocess.run([str(word) for word in command], cwd=layout.root, check=False).returncode:
        raise Trouble(f"requirements/{name}.in 没有锁定成功。")
    if "://" in (layout.root / folder / f"{name}.lock").read_text(encoding="utf8"):
        raise Trouble(f"requirements/{name}.lock 里出现了地址。")


COMMANDS: dict[str, Callable[[Layout, list[str]], int]] = {
    "test": test,
    "check": check,
    "bench": bench,
    "chaos": chaos,
    "contract": contract,
    "lock": lock,
    "venv": venv,
    "secrets": secrets,
}
