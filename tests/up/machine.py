"""The command itself, `python3 hedong/up`, run on data directories of its own (Linux: it looks into /proc)."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

from hedong.up.postgres import free_port
from tests.stack import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
# Not the one of the virtual environment: who types `make up` has the machine's.
PYTHON = getattr(sys, "_base_executable", sys.executable)
COMMAND = [PYTHON, "hedong/up"]


def environment(var: Path, **more: str) -> dict[str, str]:
    """Return what a person's shell would hand over, and nothing of the suite's own servers."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ours = {"HEDONG_VAR": str(var), "HEDONG_VENV": sys.prefix, "HEDONG_SCALE": "small", "WEB_WORKERS": "1"}
    ours["PORT"] = str(free_port())
    return {**kept, **ours, **more}


def told(var: Path, *, command: list[str] = COMMAND, **more: str) -> tuple[int, str]:
    """Run the command to its end and return its exit code and everything it said."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(var, **more), capture_output=True, text=True, encoding="utf8", timeout=180
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def marked(var: Path) -> dict[int, str]:
    """Return every process on the machine that belongs to the stack on `var`: its number and its command."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and _belongs(entry, var):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:80]
    return found


def _belongs(entry: Path, var: Path) -> bool:
    # The broker writes its title over its environment; like the database, it works in a folder of its own.
    marks = {f"HEDONG_VAR={var}".encode(), f"HEDONG_STACK={var}".encode()}
    marked = not marks.isdisjoint((entry / "environ").read_bytes().split(b"\0"))
    return marked or var in Path(os.readlink(entry / "cwd")).parents


@dataclass
class Run:
    """One start of the stack on `var`."""

    var: Path
    more: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> "Run":
        """Start, and wait until the address is printed."""
        self.output, since = self.var.parent / "output.txt", time.monotonic()
        with self.output.open("wb") as output:
            self.popen = subprocess.Popen(
                COMMAND, cwd=ROOT, env=environment(self.var, **self.more), stdout=output, stderr=output,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: "按 Ctrl-C 停止" in self.said() or self.popen.poll() is not None, 120, self.said)
        assert self.popen.poll() is None, self.said()
        self.seconds = time.monotonic() - since
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever a failed test left running is ended."""
        for pid in marked(self.var):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.popen.wait(10)

    def said(self) -> str:
        """Return everything printed so far."""
        return self.output.read_text(encoding="utf8")

    def stop(self, sign: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop, wait for it and return how it ended."""
        self.popen.send_signal(sign)
        return self.popen.wait(90)


class Visitor:
    """Somebody at a browser, with cookies of their own."""

    def __init__(self, base_url: str) -> None:
        """Come without a cookie."""
        self.base_url, self.jar = base_url, CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self.jar))

    def get(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Open a page, or send a form; return status, where one ended up, and the page."""
        data = urlencode(form).encode() if form else None
        try:
            with self._opener.open(url if "://" in url else self.base_url + url, data, timeout=60) as answer:
                return answer.status, urlsplit(answer.url).path, answer.read().decode()
        except HTTPError as error:
            return error.code, urlsplit(error.url or "").path, error.read().decode()

    def sign_in(self, username: str, password: str) -> tuple[int, str]:
        """Sign in through the form; return the status and the page one is led to."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/login/")[2])
        assert token is not None
        fields = {"username": username, "password": password, "csrfmiddlewaretoken": token[1], "next": ""}
        return self.get("/login/", fields)[:2]
