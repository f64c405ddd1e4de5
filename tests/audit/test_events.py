"""Events: written with their change, never altered, delivered to each handler on its own."""

import uuid
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError

from audit import actions
from audit.actions import Actor, record, record_many, record_read
from audit.jobs import enqueue_many
from audit.jobs.run import run
from audit.models import Event, Heartbeat, Job, JobState, PersonalDataRead
from audit.registry import handlers_of, subscribe

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_registry", "own_queue")]
LATER = datetime(2031, 5, 1, tzinfo=UTC)
RESIDENT = Actor(None, "居民")


def something() -> Heartbeat:
    return Heartbeat(name="worker")


def run_all() -> None:
    for row in Job.objects.filter(state=JobState.PENDING).order_by("pk"):
        run(row.pk)


def test_an_event_says_who_did_what_to_what():
    person = uuid.uuid4()
    target = something()
    target.scope_path = "/1/5/"
    with transaction.atomic():
        event = record(
            actor=Actor(person, "演示工作人员"), verb="thing.moved", target=target, before="here", after="there",
            reason="居民要求", on_behalf_of="居民", data={"slot": 7, "ids": [person]},
        )  # fmt: skip
    event.refresh_from_db()
    assert (event.actor_id, event.actor_label, event.on_behalf_of) == (person, "演示工作人员", "居民")
    assert (event.target_type, event.target_id, event.scope_path) == ("audit.heartbeat", "worker", "/1/5/")
    assert (event.before, event.after, event.reason) == ("here", "there", "居民要求")
    assert event.data == {"slot": 7, "ids": [str(person)]}
    assert event.at is not None


def test_nobody_is_the_system():
    with transaction.atomic():
        assert record(verb="thing.moved", target=None).actor_label == actions.SYSTEM


def test_an_event_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        record(verb="thing.moved", target=something())


def test_an_event_goes_with_its_change():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(verb="thing.moved", target=something())
        raise ZeroDivisionError
    assert not Event.objects.exists()


def test_words_about_people_do_not_get_into_the_data():
    with pytest.raises(ValueError, match="Only ids"), transaction.atomic():
        record(verb="thing.moved", target=something(), data={"name": "张三"})


def test_each_handler_gets_its_own_delivery_and_a_poisoned_one_blocks_nobody():
    heard: list[str] = []

    @subscribe("thing.moved")
    def poisoned(event: Event) -> None:
        Event.objects.create(verb="half", actor_label="")
        raise RuntimeError

    @subscribe("thing.moved", "thing.stopped")
    def well(event: Event) -> None:
        heard.append(event.verb)

    with transaction.atomic():
        moved = record(verb="thing.moved", target=something())
        record(verb="thing.stopped", target=something())
        record(verb="thing.unheard", target=something())
    assert set(Job.objects.values_list("key", flat=True)) >= {
        f"event:{moved.pk}:{name}" for name in handlers_of("thing.moved")
    }
    assert Job.objects.count() == 3
    run_all()
    run_all()
    assert heard == ["thing.moved", "thing.stopped"]
    assert not Event.objects.filter(verb="half").exists()
    assert Job.objects.filter(state=JobState.DONE).count() == 2


def test_two_handlers_of_one_name_are_refused():
    @subscribe("thing.moved")
    def listener(event: Event) -> None: ...

    first = listener
    with pytest.raises(ValueError, match="Two handlers"):

        @subscribe("thing.moved")
        def listener(event: Event) -> None: ...

    assert handlers_of("thing.moved").count(f"tests.{first.__name__}") == 1


def test_a_look_at_personal_data_is_kept_before_it_is_shown():
    person = uuid.uuid4()
    record_read(
        actor=Actor(person, "演示"), subject_type="accounts.user", subject_id=person, field="phone", purpose="回访"
    )
    row = PersonalDataRead.objects.get()
    assert (row.actor_id, row.subject_id, row.field, row.purpose) == (person, str(person), "phone", "回访")


def test_a_look_inside_a_transaction_is_refused():
    with pytest.raises(RuntimeError), transaction.atomic():
        record_read(actor=RESIDENT, subject_type="a.b", subject_id=1, field="phone", purpose="回访")


def test_when_the_look_cannot_be_kept_it_fails(monkeypatch):
    with pytest.raises(DatabaseError):
        record_read(actor=RESIDENT, subject_type="x" * 500, subject_id=1, field="phone", purpose="回访")


def test_a_dead_job_is_given_new_attempts_once():
    with transaction.atomic():
        row = actions.enqueue("test.note", "a")
    assert row is not None
    assert actions.retry(row, actor=RESIDENT) is False
    Job.objects.update(state=JobState.DEAD, attempts=10)
    assert [actions.retry(row, actor=RESIDENT), actions.retry(row, actor=RESIDENT)] == [True, False]
    row.refresh_from_db()
    assert (row.state, row.attempts) == (JobState.PENDING, 0)
    assert Event.objects.filter(verb="job.retried", actor_label="居民").count() == 1


