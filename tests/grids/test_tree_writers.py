"""Eight processes write both trees at once on real PostgreSQL; without the lock the same run does damage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from grids import trees
from tests import people

ROOT = Path(__file__).resolve().parent.parent.parent
WRITERS = 8
SECONDS = float(os.environ.get("TREE_WRITER_SECONDS", "30"))
CONTROL_SECONDS = 6.0

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def grown_town():
    """A district with enough buildings that writers meet each other."""
    town = people.make_town()
    rows = [trees.NewArea(i, town.next_grid, "building", f"{i}号楼") for i in range(300)]
    trees.load_areas(rows)
    trees.create_party_organization(parent=town.general_branch, level="branch", name="第一支部", area=town.grid)
    return town


def _run_writers(seconds: float, *flags: str) -> Counter[str]:
    target = connection.settings_dict
    url = f"postgres://{target['USER']}:{target['PASSWORD']}@{target['HOST']}:{target['PORT']}/{target['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url.replace(":@", "@"), "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.grids.writers", str(seconds), str(seed), *flags],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(WRITERS)
    ]
    done: Counter[str] = Counter()
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0, err
        done.update(json.loads(out.splitlines()[-1]))
    return done


def test_eight_writers_leave_no_damage(grown_town, record_property):
    done = _run_writers(SECONDS)
    record_property("tree_writers", json.dumps(done))
    assert trees.check() == []
    assert not [what for what in done if what.startswith("error")], done
    assert min(done[step] for step in ("create", "move", "rename", "appoint", "organise")) >= 8, done


def test_without_the_lock_the_same_writers_do_damage(grown_town):
    _run_writers(CONTROL_SECONDS, "--no-lock")
    assert trees.check() != []
    trees.fix()
    assert trees.check() == []
