"""What strikes: six kinds of faults, in an order that the seed says."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from tests.chaos.arena import Arena, wait

Strike = Callable[[Arena, random.Random], str]


def plan(seed: int, count: int, *, sweepers: bool = True) -> list[str]:
    """Return `count` faults in random order, each kind as often as the next one, give or take one."""
    kinds = [kind for kind in KINDS if sweepers or kind != "sweeper"]
    deck = [kinds[number % len(kinds)] for number in range(count)]
    random.Random(seed).shuffle(deck)
    return deck


def _one_of(arena: Arena, rng: random.Random, kind: str) -> tuple[str, int]:
    """Choose among the running processes of a kind; wait when all of them are down."""
    running: list[tuple[str, int]] = []

    def found() -> bool:
        names = sorted(name for name in arena.supervisor.children if name.startswith(kind))
        running[:] = [(name, pid) for name in names if (pid := arena.pid(name))]
        return bool(running)

    wait(found, 30, arena.tail)
    return rng.choice(running)


def _kill(arena: Arena, rng: random.Random, kind: str, sign: int = signal.SIGKILL) -> str:
    """Signal one process alone; what it has started is left to itself."""
    name, pid = _one_of(arena, rng, kind)
    os.kill(pid, sign)
    return name


def kill_worker(arena: Arena, rng: random.Random) -> str:
    """Kill the main process of a worker."""
    return _kill(arena, rng, "worker")


def kill_child(arena: Arena, rng: random.Random) -> str:
    """Kill a process of a worker's pool."""
    name, pid = _one_of(arena, rng, "worker")
    pool = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    if pool:
        os.kill(int(rng.choice(pool)), signal.SIGKILL)
    return f"{name} pool" if pool else "nobody yet"


def kill_sweeper(arena: Arena, rng: random.Random) -> str:
    """Kill a sweeper."""
    return _kill(arena, rng, "sweeper")


def flush(arena: Arena, rng: random.Random) -> str:
    """Empty the broker."""
    arena.broker.wait_ready()
    with arena.redis() as client:
        gone = client.llen("celery")
        client.flushall()
    return f"{gone} messages"


def restart_broker(arena: Arena, rng: random.Random) -> str:
    """Kill the broker, which keeps nothing on disk."""
    return _kill(arena, rng, "broker")


def restart_postgres(arena: Arena, rng: random.Random) -> str:
    """Let PostgreSQL drop everything at once and recover when it is started again."""
    return _kill(arena, rng, "postgres", signal.SIGQUIT)


KINDS: dict[str, Strike] = {
    "worker": kill_worker,
    "child": kill_child,
    "sweeper": kill_sweeper,
    "flush": flush,
    "broker": restart_broker,
    "postgres": restart_postgres,
}
