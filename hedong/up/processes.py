"""The four processes of the product: the supervisor, the containers and the tests run these very commands."""

import signal
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """One long-running process: its command, as found on PATH, and how it is asked to stop."""

    name: str
    label: str
    command: tuple[str, ...]
    stop_signal: int = signal.SIGTERM


WEB = Process("web", "网页", ("gunicorn", "--config", "hedong/gunicorn.py", "hedong.wsgi:application"))
WORKER = Process("worker", "后台任务", ("celery", "-A", "hedong", "worker", "--concurrency", "2", "--without-gossip"))
BEAT = Process("beat", "定时器", ("celery", "-A", "hedong", "beat"))
SWEEPER = Process("sweeper", "巡查", ("python", "manage.py", "sweep"))
# In the order of starting.
PROCESSES = (WEB, WORKER, BEAT, SWEEPER)
# What must have happened before them, on every machine; run as the owner of the tables.
PREPARE = ("python", "manage.py", "prepare")
STOP_ORDER = ("prepare", "beat", "worker", "sweeper", "web", "broker", "postgres")
