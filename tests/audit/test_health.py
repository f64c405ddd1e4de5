"""What the health doors say, and what officials see of the jobs."""

import pytest
from django.db import connection, transaction

from audit.actions import beat
from audit.jobs import enqueue
from audit.models import Job, JobState
from audit.selectors import job_health

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_queue")]


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def beating() -> None:
    for name in ("worker", "sweeper", "beat"):
        beat(name)


def test_pages_are_served(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert "no-store" in answer["Cache-Control"]


def test_red_before_anything_has_started(client):
    answer = client.get("/healthz/jobs")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["后台执行进程还没有启动。", "巡检进程还没有启动。", "定时进程还没有启动。"]


def test_green_while_all_three_beat(client, beating):
    answer = client.get("/healthz/jobs")
    assert answer.status_code == 200
    assert answer.json()["ok"] is True


@pytest.mark.parametrize("name", ["worker", "sweeper", "beat"])
def test_red_within_two_minutes_of_silence_and_green_again_by_itself(client, beating, name):
    execute(f"UPDATE audit_heartbeat SET at = now() - interval '91 s' WHERE name = '{name}'")
    answer = client.get("/healthz/jobs")
    assert answer.status_code == 503
    assert len(answer.json()["problems"]) == 1
    beat(name)
    assert client.get("/healthz/jobs").status_code == 200


def test_a_worker_that_finishes_jobs_is_alive_even_before_its_heartbeat(beating):
    execute("UPDATE audit_heartbeat SET at = now() - interval '1 hour' WHERE name = 'worker'")
    with transaction.atomic():
        enqueue("test.note", "a")
    execute("UPDATE audit_job SET state = 'done', done_at = now()")
    assert job_health().ok


def test_what_waits_and_what_has_stopped_is_counted(client, beating):
    with transaction.atomic():
        for key in "abcd":
            enqueue("test.note", key)
    Job.objects.filter(key="a").update(state=JobState.DEAD)
    execute("UPDATE audit_job SET next_at = now() - interval '60 s' WHERE key = 'b'")
    execute("UPDATE audit_job SET next_at = now() + interval '60 s' WHERE key = 'd'")
    said = client.get("/healthz/jobs").json()
    assert (said["dead"], said["waiting"], said["ok"]) == (1, 2, True)
    assert said["oldest_waiting_seconds"] >= 60
    execute("UPDATE audit_job SET next_at = now() - interval '301 s' WHERE key = 'b'")
    assert client.get("/healthz/jobs").status_code == 503


def test_the_brokers_outage_is_told_but_is_not_ours(client, beating):
    beat("sweeper", "OperationalError")
    answer = client.get("/healthz/jobs")
    assert (answer.status_code, answer.json()["broker"]) == (200, "away")


def test_health_takes_few_statements(client, beating, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/healthz/jobs")
