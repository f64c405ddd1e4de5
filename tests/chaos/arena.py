"""Servers and processes of the harness's own, which may be killed; the product's supervisor starts them again."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import redis

from hedong.up import broker, children, database, postgres
from hedong.up.supervisor import Child, Supervisor
from tests.chaos.tasks import TABLE

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "throw-away"
# Commits must outlive the kill of the server, so synchronous_commit stays on; no power cut has to be outlived.
OPTIONS = ("-c", "fsync=off", "-c", "full_page_writes=off")
SERVERS = ("broker", "postgres")


class Arena:
    """One PostgreSQL, one broker, and whatever is started on them."""

    def __init__(self) -> None:
        """Make a folder that goes away with the arena."""
        self.folder = Path(tempfile.mkdtemp(prefix="hedong-chaos-"))
        self.folder.chmod(0o755)
        self.supervisor = Supervisor(ROOT)
        self.cluster = postgres.Cluster(self.folder / "postgres", PASSWORD, options=OPTIONS)
        self.broker = broker.Broker(self.folder / "broker", PASSWORD, keep=False)
        self.owner_url, self.app_url = database.addresses(self.cluster.port, PASSWORD, PASSWORD)
        self._line: Any = None
        self._keeper = threading.Thread(target=self.supervisor.look_after, args=(lambda: None,), daemon=True)

    def __enter__(self) -> "Arena":
        """Bring the servers up and make the tables, with the product's two roles."""
        try:
            self._start_servers()
            self._make_tables()
        except BaseException:
            self.close()
            raise
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.close()

    def close(self) -> None:
        """Stop all in order, the servers last, and remove the folder."""
        self.stop(*(name for name in self.supervisor.children if name not in SERVERS))
        if self._line is not None:
            self._line.close()
        self.supervisor.stop()
        if self._keeper.is_alive():
            self._keeper.join(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_servers(self) -> None:
        self.cluster.ensure_data()
        user = self.cluster.who.user if self.cluster.who else None
        self.start("postgres", self.cluster.command(), sign=signal.SIGINT, user=user)
        self.start("broker", self.broker.command())
        self.cluster.wait_ready()
        self.broker.wait_ready()

    def _make_tables(self) -> None:
        database.ensure(self.cluster.dsn(), PASSWORD, PASSWORD)
        for command in (["migrate", "-v0"], ["grant_app_role"]):
            self.run([sys.executable, "-W", "ignore", "manage.py", *command], DATABASE_URL=self.owner_url)
        self.fetch(TABLE)

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of a process on the arena's servers, under the application's role."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": self.app_url,
            "REDIS_URL": self.broker.url(),
            "HEDONG_VAR": str(self.folder),
            "HEDONG_STACK": str(self.folder),
            "LOG_LEVEL": "INFO",
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            **more,
        }

    def start(self, name: str, command: list[str] | tuple[str, ...], **options: Any) -> None:
        """Start a process that is started again when it falls; `env` and `sign` as in the supervisor."""
        env, sign = options.pop("env", None) or self.env(), options.pop("sign", signal.SIGTERM)
        program = Path(sys.executable).parent / command[0]
        words = [str(program) if program.exists() else command[0], *command[1:]]
        self.supervisor.start(Child(name, name, words, env, self.log(name), sign, **options))

    def run(self, command: list[str], **env: str) -> str:
        """Run a process to its end and return what it said."""
        done = subprocess.run(command, cwd=ROOT, env=self.env(**env), check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def log(self, name: str) -> Path:
        """Return the log of a process."""
        return self.folder / f"{name}.log"

    def pid(self, name: str) -> int | None:
        """Return the process number while the process runs."""
        child = self.supervisor.children.get(name)
        alive = child and child.popen and not child.start_again_at and child.popen.poll() is None
        return child.popen.pid if alive else None

    def settle(self, seconds: float = 60) -> None:
        """Wait until everything that has fallen runs again."""
        wait(lambda: all(self.pid(name) for name in self.supervisor.children), seconds, self.tail)

    def stop(self, *names: str, sign: int = signal.SIGTERM) -> dict[str, Child]:
        """Stop processes for good; they can be given back with `give_back`."""
        taken = {name: self.supervisor.children.pop(name) for name in names}
        for child in taken.values():
            children.stop([(child.popen.pid, sign)], patience=10)
            child.popen.poll()
        return taken

    def kill(self, *names: str) -> None:
        """End processes and whatever they have started at once; what they did is counted, not how they stop."""
        for child in [self.supervisor.children.pop(name) for name in names]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.popen.pid, signal.SIGKILL)
            child.popen.wait()

    def give_back(self, taken: dict[str, Child]) -> None:
        """Start again what was stopped."""
        for child in taken.values():
            # Without its old process the keeper cannot take it for fallen while it is being started.
            child.popen, child.falls, child.start_again_at = None, 0, 0.0
            self.supervisor.start(child)

    def calm(self) -> None:
        """Let no earlier run's falls make a server wait longer for its next start."""
        for child in self.supervisor.children.values():
            child.falls = 0

    def fetch(self, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask the database as the owner, however often it goes away meanwhile."""
        until = time.monotonic() + 60
        while True:
            try:
                if self._line is None:
                    self._line = psycopg2.connect(self.owner_url, connect_timeout=3)
                    self._line.autocommit = True
                with self._line.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if cursor.description else []
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self._line = None
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def redis(self) -> redis.Redis:
        """Return a client of the broker."""
        return redis.Redis.from_url(self.broker.url(), socket_timeout=5)

    def tail(self) -> str:
        """Return the ends of all logs, for an explanation."""
        return "\n".join(
            f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(self.folder.glob("*.log"))
        )


def wait(holds: Callable[[], Any], seconds: float, explain: Callable[[], str] = str) -> float:
    """Wait until `holds()` and return how long it took; raise when it takes longer than `seconds`."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"waited {seconds} s in vain\n{explain()}")
        time.sleep(0.05)
    return time.monotonic() - start
