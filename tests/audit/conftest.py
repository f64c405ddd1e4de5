"""Jobs and handlers of the tests' own, so that no product verb is borrowed, and a bell of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings

from audit import registry
from audit.jobs import bell

QUEUE = "test-bell"


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register into copies that are thrown away after the test."""
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    copy = registry._by_verb.copy()
    monkeypatch.setattr(registry, "_by_verb", type(copy)(list, {verb: list(names) for verb, names in copy.items()}))


@pytest.fixture
def loud_bell() -> Iterator[None]:
    """Begin and end with a bell that has met no outage."""
    bell._be_heard()
    yield
    bell._be_heard()


@contextmanager
def configured(**values: Any) -> Iterator[None]:
    """Run the Celery application with other settings and fresh connections."""
    before = {name: current_app.conf[name] for name in values}
    try:
        _apply(values)
        yield
    finally:
        _apply(before)


def _apply(values: dict[str, Any]) -> None:
    current_app.conf.update(values)
    current_app._pool = None
    current_app.amqp._producer_pool = None


@pytest.fixture
def own_queue(loud_bell: None) -> Iterator[None]:
    """Ring into a queue that no worker listens to, empty before and after."""
    with configured(task_default_queue=QUEUE):
        silence()
        yield
        silence()


def silence() -> None:
    """Take every message from the tests' queue."""
    with bell.line() as line:
        line.connection.default_channel.queue_purge(QUEUE)


@pytest.fixture
def broker_at(loud_bell: None) -> Iterator[Callable[[int], None]]:
    """Return a function that lets the application ring at another port."""
    with configured(broker_url=current_app.conf.broker_url):
        yield lambda port: _apply({"broker_url": f"redis://127.0.0.1:{port}/0"})


@pytest.fixture
def no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a claim run out at once, as if its time had passed."""
    monkeypatch.setattr(settings, "JOB_LEASE", timedelta(0))
