"""Claims of scarce slots: the product's way through Django against the same statements without it."""

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg2

from bench.arena import Arena
from bench.measure import HANDS, SECONDS, Figure, by_many_hands, compare

Hands = Callable[[int], Callable[[], bool]]
SLOTS, SEED, ASKS = 2000, 20260101, 12_000
TAKE = "UPDATE partners_resourceslot SET used = used + 1 WHERE id = %s AND used <= capacity - 1"
# What `dispatch.hold` keeps for good, in as few words as SQL allows: the slot, the allocation, the event, its delivery.
HOLD = """
    WITH slot AS (
        UPDATE partners_resourceslot SET used = used + 1 WHERE id = %(slot)s AND used <= capacity - 1 RETURNING id),
    asked AS (
        UPDATE requests_board_allocation
        SET status = 'held', version = version + 1, asks = asks + 1, held_at = statement_timestamp(),
            answer_due_at = statement_timestamp() + interval '1 day'
        WHERE id = %(allocation)s AND status = 'proposed' AND EXISTS (SELECT FROM slot) RETURNING id, scope_path),
    event AS (
        INSERT INTO audit_event (at, actor_label, on_behalf_of, verb, target_type, target_id, before, after, reason,
                                 scope_path, data)
        SELECT statement_timestamp(), '系统', '', 'allocation.held', 'requests_board.allocation', id, 'proposed',
               'held', '', scope_path, '{"version": 2}' FROM asked RETURNING id)
    INSERT INTO audit_job (kind, key, payload, state, attempts, last_error, next_at, enqueued_at, created_at)
    SELECT 'audit.deliver', 'event:' || id || ':bench', jsonb_build_object('event', id), 'pending', 0, '',
           statement_timestamp(), statement_timestamp(), statement_timestamp() FROM event
"""


def figures(arena: Arena) -> Iterator[Figure]:
    """Prove that nothing is given away twice, then measure taking a slot and holding one for a need."""
    slots, asks = _seed()
    arena.settle()
    _nothing_is_given_twice(arena, slots)
    _empty(arena)
    yield _claim(arena, slots)
    yield compare(
        Figure("hold: dispatch.hold / one SQL statement of the same effect", "ratio", at_least=0.02),
        lambda: _afresh(arena, _holds(asks)),
        lambda: _afresh(arena, _raw_holds(arena, asks)),
    )


def _claim(arena: Arena, slots: list[int]) -> Figure:
    """Measure the claim alone; every one that was reported must be found in the table afterwards."""
    taken = 0

    def speed(prepare: Hands) -> float:
        nonlocal taken
        together = by_many_hands(prepare, seconds=SECONDS)
        taken += together.ever
        return together.per_second

    figure = compare(
        Figure("claim: partners.actions.take / the same UPDATE by psycopg2", "ratio", at_least=0.2),
        lambda: speed(_takes(slots)),
        lambda: speed(_raw_takes(arena, slots)),
    )
    cursor = _cursor(arena.super_dsn)
    cursor.execute("SELECT sum(used), max(used - capacity) FROM partners_resourceslot")
    used, over = cursor.fetchone()
    cursor.connection.close()
    if used != taken or over > 0:
        raise AssertionError(f"{taken} claims were reported, {used} are in the table, {over} over capacity")
    figure.beside |= _pgbench(arena, slots, figure.beside["ours"])
    return figure


