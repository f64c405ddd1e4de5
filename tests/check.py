"""Every static check, one after the other; all of them run, and one failure fails the whole."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = tuple((ROOT / "requirements").glob("*.lock"))
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "hedong.settings.production",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "example.invalid",
    "PUBLIC_BASE_URL": "https://example.invalid",
}


def run(*command: str, **env: str) -> bool:
    """Run one command in the project's folder; tell whether it succeeded."""
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=False).returncode == 0


def production_env() -> dict[str, str]:
    """Return a production environment with keys made for this one run."""
    sys.path.insert(0, str(ROOT))
    from hedong.up import keys

    return {**PRODUCTION, **{name: make() for name, make in keys.KEYS.items()}}


def locks_are_clean() -> bool:
    """Tell whether no lock file records an address."""
    dirty = [lock.name for lock in LOCKS if "://" in lock.read_text(encoding="utf8")]
    if dirty:
        print("addresses in", *dirty)
    return not dirty


TEST = {
    "DJANGO_SETTINGS_MODULE": "hedong.settings.test",
    "DATABASE_URL": PRODUCTION["DATABASE_URL"],
    "REDIS_URL": PRODUCTION["REDIS_URL"],
}
MANAGE = (sys.executable, "-W", "ignore", "manage.py")


def compose() -> bool:
    """Tell whether the containers' description fits the schema and every rule of the linter that we keep."""
    schema = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    rules = ("--config", ".ci/compose-lint.yml", "--strict-config", "--fail-on", "low", "--skip-suppressed", "-q")
    return run("compose-lint", *rules, "docker-compose.yml") and schema


CHECKS: dict[str, Callable[[], bool]] = {
    "ruff": lambda: run("ruff", "check", "-q", "."),
    "import-linter": lambda: run("lint-imports"),
    "mypy": lambda: run(sys.executable, "-m", "mypy", "--no-error-summary", ".", **TEST),
    "migrations": lambda: run(*MANAGE, "makemigrations", "--check", "--dry-run", **TEST),
    "deploy": lambda: run(*MANAGE, "check", "--deploy", "--fail-level", "WARNING", **production_env()),
    "templates": lambda: run("djlint", "--quiet", "--lint", "templates"),
    "compose": compose,
    "locks": locks_are_clean,
}


def main() -> int:
    """Run the checks named on the command line, or all of them."""
    failed = [name for name in sys.argv[1:] or CHECKS if not CHECKS[name]()]
    print("检查没有通过：" + "、".join(failed) if failed else "检查全部通过。")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
