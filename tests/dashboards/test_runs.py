"""The batch on the district's pages: try, look, do, read; nothing is told to anyone before it is promised."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.registry import handlers_of
from clockwork.selectors import db_now
from partners.models import ResourceSlot
from requests_board import workflow
from requests_board.actions import batch, dispatch
from requests_board.models import Allocation, DispatchPolicy, DispatchRun
from tests.pool import ask_time_has_come

MONTH = timedelta(days=30)
KEY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def waiting(pool):
    """A district that asks late, and three needs."""
    DispatchPolicy.objects.create(ask_days_ahead=0)
    for slot in ResourceSlot.objects.all():
        start, end = slot.starts_at + MONTH, slot.ends_at + MONTH
        ResourceSlot.objects.filter(pk=slot.pk).update(starts_at=start, ends_at=end)
    for _ in range(3):
        ask_time_has_come(pool.ask(window_end=db_now() + 2 * MONTH))
    return pool


@pytest.fixture
def official(waiting, client):
    """The district's official at the browser."""
    client.force_login(waiting.town.person("district_official"))
    return client


def worked():
    """Do what the worker would do."""
    for row in DispatchRun.objects.filter(done_at=None):
        batch.carry_out(row.pk)


def order(client, **form):
    answer = client.post(reverse("dashboards:runs"), {"key": KEY, **form})
    assert answer.status_code == 302
    return answer["Location"]


def test_first_a_dry_run_then_for_good(official):
    assert "先试算" in official.get(reverse("dashboards:runs")).content.decode()
    page = order(official)
    assert "正在算" in official.get(page).content.decode()
    worked()
    words = official.get(page).content.decode()
    assert "照办的话，新配上 <b>3</b> 件" in words
    assert "差不到 0.1%" in words
    assert "就这样办" in words
    assert not Allocation.objects.exists()
    done = order(official, for_good="1")
    assert order(official, for_good="1") == done
    worked()
    words = official.get(done).content.decode()
    assert "就这样办" not in words
    assert Allocation.objects.filter(status="proposed").count() == 3
    words = official.get(reverse("dashboards:runs")).content.decode()
    assert "已经照办" in words
    assert "district_official" in words


def test_when_nothing_is_to_be_changed_it_says_so(official):
    order(official, for_good="1")
    worked()
    page = order(official)
    worked()
    assert "没有要动的" in official.get(page).content.decode()


def test_a_broken_key_is_said_in_words(official):
    answer = official.post(reverse("dashboards:runs"), {"key": "x"})
    assert answer.status_code == 422
    assert "再点一次" in answer.content.decode()


def test_a_run_costs_the_same_however_many_changes_it_tells_of(official, waiting):
    def count():
        page = order(official)
        worked()
        with CaptureQueriesContext(connection) as seen:
            assert official.get(page).status_code == 200
        DispatchRun.objects.all().delete()
        return len(seen)

    count()  # the first look of a person is written down
    few = count()
    for _ in range(9):
        ask_time_has_come(waiting.ask(window_end=db_now() + 2 * MONTH))
    assert count() == few <= 8


def test_a_street_orders_nothing(waiting, client):
    client.force_login(waiting.town.person("street_worker"))
    assert client.post(reverse("dashboards:runs"), {"key": KEY}).status_code in (403, 404)


def test_the_desk_says_when_somebody_will_be_asked(waiting, client):
    need = waiting.ask(window_end=db_now() + 2 * MONTH)
    ask_time_has_come(need)
    dispatch.run(str(need.pk))
    client.force_login(waiting.town.person("community_worker"))
    page = f"{reverse('requests_board:desk')}?f=needs&open={need.number}"
    words = client.get(page).content.decode()
    assert "打算问" in words
    assert "去问，之前可能还会换" in words
    Allocation.objects.update(ask_at=db_now())
    dispatch.run(str(need.pk))
    words = client.get(page).content.decode()
    assert "正在问" in words
    assert "之前可能还会换" not in words


def test_nobody_is_told_of_what_may_still_change():
    steps = (workflow.MATCH, workflow.RELEASE, workflow.MOVE, workflow.DROP)
    heard = {verb for verb in ("allocation.proposed", *(step.verb for step in steps)) if handlers_of(verb)}
    assert heard == set()
    assert handlers_of(workflow.HOLD.verb)