@pytest.mark.parametrize("table", ["audit_event", "audit_personaldataread"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET actor_label = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_stranger_to_the_tables_cannot_alter_the_trail(table, statement, app_role):
    with transaction.atomic():
        record(verb="thing.moved", target=something())
        PersonalDataRead.objects.create(actor_label="x", subject_type="a", subject_id="1", field="f", purpose="p")
    with as_role(app_role), pytest.raises(DatabaseError, match=r"permission denied|append-only"):
        execute(statement.format(table))
    assert Event.objects.count() == 1


def test_the_trigger_refuses_even_where_a_grant_slipped_in(app_role):
    with transaction.atomic():
        record(verb="thing.moved", target=something())
    execute(f"GRANT ALL ON audit_event TO {app_role}")
    for statement in ("UPDATE audit_event SET verb = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"):
        with as_role(app_role), pytest.raises(DatabaseError, match="append-only"):
            execute(statement)


def test_the_application_may_add_to_the_trail_and_work_with_the_rest(app_role):
    with as_role(app_role):
        with transaction.atomic():
            event = record(verb="thing.moved", target=something())
        actions.beat("worker")
        actions.beat("worker", "again")
        assert run(event.pk) is False
        with pytest.raises(DatabaseError, match="permission denied"):
            execute("CREATE TABLE own (id int)")
        with pytest.raises(DatabaseError, match="permission denied"):
            execute("DELETE FROM django_migrations")
    assert Heartbeat.objects.get().detail == "again"


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class as_role:  # noqa: N801 - reads as words in a with statement
    """Speak as another role until the block ends."""

    def __init__(self, role: str) -> None:
        self.role = role

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('role')")
            self.before = cursor.fetchone()[0]
            cursor.execute("RESET ROLE")
            cursor.execute(f"SET ROLE {self.role}")

    def __exit__(self, *error: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {self.before}")


@pytest.fixture
def app_role():
    """A role with the application's rights and nothing else."""
    name = f"{connection.settings_dict['NAME']}_stranger"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        before = cursor.fetchone()[0]
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(f'CREATE ROLE "{name}"')
    call_command("grant_app_role", role=name, stdout=StringIO())
    yield f'"{name}"'
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(f'DROP OWNED BY "{name}"')
        cursor.execute(f'DROP ROLE "{name}"')
        cursor.execute(f"SET ROLE {before}")


def test_many_events_at_once_keep_the_promises_of_one():
    heard: list[str] = []

    @subscribe("thing.moved")
    def well(event: Event) -> None:
        heard.append(event.target_id)

    rows = [("a", "/1/2/", 3), ("b", "/1/", 4)]
    with pytest.raises(TransactionManagementError):
        record_many(rows, verb="thing.moved", model=Heartbeat)
    with pytest.raises(ValueError, match="Only ids"), transaction.atomic():
        record_many(rows, verb="thing.moved", model=Heartbeat, data={"name": "张三"})
    with transaction.atomic():
        assert record_many([], verb="thing.moved", model=Heartbeat) == 0
        assert record_many(rows, verb="thing.moved", model=Heartbeat, before="x", after="y", data={"run": 1}) == 2
    told = ("target_type", "target_id", "scope_path", "data", "actor_label")
    found = Event.objects.order_by("target_id").values_list(*told)
    assert list(found) == [
        ("audit.heartbeat", "a", "/1/2/", {"run": 1, "version": 3}, actions.SYSTEM),
        ("audit.heartbeat", "b", "/1/", {"run": 1, "version": 4}, actions.SYSTEM),
    ]
    run_all()
    assert sorted(heard) == ["a", "b"]


def test_many_jobs_at_once_keep_the_promises_of_one():
    with pytest.raises(TransactionManagementError):
        enqueue_many("some.kind", ["a"], [{}], [None])
    with transaction.atomic():
        assert enqueue_many("some.kind", [], [], []) == 0
        assert enqueue_many("some.kind", ["a", "b"], [{"n": 1}, {"n": 2}], [None, LATER]) == 2
        assert enqueue_many("some.kind", ["b", "c"], [{"n": 9}, {"n": 3}], [None, None]) == 1
    assert list(Job.objects.order_by("key").values_list("key", "payload")) == [
        ("a", {"n": 1}), ("b", {"n": 2}), ("c", {"n": 3})
    ]  # fmt: skip
    assert Job.objects.get(key="b").next_at == LATER
    with pytest.raises(ValueError, match="Only ids"), transaction.atomic():
        enqueue_many("some.kind", ["d"], [{"name": "张三"}], [None])
