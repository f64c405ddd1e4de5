"""Keep the processes running, and stop them in order."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import children, watchdog, words
from .processes import STOP_ORDER

_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Child:
    """One supervised process: how it is started, and how often it has fallen."""

    name: str
    label: str
    command: list[str]
    env: dict[str, str]
    log: Path
    stop_signal: int = signal.SIGTERM
    user: int | None = None
    popen: subprocess.Popen | None = None
    falls: int = 0
    start_again_at: float = 0.0
    started_at: float = field(default_factory=time.monotonic)

    def runs(self) -> bool:
        """Return whether the process is there."""
        return self.popen is not None and self.popen.poll() is None


class Supervisor:
    """Start processes, start the fallen again, stop all in order; a watchdog does the last when we cannot."""

    def __init__(self, cwd: Path, lock: int | None = None) -> None:
        """Start the watchdog first: nothing may run without it."""
        self.cwd = cwd
        self.children: dict[str, Child] = {}
        self.stopping = threading.Event()
        self.dog = watchdog.start((lock,) if lock is not None else ())
        self._note("order", *STOP_ORDER)

    def catch_signals(self) -> None:
        """Turn Ctrl-C, TERM and a closed terminal into an orderly stop."""
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._asked_to_stop)

    def _asked_to_stop(self, *_: object) -> None:
        if self.stopping.is_set():
            return
        self.stopping.set()
        raise KeyboardInterrupt

    def _note(self, *parts: object) -> None:
        try:
            print(*parts, file=self.dog.stdin, flush=True)
        except (BrokenPipeError, ValueError):
            return

    def start(self, child: Child) -> Child:
        """Start a process and watch it from now on."""
        self.children[child.name] = child
        child.popen = children.start(
            child.command, env=child.env, cwd=self.cwd, log=child.log, user=child.user, sign=child.stop_signal
        )
        child.started_at = time.monotonic()
        self._note("up", child.name, child.popen.pid, int(child.stop_signal))
        return child

    def run(self, name: str, command: list[str], env: dict[str, str], tell: Callable[[str], None]) -> int:
        """Run a process to its end, handing each of its lines to `tell`, and return how it ended."""
        text: dict[str, Any] = {"text": True, "encoding": "utf8", "errors": "replace"}
        pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        popen = children.start(command, env=env, cwd=self.cwd, **pipe, **text)
        self._note("up", name, popen.pid, int(signal.SIGTERM))
        self.children[name] = Child(name, name, command, env, Path(), popen=popen)
        for line in popen.stdout or ():
            tell(line.rstrip())
        code = popen.wait()
        self.children.pop(name)
        self._note("down", name)
        return code

    def pids(self) -> dict[str, int]:
        """Return the process number of each process by name."""
        return {name: child.popen.pid for name, child in self.children.items() if child.popen}

    def look_after(self, changed: Callable[[], object]) -> None:
        """Start again what falls, until somebody asks us to stop."""
        while not self.stopping.is_set():
            for child in list(self.children.values()):
                self._look_at(child, changed)
            time.sleep(0.3)

    def _look_at(self, child: Child, changed: Callable[[], object]) -> None:
        if child.popen is None:
            return
        if child.start_again_at:
            if time.monotonic() >= child.start_again_at:
                child.start_again_at = 0.0
                self.start(child)
                changed()
        elif child.popen.poll() is not None:
            self._fell(child, child.popen)

    def _fell(self, child: Child, popen: subprocess.Popen) -> None:
        """Clear away what is left of a fallen process and plan the next start, later each time."""
        children.stop([(popen.pid, child.stop_signal)], patience=2)
        self._note("down", child.name)
        lived = time.monotonic() - child.started_at
        child.falls = 0 if lived > 60 else child.falls + 1
        pause = min(0.5 * 2**child.falls, _LONGEST_PAUSE)
        child.start_again_at = time.monotonic() + pause
        words.step(f"{child.label}意外退出（{popen.returncode}），{pause:.0f} 秒后重新启动；记录在 {child.log}")

    def stop(self) -> None:
        """Stop everything in order and let the watchdog go."""
        self.stopping.set()
        names = sorted(self.children, key=lambda name: STOP_ORDER.index(name) if name in STOP_ORDER else -1)
        for name in names:
            child = self.children[name]
            if child.popen:
                words.step(f"停止{child.label}……")
                children.stop([(child.popen.pid, child.stop_signal)])
                child.popen.poll()
                self._note("down", name)
        self._note("bye")
        if self.dog.stdin:
            self.dog.stdin.close()
        self.dog.wait(timeout=5)


def on_path(command: tuple[str, ...], env: dict[str, str]) -> list[str]:
    """Return the command with the program of the virtual environment in front."""
    program = Path(env["PATH"].split(":")[0]) / command[0]
    return [str(program) if program.exists() else sys.executable, *command[1:]]
