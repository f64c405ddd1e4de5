"""Twenty-four people want the same three places at the same moment, through real web processes."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from clockwork.selectors import db_now
from partners.models import ResourceSlot
from requests_board import links
from requests_board.actions import dispatch
from requests_board.models import Allocation
from requests_board.workflow import AllocationStatus
from tests.people import make_town
from tests.pool import make_pool

PEOPLE, PLACES, ROUNDS = 24, 3, 40
CSRF = "c" * 32

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]


def days(number):
    return timedelta(days=number)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve(tmp_path):
    """Start gunicorn on the test's database with the given application."""
    started = []

    def start(application):
        db, port = connection.settings_dict, free_port()
        login = quote(db["USER"], safe="") + (f":{quote(db['PASSWORD'], safe='')}" if db["PASSWORD"] else "")
        env = os.environ | {
            "DATABASE_URL": f"postgres://{login}@{db['HOST']}:{db['PORT']}/{quote(db['NAME'])}",
            "REDIS_URL": settings.CELERY_BROKER_URL,
            "DJANGO_SETTINGS_MODULE": "hedong.settings.test",
            "HEDONG_VAR": str(tmp_path),
            "WEB_BIND": f"127.0.0.1:{port}",
            "WEB_WORKERS": "2",
            "WEB_THREADS": "8",
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "hedong/gunicorn.py", application]
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, stderr=subprocess.DEVNULL)
        started.append(process)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return port
            time.sleep(0.1)
        raise AssertionError("gunicorn did not come up")

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def crowd(transactional_db):
    """Twenty-four asks of one resource, each held on a slot of its own, and one more slot with three places."""
    pool = make_pool(make_town())
    resource = pool.resources[0]
    resource.slots.all().delete()
    start = db_now()
    ResourceSlot.objects.bulk_create(
        ResourceSlot(
            resource=resource, starts_at=start.replace(microsecond=n) + days(1), capacity=1,
            ends_at=start + days(1.1),
        )
        for n in range(PEOPLE)
    )  # fmt: skip
    wanted = ResourceSlot.objects.create(
        resource=resource, starts_at=start + days(3), ends_at=start + days(3.1), capacity=PLACES
    )
    window = {"window_start": start, "window_end": start + days(2), "urgency": "urgent"}
    held = [dispatch.run(str(pool.ask(**window).pk)) for _ in range(PEOPLE)]
    assert all(row is not None and row.resource == resource for row in held)
    assert len({row.slot_id for row in held}) == PEOPLE
    return held, wanted


def post_at_once(port, held, wanted):
    """Let everybody press the same button at the same moment; return the answers' codes."""
    gate, codes = threading.Barrier(len(held)), []

    def press(row):
        body = urlencode({"answer": "counter", "slot": wanted.pk, "csrfmiddlewaretoken": CSRF})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={CSRF}"}
        door = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        gate.wait()
        door.request("POST", links.answer_url(row), body, headers)
        codes.append(door.getresponse().status)
        door.close()

    threads = [threading.Thread(target=press, args=(row,)) for row in held]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def back_to_the_start(held, wanted):
    for row in held:
        Allocation.objects.filter(pk=row.pk).update(
            status=AllocationStatus.HELD, slot_id=row.slot_id, previous_slot=None, answer_due_at=row.answer_due_at
        )
    ResourceSlot.objects.filter(resource_id=wanted.resource_id).update(used=1)
    ResourceSlot.objects.filter(pk=wanted.pk).update(used=0)


def play(port, held, wanted, rounds):
    """Return for each round how many got a place in the slot."""
    got = []
    for _ in range(rounds):
        back_to_the_start(held, wanted)
        codes = post_at_once(port, held, wanted)
        assert set(codes) <= {302, 409}, codes
        inside = Allocation.objects.filter(slot=wanted).count()
        assert inside == codes.count(302)
        got.append(inside)
    return got


def test_three_places_go_to_three_people_in_every_round(serve, crowd):
    held, wanted = crowd
    got = play(serve("hedong.wsgi:application"), held, wanted, ROUNDS)
    assert got == [PLACES] * ROUNDS
    wanted.refresh_from_db()
    assert wanted.used == PLACES
    assert not ResourceSlot.objects.filter(used__gt=F("capacity")).exists()


def test_looking_first_and_writing_afterwards_overbooks(serve, crowd):
    held, wanted = crowd
    got = play(serve("tests.requests_board.naive_wsgi:application"), held, wanted, 4)
    assert max(got) > PLACES
