"""Start and stop processes so that none of them outlives the stack."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(sign: int = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when its parent dies, however that happens."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, sign)


def start(
    command: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path | None = None,
    user: int | None = None,
    sign: int = signal.SIGTERM,
    **options: Any,
) -> subprocess.Popen:
    """Start `command` in a session of its own, so that a Ctrl-C reaches the supervisor alone."""
    output = log.open("ab") if log else None
    streams: dict[str, Any] = {"stdout": output, "stderr": subprocess.STDOUT} if output else {}
    try:
        return subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            user=user,
            preexec_fn=lambda: die_with_parent(sign),
            **streams,
            **options,
        )
    finally:
        if output:
            output.close()


def birth(pid: int) -> str:
    """Return when the process was born, to tell it from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def alive(pid: int) -> bool:
    """Return whether there is a process with this number, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def group_alive(group: int) -> bool:
    """Return whether a process of the group still runs; those that only wait to be collected do not count."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if sys.platform != "linux":
        return True
    return any(_member(entry, group) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _member(entry: Path, group: int) -> bool:
    try:
        state, _, pgrp = (entry / "stat").read_text(encoding="utf8").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(pgrp) == group and state not in {"Z", "X"}


def stop(groups: Iterable[tuple[int, int]], patience: float = 20) -> None:
    """Stop the groups one after another: the leader is asked with its own signal, who stays is killed."""
    for group, sign in groups:
        if not _signal(os.kill, group, sign):
            # The leader is dead already: nobody is left who could stop the others in good order.
            _signal(os.killpg, group, signal.SIGKILL)
        until = time.monotonic() + patience
        while group_alive(group) and time.monotonic() < until:
            time.sleep(0.05)
            _reap(group)
        if group_alive(group):
            _signal(os.killpg, group, signal.SIGKILL)
        _reap(group)


def _signal(how: Any, pid: int, sign: int) -> bool:
    try:
        how(pid, sign)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
