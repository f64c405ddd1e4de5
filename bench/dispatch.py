"""The batch: from the rows to the rows against the bare solver on the same graphs, how good and how fair the result is.

`SIZE=L` takes 100,000 needs and 20,000 offerings instead of 1,000 and 300, `SIZE=M` a tenth of that.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg2

from bench import synthetic
from bench.arena import Arena
from bench.measure import FORK, ROUNDS, Figure
from requests_board.matching import batch, exact, flow, whole
from requests_board.matching.problem import Problem, join, kinds, nearest

SEED = 20260102
# The greedy may look at so many pairs of each need; the batch begins with fewer.
WIDE = 64


def figures(arena: Arena) -> Iterator[Figure]:
    """Prove that a run keeps every promise, then measure it; then look at the result on the same shapes by itself."""
    name = os.environ.get("SIZE", "S")
    size = synthetic.SIZES[name]
    rounds = {"S": ROUNDS, "M": 3, "L": 2}[name]
    # In a process of its own, so that what it takes to make the rows is not counted as the run's memory.
    _apart(_seed, size)
    arena.settle()
    yield _end_to_end(arena, name, rounds)
    yield _memory(arena, name)
    problem = synthetic.problem(size, SEED)
    yield from _quality(problem, synthetic.problem(size, SEED, whole=True), name)


def _end_to_end(arena: Arena, name: str, rounds: int) -> Figure:
    """Measure read → solve → write against solving, alone, the graphs that it solves last."""
    figure = Figure(f"batch {name}: rows to rows / bare solver on the same graphs", "ratio", at_most=2.5)
    ours, bare = [], []
    for number in range(rounds):
        _clear(arena)
        bare.append(_bare())
        began = time.perf_counter()
        row = _run(f"bench {number}")
        ours.append(time.perf_counter() - began)
        _holds(arena, row)
    figure.values = [mine / most for mine, most in zip(ours, bare, strict=True)]
    figure.beside |= {
        "ours s": round(sorted(ours)[len(ours) // 2], 2), "bare s": round(sorted(bare)[len(bare) // 2], 2),
        "needs": row.needs, "slots": row.slots, "served": row.served_after, "gap %": round(100 * row.gap, 2),
    }  # fmt: skip
    return figure


def _run(key: str) -> Any:
    from grids.models import Area
    from requests_board.actions import batch as action
    from requests_board.permissions import ENGINE

    return action.run(key=key, actor=ENGINE, area=Area.objects.get(parent=None))


def _bare() -> float:
    """Solve the graphs of the run's last step, and nothing else; building them is not counted."""
    from grids.models import Area
    from requests_board.backlog import read

    problem = read(Area.objects.get(parent=None)).problem
    parts = [batch.draft(problem, kind) for kind in kinds(problem)]
    extra = batch.community_prices(problem, parts, 2000)
    seconds = 0.0
    for part in parts:
        plain = join([part.edges, part.more])
        worth = plain.worth + extra[problem.needs.community[plain.need]]
        if len(plain):
            edges = type(plain)(plain.need, plain.slot, worth)
            graph = flow.graph(edges, problem.needs.quantity, problem.stock.free)
            began = time.perf_counter()
            graph.solve()
            seconds += time.perf_counter() - began
    return seconds


def _holds(arena: Arena, row: Any) -> None:
    """Prove that no slot is promised more than it has, that each need has one proposal and each step its event."""
    cursor = _cursor(arena)
    cursor.execute("""
        SELECT count(*) FROM (
            SELECT 1 FROM requests_board_allocation a JOIN partners_resourceslot s ON s.id = a.slot_id
            GROUP BY s.id HAVING sum(a.quantity) > max(s.capacity - s.used)) AS over""")
    assert cursor.fetchone() == (0,), "a slot is planned beyond what it has"
    cursor.execute("SELECT count(*), count(DISTINCT resource_request_id) FROM requests_board_allocation")
    assert cursor.fetchone() == (row.proposed, row.proposed), "a need has two proposals, or one is not counted"
    cursor.execute("SELECT count(*) FROM audit_event WHERE verb = 'allocation.proposed'")
    assert cursor.fetchone() == (row.proposed,), "a proposal has no event"
    assert row.proposed == row.served_after
    assert row.skipped == 0


