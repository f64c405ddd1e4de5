"""Fixtures for tests on the real stack: web, worker, beat and sweeper as the supervisor starts them, and a browser.

Use `live_stack` for the processes (`live_stack.base_url`) and `new_page` or `page` for the browser. The rows that a
test writes are committed; everything is emptied after it.
"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.postgresql.introspection import DatabaseIntrospection

from hedong.up import children, postgres, processes
from tests.machine import RUNNING, find_browser

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = re.compile(r"^(?!http://127\.0\.0\.1:|http://localhost:|data:|blob:|about:)")
SWITCHES = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SWITCHES += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]


@dataclass
class LiveStack:
    """Real processes on the suite's database and broker."""

    folder: Path
    env: dict[str, str]
    base_url: str
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start the named processes, or all of them, by the very commands of the supervisor."""
        for process in processes.PROCESSES:
            if process.name in names or not names:
                self.running[process.name] = children.start(
                    _command(process.command), env=self.env, cwd=ROOT, log=self.log(process.name)
                )

    def stop(self, *names: str) -> None:
        """Stop the named processes, or all of them, in the supervisor's order."""
        for name in sorted(names or list(self.running), key=processes.STOP_ORDER.index):
            popen = self.running.pop(name, None)
            if popen:
                children.stop([(popen.pid, signal.SIGTERM)])
                popen.wait(10)

    def kill(self, name: str) -> None:
        """Kill a process and all its children at once, as the kernel does when memory runs out."""
        popen = self.running.pop(name)
        os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()

    def log(self, name: str) -> Path:
        """Return the log of a process."""
        return self.folder / f"{name}.log"

    def wait_for_page(self, path: str = "/", seconds: float = 90) -> None:
        """Wait until the web answers."""
        wait_until(lambda: _status(f"{self.base_url}{path}") < 500, seconds, lambda: self.log("web").read_text())

    def run_jobs(self, seconds: float = 60) -> None:
        """Wait until the worker has done every job that is due."""
        from django.db import connection

        def nothing_left() -> bool:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM audit_job WHERE state IN ('pending','running') AND next_at <= now()"
                )
                return cursor.fetchone()[0] == 0

        wait_until(nothing_left, seconds, lambda: self.log("worker").read_text()[-3000:])


def wait_until(holds: Callable[[], bool], seconds: float = 30, explain: Callable[[], str] = str) -> None:
    """Wait until `holds()`; fail with an explanation when it takes longer than a slow machine needs."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            pytest.fail(f"waited {seconds} s in vain\n{explain()}")
        time.sleep(0.05)


def _command(command: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).parent / command[0]), *command[1:]]


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 599


def environment(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of processes on the suite's database, under the application's role."""
    from django.conf import settings
    from django.db import connection

    from tests import servers

    names = ("PATH", "HOME", "LANG", "LC_ALL", "SECRET_KEY", "FIELD_KEYS", "BLIND_INDEX_KEY", "LINK_KEY")
    base_url = f"http://127.0.0.1:{port}"
    return {name: os.environ[name] for name in names if name in os.environ} | {
        "DJANGO_SETTINGS_MODULE": "hedong.settings.journey",
        "DATABASE_URL": servers.application_url(connection.settings_dict),
        "REDIS_URL": settings.CELERY_BROKER_URL,
        "HEDONG_VAR": str(folder),
        "HEDONG_STACK": str(folder),
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_BASE_URL": base_url,
        "WEB_BIND": f"127.0.0.1:{port}",
        "WEB_WORKERS": "1",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="session")
def live_processes(
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[LiveStack]:
    """Start web, worker, beat and sweeper once for all tests of this process."""
    folder = tmp_path_factory.mktemp("stack")
    port = postgres.free_port()
    with django_db_blocker.unblock():
        env = environment(folder, port)
    stack = LiveStack(folder, env, f"http://127.0.0.1:{port}")
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(collect, cwd=ROOT, env=env, check=True)
    pytestconfig.stash[RUNNING] = stack
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseIntrospection, "django_table_names", _to_be_emptied)
        try:
            yield stack
        finally:
            stack.stop()


_TABLES = DatabaseIntrospection.django_table_names


def _to_be_emptied(introspection: Any, *args: Any, **kwargs: Any) -> list[str]:
    """Leave the numbers of the models as they are: running processes remember them for life, as they may."""
    names = _TABLES(introspection, *args, **kwargs)
    return [name for name in names if name not in ("django_content_type", "auth_permission")]


@pytest.fixture
def live_stack(live_processes: LiveStack, transactional_db: None) -> Iterator[LiveStack]:
    """Give the running stack and a committed database; wait for jobs in flight before all is emptied."""
    missing = [process.name for process in processes.PROCESSES if process.name not in live_processes.running]
    if missing:
        live_processes.start(*missing)
        live_processes.wait_for_page("/static/staticfiles.json")
    yield live_processes
    live_processes.run_jobs()


@dataclass
class Watch:
    """What the pages of one test did that they must not do."""

    violations: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def on(self, context: Any) -> None:
        """Listen to a browser context: policy violations, errors, requests to other hosts."""
        context.expose_binding("__violated", lambda _source, text: self.violations.append(text))
        context.add_init_script(
            "addEventListener('securitypolicyviolation', e => __violated(`${e.effectiveDirective} ${e.blockedURI}`))"
        )
        context.on("console", lambda message: self._heard(message))
        context.on("weberror", lambda error: self.console.append(str(error.error)))
        # A pattern, not a function: a function would need this thread, which may be waiting for the database.
        context.route(OUTSIDE, lambda route: self._refuse(route))

    def _heard(self, message: Any) -> None:
        # A refusal that the page expects (409, 422, 404) is not an error of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.console.append(message.text)

    def _refuse(self, route: Any) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def check(self) -> None:
        """Fail when anything was heard."""
        assert self.violations == [], f"content security policy violated: {self.violations}"
        assert self.console == [], f"errors in the browser's console: {self.console}"
        assert self.outside == [], f"requests to other hosts: {self.outside}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start the machine's Chromium once."""
    from django.db import connections
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread; the tests use the database between its calls, never inside.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    switches = [*SWITCHES, "--no-sandbox"] if os.geteuid() == 0 else SWITCHES
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=find_browser(), args=switches)
        yield running
        running.close()
        # While the loop runs Django keeps another connection than before and after; nobody else would close it.
        connections.close_all()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Collect what pages must not do, and fail the test at its end when there was any of it."""
    heard = Watch()
    yield heard
    heard.check()


@pytest.fixture
def new_page(browser: Any, watch: Watch) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a page for another person: own cookies; `width=390`, `javascript=False` …"""
    contexts = []

    def open_page(width: int = 1366, height: int = 900, *, javascript: bool = True, **options: Any) -> Any:
        options.setdefault("locale", "zh-CN")
        options.setdefault("timezone_id", "Asia/Shanghai")
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, java_script_enabled=javascript, **options)
        watch.on(context)
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """Open one page of a desk's size."""
    return new_page()
