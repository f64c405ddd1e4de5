"""How the jobs are doing: who beats, what waits, what has stopped."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

# Beats come every 10 to 20 seconds, so this is red well within two minutes of the last one.
SILENT_SECONDS = 90
WAITING_SECONDS = 300
PROCESSES = {"worker": "后台执行", "sweeper": "巡检", "beat": "定时"}

# A worker that finishes any job is alive, however long its own heartbeat job has to queue.
LOOK = """
    SELECT
        (SELECT jsonb_object_agg(name, jsonb_build_array(
            extract(epoch FROM statement_timestamp() - at), detail))::text FROM audit_heartbeat),
        (SELECT extract(epoch FROM statement_timestamp() - max(done_at)) FROM audit_job WHERE state = 'done'),
        (SELECT count(*) FROM audit_job WHERE state = 'dead'),
        count(*), extract(epoch FROM statement_timestamp() - min(next_at))
    FROM audit_job WHERE state IN ('pending', 'running') AND next_at <= statement_timestamp()
"""


@dataclass(frozen=True, slots=True)
class JobHealth:
    """What `/healthz/jobs` says. Ages are in seconds; None means never seen."""

    ages: dict[str, float | None]
    waiting: int
    oldest: float
    dead: int
    broker: str
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether jobs are being done."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the answer for machines, with sentences for people."""
        return {
            "ok": self.ok,
            "problems": self.problems,
            "seconds_since": {name: _rounded(age) for name, age in self.ages.items()},
            "waiting": self.waiting,
            "oldest_waiting_seconds": _rounded(self.oldest),
            "dead": self.dead,
            "broker": self.broker,
        }


def job_health() -> JobHealth:
    """Look at signs of life and at what waits, by the database's clock, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        beats, last_done, dead, waiting, oldest = cursor.fetchone()
    beats = json.loads(beats or "{}")
    ages = {name: _age(beats.get(name)) for name in PROCESSES}
    if last_done is not None:
        ages["worker"] = min(float(last_done), ages["worker"] if ages["worker"] is not None else float(last_done))
    trouble = (beats.get("sweeper") or [0, ""])[1]
    oldest = float(oldest or 0)
    return JobHealth(
        ages=ages,
        waiting=waiting,
        oldest=oldest,
        dead=dead,
        broker="away" if trouble else "ok",
        problems=_problems(ages, oldest),
    )


def _problems(ages: dict[str, float | None], oldest: float) -> list[str]:
    found = []
    for name, age in ages.items():
        if age is None:
            found.append(f"{PROCESSES[name]}进程还没有启动。")
        elif age > SILENT_SECONDS:
            found.append(f"{PROCESSES[name]}进程已有 {age:.0f} 秒没有心跳。")
    if oldest > WAITING_SECONDS:
        found.append(f"最早的一项任务已等了 {oldest:.0f} 秒。")
    return found


def _age(entry: list[Any] | None) -> float | None:
    return float(entry[0]) if entry else None


def _rounded(age: float | None) -> float | None:
    return round(age, 1) if age is not None else None
