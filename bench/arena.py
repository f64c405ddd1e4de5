"""A PostgreSQL and a broker that end with the run; durable, unlike the suite's, because commits are measured."""

import io
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg2

from hedong.up import broker, children, database, keys, postgres

OPTIONS = ("-c", "max_connections=60", "-c", "shared_buffers=256MB", "-c", "synchronous_commit=on", "-c", "fsync=on")
PASSWORD = "throw-away"


class Arena:
    """Servers of this run's own, with the product's tables in them and Django pointed at them."""

    def __init__(self) -> None:
        """Make the folder that goes away with the servers."""
        self.folder = Path(tempfile.mkdtemp(prefix="hedong-bench-"))
        self.folder.chmod(0o755)
        self.running: list[tuple[subprocess.Popen, int]] = []
        self.dsn = ""
        self.binaries = postgres.find()

    def __enter__(self) -> "Arena":
        """Start the servers, create the tables, and set Django up for the application's role."""
        cluster = postgres.Cluster(self.folder / "postgres", PASSWORD, self.binaries, options=OPTIONS)
        cluster.ensure_data()
        self._launch("postgres", cluster.command(), signal.SIGINT, cluster.who.user if cluster.who else None)
        cluster.wait_ready()
        database.ensure(cluster.dsn(), PASSWORD, PASSWORD)
        owner, self.dsn = database.addresses(cluster.port, PASSWORD, PASSWORD)
        self.super_dsn = cluster.dsn(database.NAME)
        bell = broker.Broker(self.folder / "broker", PASSWORD, keep=False)
        self._launch("broker", bell.command(), signal.SIGTERM)
        bell.wait_ready()
        self._set_up(owner, bell.url())
        return self

    def __exit__(self, *_: Any) -> None:
        """Stop the servers, newest first, and remove everything."""
        children.stop([(popen.pid, sign) for popen, sign in reversed(self.running)])
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self) -> None:
        """Let the planner know what was just loaded."""
        line = psycopg2.connect(self.super_dsn)
        line.autocommit = True
        line.cursor().execute("ANALYZE")
        line.close()

    def _launch(self, name: str, command: list[str], sign: int, user: int | None = None) -> None:
        log = self.folder / f"{name}.log"
        popen = children.start(command, env=os.environ, cwd=Path("/"), log=log, user=user, sign=sign)
        self.running.append((popen, sign))

    def _set_up(self, owner: str, broker_url: str) -> None:
        os.environ |= {name: make() for name, make in keys.KEYS.items()}
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "hedong.settings.test", "DATABASE_URL": owner, "REDIS_URL": broker_url,
            "HEDONG_VAR": str(self.folder), "LOG_LEVEL": "WARNING", "ALLOWED_HOSTS": "127.0.0.1",
        }  # fmt: skip
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        from hedong.settings import env

        (self.folder / "static").mkdir()
        call_command("migrate", verbosity=0)
        call_command("grant_app_role", role=database.APP, stdout=io.StringIO())
        connection.close()
        settings.DATABASES["default"].update(env.database(self.dsn))
        connection.settings_dict.update(env.database(self.dsn))