def _memory(arena: Arena, name: str) -> Figure:
    """Measure the most memory that a process of its own takes for a run."""
    figure = Figure(f"batch {name}: most memory of the run", "MB", at_most=700)
    results = FORK.SimpleQueue()

    def work() -> None:
        _run("bench memory")
        results.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    _clear(arena)
    _apart(work)
    figure.values = [results.get()]
    return figure


def _apart(act: Callable[..., None], *about: Any) -> None:
    """Do something in a process of its own."""
    from django.db import connections

    connections.close_all()
    process = FORK.Process(target=act, args=about)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("A process of the measurement failed; its traceback stands above.")


def _quality(divisible: Problem, undivided: Problem, name: str) -> Iterator[Figure]:
    """Compare worth and shares with the bound over every pair, and with the greedy by priority."""
    plain = batch.solve(divisible)
    yield Figure(
        f"batch {name}: certified gap over every pair, divisible", "%", at_most=1.2, values=[100 * plain.gap]
    )
    tight = batch.solve(undivided)
    most = 1.0 if name == "S" else 2.0
    yield Figure(f"batch {name}: gap to the same bound, all or nothing", "%", at_most=most, values=[100 * tight.gap])
    fair = batch.solve(divisible, fairness=2000)
    given, worth = greedy(divisible)
    shares = batch.shares(divisible, given, fair.able)
    # Where nobody can bring anything the lowest share is 0 for everybody; the twentieth part tells more on few needs.
    low = [float(np.nanquantile(each, 0.0 if name == "L" else 0.05)) for each in (fair.shares, shares)]
    figure = Figure(f"batch {name}: worst communities' share / greedy's", "ratio", at_least=1.3)
    figure.values = [low[0] / low[1] if low[1] else 1.0]
    part = round(worth / plain.bound, 4)
    figure.beside |= {"fair": round(low[0], 3), "greedy": round(low[1], 3), "greedy worth": part}
    yield figure
    yield Figure(
        f"batch {name}: evenness (Jain)", "index", at_least=0.985, values=[fair.evenness],
        beside={"greedy": round(batch.evenness(shares), 4), "no fairness": round(plain.evenness, 4)},
    )  # fmt: skip
    yield Figure(f"batch {name}: price of fairness", "%", at_most=0.2, values=[100 * (1 - fair.worth / plain.worth)])


def greedy(problem: Problem) -> tuple[np.ndarray, int]:
    """Serve needs by priority, each from the best of its pairs with room: what each is given, and the worth of all."""
    needs, left = problem.needs, problem.stock.free.copy()
    given, worth = np.zeros(len(needs), dtype=np.int64), 0
    edges = join([nearest(problem, kind, WIDE) for kind in kinds(problem)])
    start = np.searchsorted(edges.need, np.arange(len(needs) + 1))
    for need in np.argsort(-needs.value, kind="stable").tolist():
        mine = slice(start[need], start[need + 1])
        for pair in np.argsort(-edges.worth[mine], kind="stable") + start[need]:
            slot = edges.slot[pair]
            units = min(int(left[slot]), int(needs.quantity[need] - given[need]))
            left[slot] -= units
            given[need] += units
            worth += units * int(edges.worth[pair])
            if given[need] == needs.quantity[need]:
                break
    return given, worth


def improvement(problem: Problem) -> tuple[int, int]:
    """Return what the repair alone is worth and what the search through small groups adds to it."""
    quantity, free = problem.needs.quantity, problem.stock.free
    edges = join([nearest(problem, kind) for kind in kinds(problem)])
    settled = whole.settle(edges, flow.solve(edges, quantity, free), quantity, free)
    better = exact.improve(edges, settled, quantity, free)
    return int((settled * edges.worth).sum()), int((better * edges.worth).sum())


def _clear(arena: Arena) -> None:
    """Set everything back to waiting."""
    cursor = _cursor(arena)
    cursor.execute("TRUNCATE requests_board_allocation, requests_board_dispatchrun, audit_event, audit_job CASCADE")
    cursor.execute("UPDATE requests_board_resourcerequest SET status = 'open', version = 1, matched_at = NULL")
    line = cursor.connection
    line.commit()
    line.autocommit = True
    cursor.execute("VACUUM ANALYZE requests_board_resourcerequest")


def _cursor(arena: Arena) -> Any:
    return psycopg2.connect(arena.super_dsn).cursor()


