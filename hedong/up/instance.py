"""One stack per data directory and port: who came first holds the lock."""

import contextlib
import fcntl
import json
import os
import socket
import time
from pathlib import Path

from .children import alive
from .layout import Layout
from .words import Trouble

_INHERITED = "HEDONG_UP_LOCK"


def handed_over() -> bool:
    """Tell whether an earlier program in this process took the lock for us."""
    return _INHERITED in os.environ


def lock(layout: Layout, patience: float = 20) -> int:
    """Take the lock of the data directory and keep it across the change of interpreter.

    A watchdog that still clears up after a killed supervisor holds it too: then we wait for it.
    """
    inherited = os.environ.pop(_INHERITED, "")
    if inherited:
        return int(inherited)
    handle = os.open(layout.var / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + patience
    while not _try(handle):
        holder = _holder(handle)
        if holder and alive(holder):
            raise Trouble(_already_running(layout, holder))
        if time.monotonic() > until:
            raise Trouble(f"上一次运行还没有收尾完毕，请稍后再试。数据目录：{layout.var}")
        time.sleep(0.2)
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def hand_over(handle: int) -> None:
    """Let the next program in this process inherit the lock."""
    os.set_inheritable(handle, True)
    os.environ[_INHERITED] = str(handle)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(handle: int) -> int:
    text = os.pread(handle, 32, 0).decode(errors="replace").strip()
    return int(text) if text.isdigit() else 0


def _already_running(layout: Layout, pid: int) -> str:
    address = ""
    with contextlib.suppress(OSError, ValueError):
        address = json.loads(layout.stack_file.read_text(encoding="utf8")).get("base_url", "")
    where = f"，地址 {address}" if address else ""
    return (
        f"平台已经在运行（进程 {pid}{where}）。\n"
        f"  要停止它：在它的窗口里按 Ctrl-C，或运行 kill {pid}\n"
        "  要另开一套：HEDONG_VAR=另一个目录 PORT=另一个端口 make up"
    )


def port_from_environment() -> int:
    """Return the port that `PORT` names, 8000 without it; refuse what is not a port."""
    text = os.environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise Trouble(f"PORT 应当是 1 到 65535 之间的数字，现在是“{text}”。")
    return int(text)


def refuse_busy_port(host: str, port: int) -> None:
    """Refuse a port on which somebody listens, or which we may not open."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise Trouble(f"没有权限使用端口 {port}。请换一个大于 1024 的端口：PORT=8000 make up") from error
        except OSError as error:
            other = port + 1 if port < 65535 else 8000
            raise Trouble(f"端口 {port} 已经被别的程序占用。\n  请换一个端口：PORT={other} make up") from error


def free_space_warning(folder: Path) -> str:
    """Return a warning when the disk is nearly full, else nothing."""
    left = os.statvfs(folder)
    mebibytes = left.f_bavail * left.f_frsize // 2**20
    return f"磁盘只剩 {mebibytes} MiB，演示数据大约需要 600 MiB。" if mebibytes < 1024 else ""
