"""What a start does again, and what it leaves alone."""

import sys
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from hedong import preparation
from hedong.management.commands import load_basics, prepare


def test_every_watched_pattern_finds_something(settings) -> None:
    """A file that was renamed must not silently stop being watched."""
    assert [pattern for pattern in preparation._WATCHED if not any(settings.BASE_DIR.glob(pattern))] == []


def test_whatever_loads_set_up_data_is_watched() -> None:
    watched = set(preparation._files())
    loaders = {Path(sys.modules[load.__module__].__file__) for _, load in load_basics.BASICS}
    assert len(loaders) > 2
    assert loaders - watched == set()


def test_a_changed_table_is_loaded_again(settings, tmp_path: Path) -> None:
    settings.BASE_DIR = settings.VAR_DIR = tmp_path
    settings.DEMO = False
    table = tmp_path / "hedong" / "basics" / "data" / "decline_reasons.csv"
    table.parent.mkdir(parents=True)
    table.write_text("code,name\n")
    assert preparation.changed()
    preparation.remember()
    assert not preparation.changed()
    table.write_text("code,name\nfull,已约满\n")
    assert preparation.changed()


def test_another_size_of_demo_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = preparation.fingerprint()
    monkeypatch.setenv("HEDONG_SCALE", "small")
    assert preparation.fingerprint() != before


@pytest.mark.django_db
def test_which_demo_district_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare._wanted() == {"preset": "fictional", "scale": "full"}
    monkeypatch.setenv("HEDONG_SCALE", "small")
    assert prepare._wanted() == {"preset": "fictional", "scale": "small"}
    monkeypatch.setenv("HEDONG_PRESET", "elsewhere")
    with pytest.raises(CommandError, match="HEDONG_PRESET 可以是 fictional 或 hedong，现在是“elsewhere”"):
        prepare._wanted()
