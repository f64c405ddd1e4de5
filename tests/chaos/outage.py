"""The broker is away for a while, and later the worker: nobody who asks is refused, and the doors for machines tell."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hedong.up.postgres import free_port
from hedong.up.processes import BEAT, SWEEPER, WEB, WORKER
from tests.chaos import clients
from tests.chaos.arena import Arena, wait

PRODUCT = (WEB, WORKER, BEAT, SWEEPER)
# Follow-ups included; what is due later, such as the end of the time to answer, is not waited for.
OPEN = """
    SELECT count(*) FROM audit_job
    WHERE state <> 'done' AND kind NOT LIKE 'periodic.%%' AND next_at <= statement_timestamp()
"""
AGE = (
    "UPDATE audit_heartbeat SET at = at - interval '100 s' WHERE name = 'worker'",
    "UPDATE audit_job SET done_at = done_at - interval '100 s' WHERE state = 'done'",
)


@dataclass(slots=True)
class District:
    """The product as the supervisor starts it, with its own settings, and people who work with it."""

    arena: Arena
    port: int
    people: list[clients.Person]

    def health(self) -> int:
        """Return what `/healthz/jobs` answers."""
        return clients.get(self.port, "/healthz/jobs")[0]

    def explain(self) -> str:
        """Return what the doors and the logs say."""
        return f"{clients.get(self.port, '/healthz/jobs')[1]}\n{self.arena.tail()}"


@contextmanager
def district(arena: Arena, people: int = 4) -> Iterator[District]:
    """Fill the arena with a small district and start web, worker, beat and sweeper."""
    port = free_port()
    env = arena.env(DJANGO_SETTINGS_MODULE="hedong.settings.test", WEB_BIND=f"127.0.0.1:{port}")
    known = json.loads(arena.run([sys.executable, "-W", "ignore", "-m", "tests.chaos.district"], **env))
    for process in PRODUCT:
        arena.start(process.name, process.command, env=env, sign=process.stop_signal)
    try:
        wait(lambda: clients.get(port, "/healthz")[0] == 200, 60, arena.tail)
        yield District(arena, port, [clients.Person(port, known) for _ in range(people)])
    finally:
        arena.kill(*(process.name for process in PRODUCT))


@dataclass(slots=True)
class Outage:
    """What came of the posts while the broker was away."""

    posts: int
    away: float = 0.0
    accepted: int = 0
    saved: int = 0
    jobs: int = 0
    dispatched_after: float = 0.0
    done_after: float = 0.0
    p95_before: float = 0.0
    p95_during: float = 0.0
    longest: float = 0.0

    def __str__(self) -> str:
        before, during = self.p95_before * 1000, self.p95_during * 1000
        return (
            f"消息服务停 {self.away:.0f} 秒："
            f"提交 {self.posts}，受理 {self.accepted}，存下 {self.saved}，任务 {self.jobs}；"
            f"恢复后 {self.dispatched_after:.1f} 秒派完，{self.done_after:.1f} 秒连同后续全部办完；"
            f"提交耗时 p95 {before:.0f} → {during:.0f} 毫秒，最长 {self.longest * 1000:.0f} 毫秒"
        )


def without_broker(district: District, posts: int, seconds: float = 0.0, before: int = 20) -> Outage:
    """Post while the broker is stopped for at least so many seconds, and count what was saved and done."""
    arena, outage = district.arena, Outage(posts)
    with frozen(arena, "worker"):  # during the outage it has nothing to do either
        outage.p95_before = clients.p95(clients.ask_together(district.people, before, seconds * before / posts))
    all_done(district)
    needs, jobs = counts(arena)
    start, taken = time.monotonic(), arena.stop("broker")
    try:
        answers = clients.ask_together(district.people, posts, seconds)
        outage.away = time.monotonic() - start
    finally:
        arena.give_back(taken)
    after = counts(arena)
    outage.saved, outage.jobs = after[0] - needs, after[1] - jobs
    outage.accepted = sum(200 <= answer.status < 400 for answer in answers)
    outage.p95_during = clients.p95(answers)
    outage.longest = max(answer.seconds for answer in answers)
    outage.dispatched_after = wait(lambda: dispatched(arena) == after[1], 120, district.explain)
    outage.done_after = outage.dispatched_after + all_done(district)
    return outage


def counts(arena: Arena) -> tuple[int, int]:
    """Return how many needs there are, and how many jobs that dispatch one."""
    return arena.fetch(
        "SELECT (SELECT count(*) FROM requests_board_resourcerequest),"
        " (SELECT count(*) FROM audit_job WHERE kind = 'requests_board.dispatch')"
    )[0]


def dispatched(arena: Arena) -> int:
    """Return how many jobs that dispatch a need are done."""
    return arena.fetch("SELECT count(*) FROM audit_job WHERE kind = 'requests_board.dispatch' AND state = 'done'")[0][0]


def all_done(district: District) -> float:
    """Wait until every job that is due is done, those that followed included; return how long it took."""
    return wait(lambda: district.arena.fetch(OPEN)[0][0] == 0, 120, district.explain)


@dataclass(slots=True)
class Silence:
    """How long it took until the health door told of a silent worker, and until it was content again."""

    how: str
    red: float
    green: float

    def __str__(self) -> str:
        return f"后台执行{self.how}：{self.red:.1f} 秒后 /healthz/jobs 变红，恢复后 {self.green:.1f} 秒自己变绿"


@contextmanager
def frozen(arena: Arena, name: str) -> Iterator[None]:
    """Stop a process and all it has started, as a hung machine would."""
    pid = arena.pid(name)
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)


def stopped_worker(district: District, *, age: bool) -> Silence:
    """Freeze the worker with its pool; `age` moves its last signs of life into the past instead of waiting."""
    with frozen(district.arena, "worker"):
        red = until_red(district, age=age)
    return Silence("停住", red, until_green(district))


def killed_worker(district: District, *, age: bool) -> Silence:
    """Kill the worker with its pool and start it only after the door is red."""
    child = district.arena.supervisor.children["worker"]
    district.arena.kill("worker")
    red = until_red(district, age=age)
    district.arena.give_back({"worker": child})
    return Silence("被杀", red, until_green(district))


def until_red(district: District, *, age: bool) -> float:
    """Wait until the health door is red; return how long it took."""
    if age:
        for statement in AGE:
            district.arena.fetch(statement)
        # After a true silence of that length a heartbeat job waits in any case; here somebody's need does.
        district.people[0].ask()
    return wait(lambda: district.health() == 503, 120, district.explain)


def until_green(district: District) -> float:
    """Wait until the health door is green; return how long it took."""
    return wait(lambda: district.health() == 200, 120, district.explain)
