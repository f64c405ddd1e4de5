"""What stops a start is told in words, at once, with an exit code; never by a traceback."""

import ast
import errno
import fcntl
import io
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedong.up import postgres, words
from tests.up.machine import PYTHON, ROOT, marked, told


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A data directory; whatever was refused, nothing of it runs on."""
    folder = tmp_path / "var"
    yield folder
    assert marked(folder) == {}


def test_a_busy_port(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, said = told(var, PORT=str(port))
    assert code == 1
    assert f"端口 {port} 已经被别的程序占用" in said
    assert f"PORT={port + 1} make up" in said


@pytest.mark.parametrize("port", ["abc", "0", "70000", "²", "-1"])
def test_a_port_that_is_none(var: Path, port: str) -> None:
    code, said = told(var, PORT=port)
    assert code == 1
    assert f"PORT 应当是 1 到 65535 之间的数字，现在是“{port}”" in said


def test_somebody_runs_on_this_data(var: Path) -> None:
    var.mkdir()
    with (var / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        code, said = told(var)
    assert code == 1
    assert f"平台已经在运行（进程 {os.getpid()}）" in said


def test_data_that_cannot_be_written(var: Path) -> None:
    var.write_text("a file where the folder should be")
    code, said = told(var / "below")
    assert code == 1
    assert f"不能在 {var}/below 里写数据" in said


def test_data_that_belongs_to_somebody_else(var: Path) -> None:
    # For root no file is closed; a folder in the place of the lock is.
    (var / "up.lock").mkdir(parents=True)
    code, said = told(var)
    assert code == 1
    assert f"不能在 {var} 里写数据" in said


def test_a_database_directory_that_is_not_whole(var: Path) -> None:
    (var / "postgres" / "base").mkdir(parents=True)
    code, said = told(var)
    assert code == 1
    assert "数据库目录不完整" in said


def test_a_database_directory_of_another_version(var: Path) -> None:
    (var / "postgres" / "global").mkdir(parents=True)
    (var / "postgres" / "global" / "pg_control").touch()
    (var / "postgres" / "PG_VERSION").write_text("9\n")
    code, said = told(var)
    assert code == 1
    assert "属于 PostgreSQL 9" in said


def test_a_database_that_falls_at_once(var: Path) -> None:
    cluster = postgres.Cluster(var / "postgres", "secret")
    var.mkdir()
    cluster.ensure_data()
    (var / "postgres" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    code, said = told(var)
    assert code == 1
    assert "数据库没有启动成功" in said
    assert f"{var}/log/postgres.log" in said
    assert "configuration file" in said, "the server's own last word"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://nobody:nothing@127.0.0.1:1/none", "Connection refused"),
        ("nonsense", "invalid dsn"),
        ("", "password authentication failed"),
    ],
)
def test_a_database_that_does_not_let_us_in(var: Path, url: str, reason: str) -> None:
    suite = os.environ["DATABASE_URL"]
    address = url or f"postgres://nobody:nothing@{suite.rpartition('@')[2]}"
    code, said = told(var, DATABASE_URL=address, REDIS_URL=os.environ["REDIS_URL"])
    assert code == 1
    assert "连不上数据库" in said
    assert reason in said
    assert "请检查环境变量 DATABASE_URL" in said


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "nonsense"])
def test_a_broker_that_does_not_answer(var: Path, url: str) -> None:
    code, said = told(var, REDIS_URL=url)
    assert code == 1
    assert "连不上环境变量 REDIS_URL 指定的消息服务" in said


def test_no_network(var: Path, tmp_path: Path) -> None:
    """Nothing is installed half: what was made is used again at the next try."""
    alone = {"HEDONG_VENV": str(tmp_path / "venv"), "HEDONG_NO_UV": "1", "PIP_CONFIG_FILE": os.devnull}
    code, said = told(var, **alone, PIP_INDEX_URL="http://127.0.0.1:1/simple")
    assert code == 1
    assert "连不上软件包仓库" in said
    assert "PIP_INDEX_URL" in said
    code, said = told(var, **alone, PIP_NO_INDEX="1")
    assert code == 1
    assert "软件包仓库里没有锁定的版本" in said


OLD = "import runpy, sys; sys.version_info = (3, 8, 10); runpy.run_path('hedong/up', run_name='__main__')"


def test_a_python_that_is_too_old(var: Path) -> None:
    code, said = told(var, command=[PYTHON, "-c", OLD])
    assert code == 2
    assert "需要 Python 3.11 或更新的版本，现在用的是 3.8" in said
    assert "make up PYTHON=python3.11" in said


def test_old_pythons_can_read_as_far_as_that() -> None:
    text = (ROOT / "hedong" / "up" / "__main__.py").read_text(encoding="utf8")
    assert "coding: utf-8" in text.splitlines()[0], "the second version needs it"
    ast.parse(text, feature_version=(3, 4))
    with pytest.raises(SyntaxError):
        ast.parse("f'{1}'\nx: int = 1", feature_version=(3, 4))


def test_an_unknown_command(var: Path) -> None:
    code, said = told(var, command=[PYTHON, "hedong/up", "fly"])
    assert code == 2
    assert "没有“fly”这个命令" in said


class ClosedWindow(io.TextIOBase):
    """What a terminal is whose window was closed."""

    def write(self, text: str) -> int:
        """Refuse, as the kernel does."""
        raise OSError(errno.EIO, text)


def test_a_closed_window_does_not_stop_the_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", ClosedWindow())
    words.step("停止网页……")
    with pytest.raises(OSError, match="control"):
        print("control")


def test_a_stale_file_for_scripts_does_not_outlive_the_next_start(var: Path) -> None:
    var.mkdir()
    (var / "stack.json").write_text(json.dumps({"base_url": "http://127.0.0.1:1"}))
    told(var, REDIS_URL="nonsense")
    assert not (var / "stack.json").exists()
