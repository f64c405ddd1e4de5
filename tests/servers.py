"""Throw-away servers for the suite: a PostgreSQL and a broker that end with it."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.db import OperationalError

from hedong.up import broker, children, database, postgres, watchdog
from hedong.up.processes import STOP_ORDER

# Nothing here has to survive a power cut.
APP_PASSWORD = "throw-away"
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")


def _unnamed(name: str) -> bool:
    """The test settings put an address that nobody has where the environment names none."""
    return ".invalid" in os.environ.get(name, ".invalid")


class Servers:
    """The two servers, started where the environment does not name others."""

    def __init__(self) -> None:
        """Make a folder of our own, which goes away with the servers."""
        self.folder = Path(tempfile.mkdtemp(prefix="hedong-test-"))
        self.folder.chmod(0o755)
        self.running: list[tuple[subprocess.Popen, int]] = []
        self._dog = None

    def start(self) -> None:
        """Start what is missing and put its address into the environment."""
        if _unnamed("DATABASE_URL"):
            os.environ["DATABASE_URL"] = self._postgres()
        if _unnamed("REDIS_URL"):
            os.environ["REDIS_URL"] = self._broker()
        atexit.register(self.stop)

    def _postgres(self) -> str:
        cluster = postgres.Cluster(self.folder / "postgres", "throw-away", options=FAST, user="hedong")
        cluster.ensure_data()
        self.launch("postgres", cluster.command(), signal.SIGINT, cluster.who.user if cluster.who else None)
        cluster.wait_ready()
        return cluster.dsn("hedong")

    def _broker(self) -> str:
        server = broker.Broker(self.folder / "broker", "throw-away", keep=False)
        self.launch("broker", server.command(), signal.SIGTERM)
        server.wait_ready()
        return server.url()

    def launch(self, name: str, command: list[str], sign: int, user: int | None = None) -> None:
        """Start one server, known to a watchdog that stops it should the suite be killed."""
        popen = children.start(
            command, env=os.environ, cwd=Path("/"), log=self.folder / f"{name}.log", user=user, sign=sign
        )
        self.running.append((popen, sign))
        self._note("up", name, popen.pid, int(sign))

    def _note(self, *parts: object) -> None:
        if self._dog is None:
            self._dog = watchdog.start()
            self._note("order", *STOP_ORDER)
        print(*parts, file=self._dog.stdin, flush=True)

    def stop(self) -> None:
        """Stop the servers, newest first, and remove their folder."""
        children.stop([(popen.pid, sign) for popen, sign in reversed(self.running)])
        for popen, _ in self.running:
            popen.wait(10)
        self.running = []
        if self._dog is not None:
            self._note("bye")
            self._dog.stdin.close()
            self._dog.wait(10)
            self._dog = None
        shutil.rmtree(self.folder, ignore_errors=True)


def point_django_at(database_url: str, redis_url: str) -> None:
    """Let the settings, which are read before the servers run, know the addresses."""
    from django.conf import settings

    from hedong.celery import app
    from hedong.settings import env

    settings.DATABASES["default"].update(env.database(database_url))
    settings.CELERY_BROKER_URL = redis_url
    app.conf.broker_url = redis_url


def application_url(database_settings: dict[str, Any]) -> str:
    """Return the address of a database for the application's role."""
    host, port, name = (database_settings[key] for key in ("HOST", "PORT", "NAME"))
    return f"postgres://{database.APP}:{APP_PASSWORD}@{host}:{port}/{name}"


def _make_role(connection: Any) -> None:
    """Create the application's role or set its password: processes of one suite share the server, not the database, so
    no advisory lock keeps them apart, and whoever is slower by a moment tries again.
    """
    from django.db import Error

    for attempt in range(1, 21):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [database.APP])
                verb = "ALTER" if cursor.fetchone() else "CREATE"
                cursor.execute(f"{verb} ROLE {database.APP} LOGIN PASSWORD '{APP_PASSWORD}'")
            return
        except Error:
            if attempt == 20:
                raise
            time.sleep(0.1)


def work_as_application() -> None:
    """Create the application's role, give it its rights, and let every connection of the suite work as it."""
    from django.core.management import call_command, get_commands
    from django.db import connection
    from django.db.backends.signals import connection_created

    if "grant_app_role" not in get_commands():
        return
    _make_role(connection)
    call_command("grant_app_role", role=database.APP)
    connection_created.connect(_become_application, weak=False)
    _become_application(connection=connection)
    _empty_as_owner()


def _become_application(connection: Any, **_: Any) -> None:
    if not str(connection.settings_dict["NAME"]).startswith("test_"):
        return  # the connection that drops the suite's database is the owner's
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {database.APP}")


def _empty_as_owner() -> None:
    """Let the emptying of the tables between tests keep the owner's rights, which the application has not."""
    from django.db import connection
    from django.test import TransactionTestCase

    empty = TransactionTestCase._fixture_teardown

    def as_owner(case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        try:
            _despite_others(lambda: empty(case))
        finally:
            _become_application(connection=connection)

    TransactionTestCase._fixture_teardown = as_owner


def _despite_others(act: Callable[[], None], tries: int = 5) -> None:
    """Empty again when the running processes held one table and wanted another: the database ends one of the two."""
    for left in reversed(range(tries)):
        try:
            act()
        except CommandError as error:
            if left == 0 or not isinstance(error.__cause__, OperationalError):
                raise
        else:
            return
