"""Whole lives of the stack: a first start, Ctrl-C, a second start, kill -9, a third start."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grids.roles import BY_CODE
from tests.stack import wait_until
from tests.up.machine import Run, Visitor, marked, told

KEYS = {"base_url", "pids", "database_url", "broker_url", "accounts", "building_code", "liaison_link"}
RUNNING = {"supervisor", "watchdog", "broker", "postgres", "web", "worker", "beat", "sweeper"}
ORDER = ["定时器", "后台任务", "巡查", "网页", "消息服务", "数据库"]


def machine(var: Path) -> dict[str, object]:
    """Return what no start may change: the machine's users and the modes and owners of the folders above."""
    above = {str(folder): (folder.stat().st_mode, folder.stat().st_uid) for folder in var.parents}
    return {"users": Path("/etc/passwd").read_bytes(), "groups": Path("/etc/group").read_bytes(), **above}


@dataclass
class FirstLife:
    """What was seen of a first start and of its end."""

    var: Path
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)
    stack: dict[str, Any] = field(default_factory=dict)
    mode: int = 0
    alive: dict[int, str] = field(default_factory=dict)
    signed_in: dict[str, tuple[int, str]] = field(default_factory=dict)
    wrong_password: tuple[int, str] = (0, "")
    doors: dict[str, int] = field(default_factory=dict)
    second: tuple[int, str] = (0, "")
    code: int = -1
    said: str = ""
    left: dict[int, str] = field(default_factory=dict)

    def look(self) -> None:
        """Look at the running stack from outside."""
        file = self.var / "stack.json"
        self.stack, self.mode = json.loads(file.read_text(encoding="utf8")), stat.S_IMODE(file.stat().st_mode)
        self.alive = marked(self.var)
        base = self.stack["base_url"]
        for role, account in self.stack["accounts"].items():
            self.signed_in[role] = Visitor(base).sign_in(**account)
        self.wrong_password = Visitor(base).sign_in("community_worker", "not the password")
        for door in ("/", f"/b/{self.stack['building_code']}/", self.stack["liaison_link"], "/healthz"):
            self.doors[door] = Visitor(base).get(door)[0]
        self.second = told(self.var)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> FirstLife:
    """Start on nothing but what an interrupted start has left, look, press Ctrl-C."""
    life = FirstLife(tmp_path_factory.mktemp("up") / "var")
    (life.var / "postgres.new" / "base").mkdir(parents=True)
    life.before = machine(life.var)
    with Run(life.var) as run:
        life.look()
        life.code = run.stop(signal.SIGINT)
        life.left = marked(life.var)
        life.said = run.said()
    life.after = machine(life.var)
    return life


def test_the_door_for_scripts_is_complete_and_private(first: FirstLife) -> None:
    assert set(first.stack) == KEYS
    assert first.mode == 0o600
    assert not (first.var / "stack.json").exists(), "it goes with the stack"


def test_every_process_runs(first: FirstLife) -> None:
    assert set(first.stack["pids"]) == RUNNING
    assert set(first.stack["pids"].values()) <= set(first.alive)


def test_every_role_can_sign_in(first: FirstLife) -> None:
    assert set(first.stack["accounts"]) == set(BY_CODE)
    landed = {role: (status, path == "/login/") for role, (status, path) in first.signed_in.items()}
    assert landed == dict.fromkeys(BY_CODE, (200, False))
    assert first.wrong_password == (422, "/login/")


def test_the_open_doors_answer(first: FirstLife) -> None:
    assert first.stack["building_code"]
    assert first.stack["liaison_link"].startswith(first.stack["base_url"])
    assert set(first.doors.values()) == {200}


def test_what_an_interrupted_start_has_left_is_cleared_away(first: FirstLife) -> None:
    assert "上次没有建完的数据库目录已清除" in first.said
    assert not (first.var / "postgres.new").exists()


def test_a_second_one_on_the_same_data_is_refused(first: FirstLife) -> None:
    code, said = first.second
    assert code == 1
    assert f"平台已经在运行（进程 {first.stack['pids']['supervisor']}，地址 {first.stack['base_url']}）" in said


def test_ctrl_c_stops_everything_in_order(first: FirstLife) -> None:
    assert first.code == 0
    stopped = [line.partition("停止")[2].rstrip("…") for line in first.said.splitlines() if "] 停止" in line]
    assert stopped == ORDER
    assert len(first.alive) > len(RUNNING), "the control: while it runs, its processes are seen"
    assert first.left == {}


def test_the_machine_is_left_as_it_was(first: FirstLife) -> None:
    assert first.after == first.before


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen]:
    """A process of somebody else, which calls itself what it is not."""
    with subprocess.Popen(["postgres", "600"], executable="/bin/sleep") as popen:
        yield popen
        popen.kill()


def test_later_starts(first: FirstLife, bystander: subprocess.Popen) -> None:
    """A number in a stale pid file is somebody else's now; the start is quick; kill -9 leaves nothing; up again."""
    (first.var / "postgres" / "postmaster.pid").write_text(f"{bystander.pid}\n{first.var}/postgres\n")
    with Run(first.var) as run:
        print(f"second start: {run.seconds:.1f} s")
        assert run.seconds <= 10
        assert bystander.poll() is None
        kept = json.loads((first.var / "stack.json").read_text(encoding="utf8"))
        assert kept["accounts"] == first.stack["accounts"]
        os.kill(kept["pids"]["supervisor"], signal.SIGKILL)
        run.popen.wait(10)
        wait_until(lambda: marked(first.var) == {}, 40, lambda: str(marked(first.var)))
    # Lost passwords are made anew; which demo district it is need not be said again.
    (first.var / "secrets" / "demo_accounts.json").unlink()
    with Run(first.var, {"HEDONG_SCALE": ""}) as run:
        fresh = json.loads((first.var / "stack.json").read_text(encoding="utf8"))
        assert set(fresh["accounts"]) == set(BY_CODE)
        assert Visitor(fresh["base_url"]).sign_in(**fresh["accounts"]["auditor"])[1] != "/login/"
        assert run.stop(signal.SIGTERM) == 0
        assert marked(first.var) == {}
