"""The batch against everybody else at the same moment, and against a sudden end, on the real database."""

import os
import random
import subprocess
import sys
import threading
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from audit.models import Event
from clockwork.selectors import db_now
from common.errors import DomainError
from partners.models import ResourceSlot
from requests_board.actions import allocations, batch, dispatch, needs
from requests_board.models import Allocation, DispatchPolicy, DispatchRun, ResourceRequest
from requests_board.permissions import ENGINE
from tests.people import make_town
from tests.pool import ask_time_has_come, make_pool
from tests.requests_board.test_histories import astray, live_twice, wrong_slots

pytestmark = pytest.mark.django_db(transaction=True)
NEEDS, RUNS = 40, 8
MONTH = timedelta(days=30)

# A run that writes all of its proposals, says so, and then hangs before it commits.
HANGS = """
import sys, time, django
django.setup()
from grids.models import Area
from requests_board.actions import batch, difference
from requests_board.permissions import ENGINE
def hang(*_):
    print("written", flush=True)
    time.sleep(60)
difference._Pen._will_ask = hang
batch.run(key="killed", actor=ENGINE, area=Area.objects.get(parent=None))
"""


@pytest.fixture
def crowd(transactional_db):
    """A district that asks as late as it can, and more needs than there is room for."""
    pool = make_pool(make_town())
    DispatchPolicy.objects.create(ask_days_ahead=0)
    for slot in ResourceSlot.objects.all():
        ResourceSlot.objects.filter(pk=slot.pk).update(
            starts_at=slot.starts_at + MONTH, ends_at=slot.ends_at + MONTH, capacity=2
        )
    for _ in range(NEEDS):
        ask_time_has_come(pool.ask(window_end=db_now() + 2 * MONTH))
    return pool


def environment(tmp_path):
    db = connection.settings_dict
    login = quote(db["USER"], safe="") + (f":{quote(db['PASSWORD'], safe='')}" if db["PASSWORD"] else "")
    return os.environ | {
        "DATABASE_URL": f"postgres://{login}@{db['HOST']}:{db['PORT']}/{quote(db['NAME'])}",
        "REDIS_URL": settings.CELERY_BROKER_URL, "DJANGO_SETTINGS_MODULE": "hedong.settings.test",
        "HEDONG_VAR": str(tmp_path),
    }  # fmt: skip


def test_killed_after_writing_it_leaves_nothing_and_the_same_key_does_it_afterwards(crowd, tmp_path):
    command = [sys.executable, "-c", HANGS]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "written\n"
        process.kill()
    for _ in range(100):
        if not _others():
            break
    assert not Allocation.objects.exists()
    assert not Event.objects.filter(verb="allocation.proposed").exists()
    assert set(ResourceRequest.objects.values_list("status", flat=True)) == {"open"}
    assert DispatchRun.objects.get(key="killed").done_at is None
    report = batch.run(key="killed", actor=ENGINE, area=crowd.town.district)
    assert report.proposed == Allocation.objects.count() == 30
    assert not live_twice()


def _others():
    """Count who else is on the database: the killed one's server process needs a moment to notice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), pg_sleep(0.05) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in%'"
        )
        return cursor.fetchone()[0]


class Hand(threading.Thread):
    """Somebody who does random steps on random needs until told to stop."""

    def __init__(self, pool, seed):
        super().__init__()
        self.pool, self.random, self.stop, self.done, self.broken = pool, random.Random(seed), False, 0, []
        self.worker = pool.town.person("community_worker")
        self.liaisons = {partner.pk: pool.liaison(at) for at, partner in enumerate(pool.departments)}

    def run(self):
        while not self.stop:
            try:
                self.random.choice([self.dispatch, self.hurry, self.answer, self.answer, self.withdraw])()
                self.done += 1
            except (DomainError, IndexError):
                pass
            except DatabaseError as error:
                self.broken.append(str(error))
        connection.close()

    def pick(self, rows):
        return self.random.choice(list(rows))

    def dispatch(self):
        dispatch.run(str(self.pick(ResourceRequest.objects.filter(status="open")).pk))

    def hurry(self):
        row = self.pick(Allocation.objects.filter(status="proposed"))
        Allocation.objects.filter(pk=row.pk, status="proposed").update(ask_at=db_now())
        dispatch.run(str(row.resource_request_id))

    def answer(self):
        row = self.pick(Allocation.objects.filter(status="held"))
        liaison = self.liaisons[row.partner_id]
        if self.random.random() < 0.5:
            allocations.confirm(row, actor=liaison)
        else:
            allocations.decline(row, actor=liaison, reason=self.pool.busy)

    def withdraw(self):
        if self.random.random() < 0.1:
            needs.withdraw(self.pick(ResourceRequest.objects.filter(status="matching")), actor=self.worker)


def test_runs_among_people_at_work_lose_cleanly_and_all_adds_up(crowd):
    hands = [Hand(crowd, seed) for seed in range(3)]
    for hand in hands:
        hand.start()
    reports = [batch.run(key=f"run {at}", actor=ENGINE, area=crowd.town.district) for at in range(RUNS)]
    for hand in hands:
        hand.stop = True
    for hand in hands:
        hand.join()
    assert [hand.broken for hand in hands] == [[], [], []]
    assert sum(hand.done for hand in hands) > 20
    assert all(report.done_at for report in reports)
    assert not wrong_slots()
    assert not live_twice()
    assert not astray()
    assert sum(report.proposed for report in reports) > 0
    last = batch.run(key="last", actor=ENGINE, area=crowd.town.district)
    assert last.skipped == 0
    assert not astray()