def _seed(size: synthetic.Size) -> None:
    """Write the synthetic district as rows: 200 communities in 12 streets, resources, slots of half a day, needs."""
    from clockwork.actions import load_calendar, load_policies
    from clockwork.selectors import db_now
    from requests_board.models import DispatchPolicy

    load_calendar()
    load_policies()
    DispatchPolicy.objects.create(ask_days_ahead=0, fairness=2000)
    problem = synthetic.problem(size, SEED)
    base = db_now().replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=4)
    moments = [base + timedelta(days=tick // 2, hours=5 * (tick % 2)) for tick in range(synthetic.TICKS + 2)]
    streets, communities, district, home = _places()
    types = _types(size)
    _pool(problem, types, (streets, communities, district, home), moments)
    _backlog(problem, types, communities, moments)


def _places() -> tuple[list[Any], list[Any], Any, np.ndarray]:
    from grids import trees
    from grids.models import Area
    from grids.trees import NewArea

    street = np.sort(np.random.default_rng(SEED).integers(0, synthetic.STREETS, synthetic.COMMUNITIES))
    district = trees.create_area(parent=None, kind="district", name="测量区", code="880001")
    rows = [NewArea(f"s{at}", district, "street", f"街道{at}") for at in range(synthetic.STREETS)]
    rows += [
        NewArea(f"c{at}", f"s{up}", "community", f"社区{at}", code=f"88{at:010}", households=1000)
        for at, up in enumerate(street.tolist())
    ]
    trees.load_areas(rows)
    names = {area.name: area for area in Area.objects.all()}
    streets = [names[f"街道{at}"] for at in range(synthetic.STREETS)]
    return streets, [names[f"社区{at}"] for at in range(synthetic.COMMUNITIES)], names["测量区"], street


def _types(size: synthetic.Size) -> list[Any]:
    from partners.models import ResourceType

    field = ResourceType.objects.create(code="90", name="测量")
    return ResourceType.objects.bulk_create(
        ResourceType(code=f"90{at:02}", name=f"类型{at}", parent=field) for at in range(size.kinds)
    )


def _pool(problem: Problem, types: list[Any], places: Any, moments: list[Any]) -> None:
    from partners.models import Partner, Resource, ResourceServedArea, ResourceSlot

    streets, communities, district, street = places
    stock, serves = problem.stock, problem.terms.serves
    count = len(serves)
    kind = np.zeros(count, dtype=np.int64)
    kind[stock.resource] = stock.kind
    owners = Partner.objects.bulk_create(
        Partner(area=district, category="department", name=f"部门{at}", code=f"B{at:05}")
        for at in range(count // 10 + 1)
    )
    homes = [int(np.flatnonzero(row)[0]) for row in serves]
    made = Resource.objects.bulk_create(
        Resource(
            area=communities[homes[at]], partner=owners[at // 10], type=types[kind[at]], name=f"资源{at}",
            unit_kind="person_session", unit_label="场", whole_district=bool(serves[at].all()),
        )
        for at in range(count)
    )  # fmt: skip
    ResourceServedArea.objects.bulk_create(
        ResourceServedArea(resource=each, area=communities[home] if row.sum() == 1 else streets[street[home]])
        for each, home, row in zip(made, homes, serves, strict=True)
        if not row.all()
    )
    ResourceSlot.objects.bulk_create(
        (
            ResourceSlot(
                resource=made[owner], starts_at=moments[tick], ends_at=moments[tick] + timedelta(hours=3), capacity=free
            )
            for owner, tick, free in zip(stock.resource, stock.start, stock.free.tolist(), strict=True)
        ),
        batch_size=5000,
    )


def _backlog(problem: Problem, types: list[Any], communities: list[Any], moments: list[Any]) -> None:
    from clockwork.selectors import db_now
    from requests_board.models import ResourceRequest

    needs, now = problem.needs, db_now()
    urgency = np.where(needs.value >= 8000, 2, np.where(needs.value >= 2000, 1, 0))
    names = ("routine", "coordinated", "urgent")
    ResourceRequest.objects.bulk_create(
        (
            ResourceRequest(
                number=f"Z{at:08}", area=communities[needs.community[at]], type=types[needs.kind[at]],
                quantity=int(needs.quantity[at]), window_start=moments[needs.first[at]],
                window_end=moments[needs.last[at]], urgency=names[urgency[at]], dispatch_after=now - timedelta(hours=1),
                created_at=now - timedelta(days=int(needs.value[at] % 1000 // 20)),
            )
            for at in range(len(needs))
        ),
        batch_size=5000,
    )  # fmt: skip