def _pgbench(arena: Arena, slots: list[int], ours: float) -> dict[str, float]:
    """Run the statement through pgbench with a prepared plan, where there is one: what the server itself can do."""
    program = arena.binaries.folder / "pgbench"
    if not program.exists():
        return {}
    script = arena.folder / "claim.sql"
    statement = TAKE.replace("%s", ":slot")
    script.write_text(f"\\set slot random({min(slots)}, {max(slots)})\n{statement};\n", encoding="ascii")
    command = [program, "-n", "-M", "prepared", "-c", str(HANDS), "-j", "2", "-T", "3", "-f", script, arena.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    tps = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
    return {"pgbench": round(tps, 1), "of_pgbench": round(ours / tps, 3)}


def _speed(prepare: Hands) -> float:
    return by_many_hands(prepare, seconds=SECONDS).per_second


def _afresh(arena: Arena, prepare: Hands) -> float:
    _empty(arena)
    speed = _speed(prepare)
    _adds_up(arena)
    return speed


# Hands: each is made in the process that uses it --------------------------------------------------------------------


def _takes(slots: list[int]) -> Hands:
    def prepare(number: int) -> Callable[[], bool]:
        from common.errors import OutOfCapacity
        from partners.actions import take

        draw = random.Random(SEED + number)

        def act() -> bool:
            try:
                take(draw.choice(slots), 1)
            except OutOfCapacity:
                return False
            return True

        return act

    return prepare


def _raw_takes(arena: Arena, slots: list[int]) -> Hands:
    def prepare(number: int) -> Callable[[], bool]:
        cursor, draw = _cursor(arena.dsn), random.Random(SEED + number)

        def act() -> bool:
            cursor.execute(TAKE, [draw.choice(slots)])
            return cursor.rowcount == 1

        return act

    return prepare


def _holds(asks: list[tuple[Any, int]]) -> Hands:
    def prepare(number: int) -> Callable[[], bool]:
        from requests_board.actions import dispatch
        from requests_board.models import Allocation

        mine = iter(asks[number::HANDS])
        rows = Allocation.objects.select_related("resource_request")

        def act() -> bool:
            return dispatch.hold(rows.get(pk=next(mine)[0])) is not None

        return act

    return prepare


def _raw_holds(arena: Arena, asks: list[tuple[Any, int]]) -> Hands:
    def prepare(number: int) -> Callable[[], bool]:
        cursor, mine = _cursor(arena.dsn), iter(asks[number::HANDS])

        def act() -> bool:
            allocation, slot = next(mine)
            cursor.execute(HOLD, {"allocation": str(allocation), "slot": slot})
            return cursor.rowcount == 1

        return act

    return prepare


def _cursor(dsn: str) -> Any:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection.cursor()


# Rows ---------------------------------------------------------------------------------------------------------------


def _seed() -> tuple[list[int], list[tuple[Any, int]]]:
    """Make slots with room for everybody, and one proposed allocation after another on them."""
    from clockwork.actions import load_calendar, load_policies
    from clockwork.selectors import db_now
    from grids.trees import create_area
    from partners.models import Partner, Resource, ResourceSlot, ResourceType
    from requests_board.models import Allocation, ResourceRequest

    load_calendar()
    load_policies()
    area, now = create_area(parent=None, kind="district", name="测试区"), db_now()
    partner = Partner.objects.create(area=area, category="department", name="测试部门", code="B1")
    type = ResourceType.objects.create(code="01", name="讲座")
    resource = Resource.objects.create(area=area, partner=partner, type=type, name="讲座", unit_kind="seat")
    slots = ResourceSlot.objects.bulk_create(
        ResourceSlot(
            resource=resource, starts_at=now + timedelta(hours=n), ends_at=now + timedelta(hours=n + 1),
            capacity=1_000_000,
        )
        for n in range(SLOTS)
    )  # fmt: skip
    needs = ResourceRequest.objects.bulk_create(
        ResourceRequest(
            number=f"ZB{n}", area=area, type=type, status="matching", window_start=now, dispatch_after=now,
            window_end=now + timedelta(days=9),
        )
        for n in range(ASKS)
    )  # fmt: skip
    draw = random.Random(SEED)
    rows = Allocation.objects.bulk_create(
        Allocation(
            area=area, resource_request=need, resource=resource, partner=partner, slot=draw.choice(slots), quantity=1
        )
        for need in needs
    )
    return [slot.pk for slot in slots], [(row.pk, row.slot_id) for row in rows]


def _empty(arena: Arena) -> None:
    """Give every slot back and let every allocation be a proposal again."""
    cursor = _cursor(arena.super_dsn)
    cursor.execute("UPDATE partners_resourceslot SET used = 0, capacity = 1000000 WHERE used > 0 OR capacity < 1000000")
    cursor.execute("UPDATE requests_board_allocation SET status = 'proposed' WHERE status <> 'proposed'")
    cursor.execute("TRUNCATE audit_event, audit_job")
    cursor.execute("VACUUM partners_resourceslot, requests_board_allocation")
    cursor.connection.close()


def _nothing_is_given_twice(arena: Arena, slots: list[int]) -> None:
    """Let eight processes fight for forty slots of five: exactly two hundred claims may succeed."""
    cursor, few, room = _cursor(arena.super_dsn), slots[:40], 5
    cursor.execute("UPDATE partners_resourceslot SET capacity = %s WHERE id = ANY(%s)", [room, few])
    fight = by_many_hands(_takes(few), times=150)
    cursor.execute("SELECT sum(used), max(used - capacity) FROM partners_resourceslot WHERE id = ANY(%s)", [few])
    found = cursor.fetchone()
    cursor.connection.close()
    if (fight.ever, *found) != (room * len(few), room * len(few), 0):
        raise AssertionError(f"{fight.ever} claims succeeded on {room * len(few)} places: {found}")


def _adds_up(arena: Arena) -> None:
    """Refuse to report a speed at which a slot was overfull, or took more or less than its allocations."""
    cursor = _cursor(arena.super_dsn)
    cursor.execute("SELECT count(*) FROM partners_resourceslot WHERE used > capacity")
    (overfull,) = cursor.fetchone()
    cursor.execute(
        "SELECT count(*) FROM partners_resourceslot s WHERE used <> (SELECT coalesce(sum(quantity), 0)"
        " FROM requests_board_allocation a WHERE a.slot_id = s.id AND a.status = 'held')"
    )
    (unequal,) = cursor.fetchone()
    cursor.connection.close()
    if overfull or unequal:
        raise AssertionError(f"{overfull} slots are overfull, {unequal} do not add up")
