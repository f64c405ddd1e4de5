"""One run: real workers and sweepers, a client that writes jobs, faults meanwhile, and the count at the end."""

import random
import subprocess
import sys
import time
from dataclasses import dataclass, field

from hedong.up import children
from hedong.up.processes import SWEEPER, WORKER
from tests.chaos import faults
from tests.chaos.arena import ROOT, Arena, wait

# Short ones, so that a run takes half a minute; the product waits 15 and 5 seconds.
LIMITS = {"JOB_LEASE_SECONDS": "2", "JOB_RING_AGAIN_SECONDS": "2"}
# A fault strikes when the next share of the jobs is done, and when nothing moves for so long.
STANDSTILL = 2.5


@dataclass(frozen=True, slots=True)
class Scene:
    """What is played: so many jobs and faults, on so many processes, with or without the guard."""

    seed: int
    jobs: int = 400
    faults: int = 12
    workers: int = 2
    sweepers: int = 2
    guard: bool = True
    # Whatever has no effect so long after the last fault is over counts as lost.
    patience: float = 30.0


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    scene: Scene
    lost: int = 0
    double: int = 0
    not_done: int = 0
    # Jobs that needed more than one attempt: without any, the faults would have struck nothing.
    repeated: int = 0
    seconds: float = 0.0
    recovery: float = 0.0
    # What struck whom, in order.
    struck: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether every job had exactly one effect and is done."""
        return (self.lost, self.double, self.not_done) == (0, 0, 0)

    def __str__(self) -> str:
        scene = self.scene
        return (
            f"种子 {scene.seed}：{scene.jobs} 项任务，{len(self.struck)} 次故障，丢失 {self.lost}，重复 {self.double}，"
            f"重做过 {self.repeated}，用时 {self.seconds:.1f} 秒，最后一次故障后 {self.recovery:.1f} 秒全部办完"
        )


def play(arena: Arena, scene: Scene) -> Outcome:
    """Play one scene on an emptied arena and count."""
    outcome, start = Outcome(scene), time.monotonic()
    clear(arena)
    names = start_processes(arena, scene)
    writer = start_writer(arena, scene)
    try:
        strike(arena, scene, outcome)
        if writer.wait(60):
            raise RuntimeError(f"the writer gave up\n{arena.log('writer').read_text(errors='replace')}")
        arena.settle()
        outcome.recovery = wait_for_the_rest(arena, scene)
        count(arena, outcome)
    finally:
        writer.kill()
        writer.wait()
        arena.kill(*names)
    outcome.seconds = time.monotonic() - start
    return outcome


def clear(arena: Arena) -> None:
    """Begin with no job, no effect and no message."""
    arena.calm()
    arena.fetch("TRUNCATE audit_job, chaos_effect RESTART IDENTITY")
    with arena.redis() as client:
        client.flushall()


def start_processes(arena: Arena, scene: Scene) -> list[str]:
    """Start workers and sweepers by the supervisor's commands."""
    app = "tests.chaos.apps.Guarded" if scene.guard else "tests.chaos.apps.Unguarded"
    env = arena.env(**LIMITS, CHAOS_APP=app, CHAOS_SEED=str(scene.seed))
    workers = [f"worker-{number}" for number in range(1, scene.workers + 1)]
    sweepers = [f"sweeper-{number}" for number in range(1, scene.sweepers + 1)]
    for name in workers:
        arena.start(name, (*WORKER.command, "-n", f"{name}@%h"), env=env)
    for name in sweepers:
        arena.start(name, SWEEPER.command, env=env)
    return workers + sweepers


def start_writer(arena: Arena, scene: Scene) -> subprocess.Popen:
    """Start the client; it is never killed, because whoever sends nothing has lost nothing."""
    env = arena.env(**LIMITS, CHAOS_SEED=str(scene.seed))
    command = [sys.executable, "-m", "tests.chaos.writer", str(scene.jobs), "0.01"]
    return children.start(command, env=env, cwd=ROOT, log=arena.log("writer"))


def strike(arena: Arena, scene: Scene, outcome: Outcome) -> None:
    """Let the faults strike while there is work: one for each further share of the jobs that is done."""
    rng = random.Random(scene.seed)
    deck = faults.plan(scene.seed, scene.faults, sweepers=bool(scene.sweepers))
    wait(lambda: effects(arena), 60, arena.tail)
    for number, kind in enumerate(deck):
        wait_for_share(arena, scene.jobs * (number + 0.5) / (len(deck) + 1))
        time.sleep(rng.uniform(0, 0.2))
        outcome.struck.append(f"{kind}: {faults.KINDS[kind](arena, rng)}")


def wait_for_share(arena: Arena, share: float) -> None:
    """Wait until so many jobs are done, but not while nothing moves."""
    moved, before = time.monotonic(), -1
    while (now := effects(arena)) < share and time.monotonic() - moved < STANDSTILL:
        if now != before:
            moved, before = time.monotonic(), now
        time.sleep(0.05)


def effects(arena: Arena) -> int:
    """Return how many jobs have had an effect."""
    return arena.fetch("SELECT count(DISTINCT number) FROM chaos_effect")[0][0]


def wait_for_the_rest(arena: Arena, scene: Scene) -> float:
    """Wait until every job is done and no message is left that could do one again; return the first's time."""
    start = time.monotonic()
    while effects(arena) < scene.jobs and time.monotonic() - start < scene.patience:
        time.sleep(0.05)
    took = time.monotonic() - start
    with arena.redis() as client:
        wait(lambda: client.llen("celery") + client.hlen("unacked") == 0, 30, arena.tail)
    return took


def count(arena: Arena, outcome: Outcome) -> None:
    """Compare the effects with the jobs, number by number."""
    jobs = outcome.scene.jobs
    row = arena.fetch(
        "SELECT count(*) FILTER (WHERE n = 0), coalesce(sum(n - 1) FILTER (WHERE n > 1), 0) FROM ("
        " SELECT count(e.number) AS n FROM generate_series(0, %s) AS job(number)"
        " LEFT JOIN chaos_effect e USING (number) GROUP BY job.number) AS counted",
        [jobs - 1],
    )[0]
    outcome.lost, outcome.double = int(row[0]), int(row[1])
    outcome.not_done, outcome.repeated = arena.fetch(
        "SELECT count(*) FILTER (WHERE state <> 'done'), count(*) FILTER (WHERE attempts > 1) FROM audit_job"
    )[0]


def bury_the_dead(arena: Arena, runs: int) -> Outcome:
    """Let processes die at every planted point, then let a real worker and a real sweeper find what they left."""
    from tests.chaos.deaths import POINTS

    scene = Scene(seed=0, jobs=runs * len(POINTS), faults=0, workers=1, sweepers=1)
    outcome, start = Outcome(scene), time.monotonic()
    clear(arena)
    dead = arena.run([sys.executable, "-W", "ignore", "-m", "tests.chaos.deaths", str(runs)], **LIMITS)
    outcome.struck = ["death"] * int(dead)
    names = start_processes(arena, scene)
    try:
        outcome.recovery = wait_for_the_rest(arena, scene)
        count(arena, outcome)
    finally:
        arena.kill(*names)
    outcome.seconds = time.monotonic() - start
    return outcome
