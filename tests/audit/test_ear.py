"""A worker whose broker is away knocks every few seconds, however long it lasts."""

import re
import socket

import pytest
from celery import current_app
from celery.worker.consumer import Consumer
from kombu import Connection
from kombu.utils import functional

from audit.jobs.ear import LONGEST_PAUSE, PatientConsumer


class EnoughSeen(Exception):
    """The test has waited for long enough."""


def pauses(kind: type[Consumer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[float]:
    """Return how long the worker waits after each of the first minutes' vain attempts."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if sum(slept) > 120:
            raise EnoughSeen

    monkeypatch.setattr(functional, "sleep", sleep)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    worker = kind.__new__(kind)
    worker.app, worker.first_connection_attempt, worker.broker_connection_retry_attempt = current_app, False, 0
    with Connection(f"redis://127.0.0.1:{port}/0") as line, pytest.raises(EnoughSeen):
        worker.ensure_connected(line)
    return [float(each) for each in re.findall(r"Trying again in ([\d.]+) seconds", caplog.text)]


def test_the_worker_knocks_every_few_seconds(monkeypatch, caplog):
    waited = pauses(PatientConsumer, monkeypatch, caplog)
    assert max(waited) == LONGEST_PAUSE
    assert len(waited) > 30


def test_celerys_own_waits_ever_longer(monkeypatch, caplog):
    """The control: after a minute without a broker it would stay deaf for another quarter of one."""
    assert max(pauses(Consumer, monkeypatch, caplog)) > 15


def test_the_settings_name_it():
    assert current_app.conf.worker_consumer == f"{PatientConsumer.__module__}:{PatientConsumer.__name__}"
    assert current_app.conf.broker_connection_max_retries is None
