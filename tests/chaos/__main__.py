"""`make chaos`: kill real processes and real servers while jobs are written and done, and count what came of it."""

import argparse
import sys
import time
from collections.abc import Callable

from tests.chaos.arena import Arena
from tests.chaos.outage import district, killed_worker, stopped_worker, until_green, without_broker
from tests.chaos.play import Outcome, Scene, bury_the_dead, play

# What the project promises: seconds until all is done after the broker is back, until red, until green; p95's rise.
DONE, RED, GREEN, RISE = 30, 120, 60, 0.05


def main() -> int:
    """Play what was asked for; return 1 when a promise was broken or a control stayed green."""
    options = arguments()
    told: dict[str, str] = {}
    kept = [PARTS[name](options, told) for name in options.only]
    tell(f"{'全部符合' if all(kept) else '有不符合的'}。" + "；".join(told.values()) + "。")
    return 0 if all(kept) else 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many runs, each with a seed of its own")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="the first seed")
    parser.add_argument("--jobs", type=int, default=600, help="jobs in each run")
    parser.add_argument("--faults", type=int, default=14, help="faults in each run")
    parser.add_argument("--workers", type=int, default=2, help="Celery workers, of two processes each")
    parser.add_argument("--deaths", type=int, default=100, help="processes that die at each planted point")
    parser.add_argument("--posts", type=int, default=500, help="posts while the broker is away")
    parser.add_argument("--away", type=float, default=60.0, help="seconds for which the broker is away")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    return parser.parse_args()


def runs(options: argparse.Namespace, told: dict[str, str]) -> bool:
    """Play the runs with everything in place."""
    start, seeds = time.monotonic(), range(options.first, options.first + options.seeds)
    with Arena() as arena:
        found = [show(play(arena, scene(options, seed))) for seed in seeds]
    lost, double = sum(one.lost + one.not_done for one in found), sum(one.double for one in found)
    each = (time.monotonic() - start) / len(found)
    size = f"{len(found)} 轮各 {options.jobs} 项任务 {options.faults} 次故障"
    told["runs"] = f"{size}，丢失 {lost}，重复 {double}，每轮 {each:.1f} 秒"
    return all(one.ok for one in found)


def scene(options: argparse.Namespace, seed: int, **changes: object) -> Scene:
    """Return the scene that the command line describes."""
    values = {"jobs": options.jobs, "faults": options.faults, "workers": options.workers} | changes
    return Scene(seed, **values)


def controls(options: argparse.Namespace, told: dict[str, str]) -> bool:
    """Play once without the guard and once without the sweeper: the first must repeat, the second must lose."""
    with Arena() as arena:
        bare = show(play(arena, scene(options, options.first, guard=False)))
        deaf = show(play(arena, scene(options, options.first, sweepers=0)))
    told["controls"] = f"对照：不设防重复 {bare.double}，没有巡查丢失 {deaf.lost}"
    return bare.double > 0 and deaf.lost > 0


def deaths(options: argparse.Namespace, told: dict[str, str]) -> bool:
    """Let processes die at the planted points."""
    with Arena() as arena:
        found = show(bury_the_dead(arena, options.deaths))
    told["deaths"] = f"{found.scene.jobs} 次中途退出，丢失 {found.lost}，重复 {found.double}"
    return found.ok and len(found.struck) == found.scene.jobs


def outage(options: argparse.Namespace, told: dict[str, str]) -> bool:
    """Post while the broker is away."""
    with Arena() as arena, district(arena) as town:
        until_green(town)
        found = without_broker(town, options.posts, options.away, before=options.posts)
    tell(str(found))
    rise = found.p95_during - found.p95_before
    told["outage"] = (
        f"消息服务停 {found.away:.0f} 秒，{found.saved}/{found.posts} 存下，恢复后 {found.done_after:.1f} 秒办完，"
        f"p95 变化 {rise * 1000:+.0f} 毫秒"
    )
    whole = {found.posts} == {found.accepted, found.saved, found.jobs}
    return whole and found.done_after <= DONE and rise <= RISE


def silence(options: argparse.Namespace, told: dict[str, str]) -> bool:
    """Stop and kill the worker, and wait for the health door with its true limits."""
    with Arena() as arena, district(arena) as town:
        until_green(town)
        found = [stopped_worker(town, age=False), killed_worker(town, age=False)]
    for one in found:
        tell(str(one))
    red, green = max(one.red for one in found), max(one.green for one in found)
    told["silence"] = f"后台执行停住或被杀，最迟 {red:.0f} 秒变红，恢复后最迟 {green:.0f} 秒变绿"
    return red <= RED and green <= GREEN


PARTS: dict[str, Callable[[argparse.Namespace, dict[str, str]], bool]] = {
    "runs": runs,
    "controls": controls,
    "deaths": deaths,
    "outage": outage,
    "silence": silence,
}


def show(outcome: Outcome) -> Outcome:
    """Print one run's figures."""
    tell(str(outcome))
    return outcome


def tell(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
