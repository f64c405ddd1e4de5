"""Files that want to harm are refused in a second, in words, without taking memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import zipfile
from io import BytesIO

import pytest

from common.errors import Invalid
from common.tables import limits, reading
from tests.tables import hostile
from tests.tables.small import SHEET

# The child once more, telling at the end how much memory it ever held.
CHILD = """
import sys
from common.tables import parser
parser.main()
print("\\n" + next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""
MIB = 1024


def _resident() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def _peak(data: bytes) -> tuple[int, float, dict]:
    """Return the child's peak in KiB, its time and its answer."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", CHILD, "20000", "100"], input=data[: limits.MAX_BYTES + 1],
        capture_output=True, cwd=reading.ROOT, env={"PYTHONUTF8": "1"}, check=True,
    )  # fmt: skip
    return int(done.stderr.split()[-1]), time.monotonic() - began, json.loads(done.stdout)


@pytest.fixture(scope="module")
def idle() -> int:
    """What the child takes for an empty file."""
    return _peak(b" ")[0]


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_file_is_refused_within_a_second_and_without_memory(name, idle):
    data = hostile.FILES[name]()
    before = _resident()
    # Other work on the machine must not fail this: the best of three is what the reading itself takes.
    tries = []
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(Invalid) as refused:
            reading.read(data, SHEET.columns, 20_000)
        tries.append(time.monotonic() - began)
        if tries[-1] <= 1:
            break
    assert min(tries) <= 1, tries
    assert _resident() - before < 50 * MIB
    assert re.search(r"[\u4e00-\u9fff].*。$", refused.value.message), refused.value.message
    assert _peak(data)[0] - idle - len(data) // 1024 < 50 * MIB


def test_the_bomb_is_what_it_is_said_to_be():
    data = hostile.bomb()
    assert len(data) < 400 * 1024
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) > 53 * 1024 * 1024


def test_without_its_limits_the_child_takes_the_bomb(idle, monkeypatch):
    """The control: what refuses it is the look at the sums beforehand."""
    free = CHILD.replace("parser.main()", "parser.limits.check_entries = lambda entries: None\nparser.main()")
    monkeypatch.setitem(globals(), "CHILD", free)
    _, _, said = _peak(hostile.bomb())
    assert "20000 行" in said["refused"], "then only the rows stop it, on the way"


def test_the_child_has_no_secrets_and_little_of_everything(tmp_path):
    look = "import resource,os,json;from common.tables import parser;parser.confine();"
    look += "print(json.dumps([dict(os.environ), resource.getrlimit(resource.RLIMIT_AS)[1],"
    look += " resource.getrlimit(resource.RLIMIT_FSIZE)[1]]))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", look], capture_output=True, cwd=reading.ROOT, env={"PYTHONUTF8": "1"}, check=True
    )
    environment, memory, size = json.loads(done.stdout)
    assert set(environment) <= {"PYTHONUTF8", "LC_CTYPE"}
    assert (memory, size) == (limits.CHILD_MEMORY, 0)


def test_a_child_that_dies_or_hangs_is_a_sentence(monkeypatch):
    monkeypatch.setattr(reading, "ROOT", reading.ROOT / "tests")  # no such module there
    with pytest.raises(Invalid, match="读不下去"):
        reading.read(b"a,b", SHEET.columns)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "CHILD_SECONDS", 0.001)
    with pytest.raises(Invalid, match="读不下去"):
        reading.read(b"a,b", SHEET.columns)
