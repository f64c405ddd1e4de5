"""The whole stack of one machine: servers first, then the database, then the four processes."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from . import broker, database, instance, keys, postgres, processes, words
from .layout import Layout
from .supervisor import Child, Supervisor, on_path

HOST = "127.0.0.1"
_PASSED_ON: tuple[str, ...] = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "LOG_LEVEL",
    "TIME_ZONE",
    "DJANGO_SETTINGS_MODULE",
    "HEDONG_PRESET",
)
_PASSED_ON += ("WEB_WORKERS", "WEB_THREADS", "FIELD_SUITE", "HEDONG_SCALE")
_PASSED_ON += ("SESSION_IDLE_SECONDS", "SESSION_ABSOLUTE_SECONDS")


@dataclass(slots=True)
class Stack:
    """What one `make up` holds together."""

    layout: Layout
    port: int
    supervisor: Supervisor
    env: dict[str, str] = field(default_factory=dict)
    owner_url: str = ""

    @property
    def base_url(self) -> str:
        """The address of the product."""
        return f"http://{HOST}:{self.port}"

    def start_servers(self) -> None:
        """Bring up the broker and the database, or take those that the environment names."""
        self.env = self._environment()
        self.env["REDIS_URL"] = self._given_broker() or self._broker()
        given = os.environ.get("DATABASE_URL")
        if given:
            self._given_database(given)
        else:
            self._own_database()
        self.env["DATABASE_URL"], self.owner_url = self._addresses(given)

    def _environment(self) -> dict[str, str]:
        """Return what every process gets: little from outside, so that each start is the same."""
        env = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
        env["PATH"] = f"{self.layout.venv / 'bin'}:{env.get('PATH', '/usr/bin:/bin')}"
        env.setdefault("DJANGO_SETTINGS_MODULE", "hedong.settings.demo")
        env.update(keys.ensure(self.layout.secrets))
        env.update(
            HEDONG_VAR=str(self.layout.var),
            HEDONG_STACK=str(self.layout.var),
            WEB_BIND=f"{HOST}:{self.port}",
            PUBLIC_BASE_URL=os.environ.get("PUBLIC_BASE_URL") or self.base_url,
            PYTHONUNBUFFERED="1",
            PYTHONUTF8="1",
        )
        return env

    def _given_broker(self) -> str:
        url = os.environ.get("REDIS_URL", "")
        if url:
            words.step("使用环境变量 REDIS_URL 指定的消息服务。")
            broker.check(url)
        return url

    def _broker(self) -> str:
        words.step("启动消息服务……")
        server = broker.Broker(self.layout.var / "broker", keys.keep(self.layout.secrets, "broker"))
        child = self.supervisor.start(
            Child("broker", "消息服务", server.command(), self.env, self.layout.log("broker"), signal.SIGTERM)
        )
        server.wait_ready(runs=child.runs)
        return server.url()

    def _given_database(self, url: str) -> None:
        words.step("使用环境变量 DATABASE_URL 指定的数据库。")
        try:
            postgres.wait_ready(url, 5)
        except words.Trouble as error:
            raise words.Trouble(f"{error}\n  请检查环境变量 DATABASE_URL。") from error

    def _own_database(self) -> None:
        first = not (self.layout.var / "postgres").exists()
        words.step("建立数据库目录，启动数据库……" if first else "启动数据库……")
        cluster = postgres.Cluster(self.layout.var / "postgres", keys.keep(self.layout.secrets, "postgres_super"))
        cluster.ensure_data()
        cluster.clear_stale_pid()
        log, user = self.layout.log("postgres"), cluster.who.user if cluster.who else None
        child = Child("postgres", "数据库", cluster.command(), self.env, log, signal.SIGINT, user=user)
        self.supervisor.start(child)
        try:
            cluster.wait_ready(runs=child.runs)
        except words.Trouble as error:
            raise words.Trouble(f"{error}\n  详细记录：{log}\n{_last_line(log)}") from error
        owner, app = self._passwords()
        database.ensure(cluster.dsn(), owner, app)
        self.owner_url, self.env["DATABASE_URL"] = database.addresses(cluster.port, owner, app)

    def _passwords(self) -> tuple[str, str]:
        return keys.keep(self.layout.secrets, "postgres_owner"), keys.keep(self.layout.secrets, "postgres_app")

    def _addresses(self, given: str | None) -> tuple[str, str]:
        if given:
            return given, os.environ.get("MIGRATE_DATABASE_URL") or given
        return self.env["DATABASE_URL"], self.owner_url

    def owner_env(self) -> dict[str, str]:
        """Return the environment of the steps that own the tables."""
        app = self.env["DATABASE_URL"]
        return {"LOG_LEVEL": "WARNING", **self.env, "DATABASE_URL": self.owner_url, "APP_DATABASE_URL": app}

    def prepare(self) -> None:
        """Migrate, grant, load set-up data and the demo, gather the static files."""
        command = on_path(processes.PREPARE, self.env)
        code = self.supervisor.run("prepare", command, self.owner_env(), _relay)
        if code:
            raise words.Trouble("数据库没有准备好，上面是原因。改正后再运行一次即可，已经完成的步骤不会重做。")

    def start_processes(self) -> None:
        """Start web, worker, beat and sweeper, and wait for the first page."""
        words.step("启动网页、后台任务、定时器和巡查……")
        for process in processes.PROCESSES:
            command = on_path(process.command, self.env)
            log = self.layout.log(process.name)
            self.supervisor.start(Child(process.name, process.label, command, self.env, log, process.stop_signal))
        self._wait_for_page()

    def _wait_for_page(self, seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.supervisor.children["web"].runs():
                break
            if _answers(f"{self.base_url}/"):
                return
            time.sleep(0.1)
        log = self.layout.log("web")
        raise words.Trouble(f"网页没有启动成功。详细记录：{log}\n{_last_line(log)}")

    def write_stack_file(self) -> dict:
        """Write the door for scripts and return what it holds."""
        doors = self.layout.var / "doors.json"
        known = json.loads(doors.read_text(encoding="utf8")) if doors.exists() else {}
        content = {
            "base_url": self.base_url,
            "pids": {"supervisor": os.getpid(), "watchdog": self.supervisor.dog.pid, **self.supervisor.pids()},
            "database_url": self.env["DATABASE_URL"],
            "broker_url": self.env["REDIS_URL"],
            "accounts": known.get("accounts", {}),
            "building_code": known.get("building_code", ""),
            "liaison_link": known.get("liaison_link", ""),
        }
        keys.write_private(self.layout.stack_file, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
        return content


def open_stack(layout: Layout, lock: int) -> Stack:
    """Check the port and return a stack that is about to start."""
    port = instance.port_from_environment()
    instance.refuse_busy_port(HOST, port)
    # A run that was killed has left its file, whose numbers mean nobody now.
    layout.stack_file.unlink(missing_ok=True)
    os.environ["HEDONG_STACK"] = str(layout.var)
    supervisor = Supervisor(layout.root, lock)
    supervisor.catch_signals()
    return Stack(layout, port, supervisor)


def _relay(line: str) -> None:
    if line.strip():
        words.step(line) if line.startswith("·") else words.plain(f"           {line}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            return answer.status == 200
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _last_line(log) -> str:
    lines = log.read_text(encoding="utf8", errors="replace").strip().splitlines()
    return f"  {lines[-1]}" if lines else ""
