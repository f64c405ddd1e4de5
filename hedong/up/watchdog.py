"""The one that clears up when the supervisor is gone without a word, even after kill -9.

It reads a pipe: a line per process that starts or ends. The end of the pipe is the death of the supervisor.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Follow the supervisor's notes; at their end stop, in order, whatever still runs."""
    from . import children

    for unwanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(unwanted, signal.SIG_IGN)
    known: dict[str, tuple[int, int, str]] = {}
    order: list[str] = []
    for line in sys.stdin:
        verb, *rest = line.split()
        if verb == "order":
            order = rest
        elif verb == "up":
            name, pid, sign = rest[0], int(rest[1]), int(rest[2])
            known[name] = (pid, sign, children.birth(pid))
        elif verb == "down":
            known.pop(rest[0], None)
        elif verb == "bye":
            return
    names = sorted(known, key=lambda name: order.index(name) if name in order else -1)
    alive = [known[name] for name in names if children.birth(known[name][0]) in {known[name][2], ""}]
    children.stop([(pid, sign) for pid, sign, _ in alive], patience=8)


def command() -> list[str]:
    """Return the command that starts the watchdog without importing the product."""
    code = (
        "import importlib.util,sys;"
        f"s=importlib.util.spec_from_file_location('hedong_up',{str(HERE / '__init__.py')!r},"
        f"submodule_search_locations=[{str(HERE)!r}]);"
        "m=importlib.util.module_from_spec(s);sys.modules['hedong_up']=m;s.loader.exec_module(m);"
        "from hedong_up import watchdog;watchdog.main()"
    )
    return [sys.executable, "-I", "-c", code]


def start(keep: tuple[int, ...] = ()) -> subprocess.Popen:
    """Start the watchdog; it inherits the handles `keep`, such as the lock of the data directory."""
    return subprocess.Popen(
        command(),
        stdin=subprocess.PIPE,
        env=environment(),
        text=True,
        start_new_session=True,
        pass_fds=keep,
        cwd="/",
    )


def environment() -> dict[str, str]:
    """Return the environment of the watchdog: the marker that tests look for, and nothing secret."""
    return {name: os.environ[name] for name in ("PATH", "HEDONG_STACK") if name in os.environ}
