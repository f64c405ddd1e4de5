"""The bell: heard by a worker, and never in the way when the broker is dead or mute."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from celery import current_app
from django.db import transaction
from kombu.utils import functional

from audit.jobs import bell, enqueue
from audit.models import Job
from tests.audit.conftest import configured

pytestmark = pytest.mark.usefixtures("own_registry", "loud_bell")


@pytest.fixture
def dead_broker(broker_at: Callable[[int], None]) -> None:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker_at(port)


@pytest.fixture
def mute_broker(broker_at: Callable[[int], None]) -> Iterator[list[socket.socket]]:
    """A server that takes connections and says nothing; the list counts them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines: list[socket.socket] = []

        def listen() -> None:
            while True:
                try:
                    lines.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=listen, daemon=True).start()
        broker_at(server.getsockname()[1])
        yield lines
        server.shutdown(socket.SHUT_RDWR)
        for line in lines:
            line.close()


@pytest.mark.django_db(transaction=True)
def test_a_committed_job_is_rung_for_and_a_rolled_back_one_is_not(own_queue):
    with transaction.atomic():
        enqueue("test.note", "a")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("test.note", "b")
        raise ZeroDivisionError
    with bell.line() as line:
        assert line.waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_is_no_error_and_is_asked_once(dead_broker, caplog):
    for number in range(20):
        with transaction.atomic():
            enqueue("test.note", str(number))
    assert Job.objects.count() == 20
    assert caplog.text.count("The broker does not answer") == 1


@pytest.mark.parametrize("patient", [False, True], ids=["as it is", "control: kombu's own patience"])
def test_whoever_finds_no_broker_knows_it_at_once(patient, dead_broker, monkeypatch):
    """A page waits for the answer of `ring`: no second may be slept away in it."""
    slept: list[float] = []
    monkeypatch.setattr(functional, "sleep", slept.append)
    monkeypatch.setattr(functional, "time", lambda: sum(slept))
    options = dict(current_app.conf.broker_transport_options)
    if patient:
        del options["max_retries"]
    with configured(broker_transport_options=options):
        assert not bell.ring([1])
    assert bool(slept) is patient


def test_without_the_silence_every_request_would_wait(mute_broker, monkeypatch):
    """The control for the test above."""
    monkeypatch.setattr(bell, "_may_try", lambda: True)
    assert [bell.ring([1]) for _ in range(2)] == [False, False]
    assert len(mute_broker) >= 2


def test_while_one_caller_knocks_no_other_does(monkeypatch):
    monkeypatch.setattr(bell, "_silent_until", 1e-9)
    assert [bell._may_try() for _ in range(3)] == [True, False, False]
