"""Addresses take their passwords from files."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from hedong.settings import env


@pytest.fixture(autouse=True)
def url(monkeypatch):
    for name in ("DATABASE_PASSWORD", "DATABASE_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgres://hedong_app@postgres:5432/hedong?sslmode=require")


def test_password_from_a_file(monkeypatch, tmp_path):
    file = tmp_path / "password"
    file.write_text("p@ss/wo:rd%41 一\n", encoding="utf8")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(file))
    found = env.database(env.address("DATABASE_URL"))
    assert (found["USER"], found["PASSWORD"]) == ("hedong_app", "p@ss/wo:rd%41 一")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("postgres", "5432", "hedong")
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_password_replaces_the_one_in_the_address(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://hedong_app:old@postgres/hedong")
    monkeypatch.setenv("DATABASE_PASSWORD", "new")
    assert env.address("DATABASE_URL") == "postgres://hedong_app:new@postgres/hedong"


def test_address_without_a_user(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://broker:6379/0")
    monkeypatch.setenv("REDIS_PASSWORD", "a/b")
    assert env.address("REDIS_URL") == "redis://:a%2Fb@broker:6379/0"


def test_address_alone_is_left_as_it_is():
    assert env.address("DATABASE_URL") == "postgres://hedong_app@postgres:5432/hedong?sslmode=require"


def test_empty_and_missing_files_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="DATABASE_PASSWORD_FILE: cannot read"):
        env.address("DATABASE_URL")
    (tmp_path / "none").touch()
    with pytest.raises(ImproperlyConfigured, match="DATABASE_PASSWORD is empty"):
        env.address("DATABASE_URL")
