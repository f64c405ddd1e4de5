"""Eighteen months that have passed: closed requests and needs, told chapter by chapter."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from audit.actions import record
from audit.models import Event
from grids.models import DistrictProfile
from hedong.demo import shape, world
from hedong.demo.copying import copy_in
from hedong.demo.needs import Broker
from hedong.demo.requests import Teller
from hedong.demo.scale import Scale
from hedong.demo.scenes import Stage
from hedong.demo.tables import generator
from hedong.demo.trail import Trail, known
from hedong.demo.world import Board
from requests_board import workflow
from requests_board.models import Allocation, NotAcceptedReason, ResourceRequest, ServiceRequest

LOADED = "demo.chapter_loaded"
SILENCE = timedelta(hours=168)
# A need of the past was asked for so long ago that its service is over and evaluated.
NEEDS_END = 16
# Services of the past are over, and those that take a week are so too.
SERVICE_ENDS = timedelta(days=8)
# Chapters share slots: two that are written at a time would each count without the other.
LOCK = (0x6872, 91)
# How needs went: served at once, after a refusal, after silence, unanswered evaluation, and so on.
COURSES = (
    ("served", 66), ("second", 9), ("silent", 5), ("unrated", 11), ("no_show", 2), ("cancelled", 2), ("unmet", 3),
    ("withdrawn", 2),
)  # fmt: skip


def told(chapter: int) -> bool:
    """Tell whether a chapter is loaded."""
    return Event.objects.filter(verb=LOADED, data__chapter=chapter).exists()


@transaction.atomic
def load_chapter(scale: Scale, chapter: int, until: datetime) -> Counter[str]:
    """Write one chapter of the past up to `until`; a chapter that is there already stays as it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
    if told(chapter):
        return Counter()
    board = Board(world.read())
    board.now = board.world.now = until
    trail = Trail()
    requests = _requests(board, scale, chapter, trail)
    broker = _needs(board, scale, chapter, trail)
    copy_in(ServiceRequest, requests)
    broker.market.write()
    copy_in(ResourceRequest, broker.needs)
    copy_in(Allocation, broker.allocations)
    written = Counter(requests=len(requests), allocations=len(broker.allocations), events=trail.write())
    record(verb=LOADED, target=DistrictProfile.objects.get(pk=1), data={"chapter": chapter, **written})
    return written


def _slice(count: int, scale: Scale, chapter: int) -> range:
    """Return the numbers of the things that this chapter tells; the last chapter is the most recent."""
    return range(count * (chapter - 1) // scale.chapters, count * chapter // scale.chapters)


def _requests(board: Board, scale: Scale, chapter: int, trail: Trail) -> list[ServiceRequest]:
    rng = generator(f"history {chapter}")
    kinds = ["closed"] * scale.closed_requests + ["refused"] * scale.refused_requests
    kinds += ["withdrawn"] * scale.withdrawn_requests
    plan = generator("history plan")
    plan.shuffle(kinds)
    fates = list(shape.fates(plan, len(kinds)))
    last = board.now.date() - timedelta(days=2)
    first = last - timedelta(days=shape.HISTORY_DAYS)
    moments = shape.moments(plan, first, last, len(kinds), board.now - timedelta(hours=8))
    teller = Teller(board, rng, trail)
    reasons = {reason.code: reason for reason in NotAcceptedReason.objects.all()}
    made = []
    for number in _slice(len(kinds), scale, chapter):
        said = shape.said(rng, moments[number])
        if kinds[number] == "closed":
            made.append(teller.closed(said, fates[number]))
        elif kinds[number] == "refused":
            made.append(teller.refused(said, reasons))
        else:
            made.append(teller.withdrawn(said))
    return made


def _needs(board: Board, scale: Scale, chapter: int, trail: Trail) -> Broker:
    rng = generator(f"history needs {chapter}")
    broker = Broker(board, rng, trail)
    communities = [*board.world.of("community"), *board.world.of("community"), *board.world.of("village")[:60]]
    last = board.now.date() - timedelta(days=NEEDS_END)
    moments = _asking(board, scale, last)
    names, weights = zip(*COURSES, strict=True)
    for number in _slice(scale.past_needs, scale, chapter):
        at = board.hours.after(moments[number], rng.uniform(1, 400))
        _tell(Stage(board, broker, rng, rng.choice(communities)), rng.choices(names, weights)[0], at, rng)
    return broker


def _asking(board: Board, scale: Scale, last: date) -> list[datetime]:
    """Return when needs were written down: half of them within the last third, because the pool became known."""
    plan, half = generator("needs plan"), scale.past_needs // 2
    turn = last - timedelta(days=shape.HISTORY_DAYS // 3)
    early = shape.moments(plan, last - timedelta(days=shape.HISTORY_DAYS - NEEDS_END), turn, half, board.now)
    return sorted([*early, *shape.moments(plan, turn, last, scale.past_needs - half, board.now)])


def _tell(stage: Stage, course: str, at: datetime, rng: random.Random) -> None:
    """Tell one need from the asking to its end."""
    begin = _service_day(stage, at, rng)
    if begin > stage.now - SERVICE_ENDS:
        return
    broker, place = stage.broker, stage.place
    if course in ("unmet", "withdrawn"):
        _unserved(stage, course, at, begin)
        return
    if course == "served" or course == "unrated":
        need, allocation = stage.served(at, begin)
    else:
        need, allocation = _after_trouble(stage, course, at, begin, rng)
    if allocation is None:
        return
    slot = allocation.deal.slot  # type: ignore[attr-defined]
    given = stage.rendered(allocation, begin if begin > slot.starts_at else slot.starts_at)
    broker.deliver(need, allocation, place, given)
    if course == "unrated" and given + SILENCE < stage.now:
        broker.auto_evaluate(need, allocation, given + SILENCE)
    else:
        broker.evaluate(need, allocation, place, stage.later(max(given, slot.ends_at), 20, 900))


def _service_day(stage: Stage, at: datetime, rng: random.Random) -> datetime:
    day = at + timedelta(days=rng.randint(5, 8))
    while not stage.board.hours.calendar.is_working_day(day.date()):
        day += timedelta(days=1)
    return day.replace(hour=rng.choice((9, 14)), minute=0, second=0, microsecond=0)


def _after_trouble(
    stage: Stage, course: str, at: datetime, begin: datetime, rng: random.Random
) -> tuple[ResourceRequest, Allocation | None]:
    """Let the first department fall out, and another one come."""
    broker, place = stage.broker, stage.place
    need = stage.past_need(at, begin)
    deal = stage.past_deal(need, at, begin)
    if deal is None:
        broker.forget(need)
        return need, None
    first = broker.hold(need, deal, place, at)
    answer = stage.between(at, first)
    if course == "silent":
        answer = broker.expire(need, first, place)
    elif course == "second":
        broker.decline(need, first, place, answer)
    else:
        broker.confirm(need, first, place, answer)
        if course == "cancelled":
            answer = stage.later(answer, 60, 200)
            broker.cancel(need, first, answer)
        else:
            answer = deal.slot.ends_at + timedelta(minutes=30)
            broker.no_show(need, first, place, answer)
            answer = stage.later(answer, 20, 200)
            broker.trail.step(first, workflow.CLOSE_NO_SHOW, answer, broker.worker(place))
    again = _second(stage, need, answer, begin, str(first.partner_id), rng)
    if again is None:
        broker.raise_to_district(need, answer + timedelta(minutes=1))
        _give_up(stage, need)
    return need, again


def _second(
    stage: Stage, need: ResourceRequest, at: datetime, begin: datetime, refused: str, rng: random.Random
) -> Allocation | None:
    later = _service_day(stage, max(at, begin), rng) if at > begin - timedelta(days=6) else begin
    if later > stage.now - SERVICE_ENDS:
        return None
    need.window_end = max(need.window_end, later + timedelta(days=8))
    deal = stage.past_deal(need, at, later, frozenset({refused}))
    if deal is None:
        return None
    allocation = stage.broker.hold(need, deal, stage.place, at)
    stage.broker.confirm(need, allocation, stage.place, stage.between(at, allocation))
    return allocation


def _unserved(stage: Stage, course: str, at: datetime, begin: datetime) -> None:
    need = stage.past_need(at, begin)
    if course == "withdrawn":
        who = stage.broker.worker(stage.place)
        stage.broker.trail.step(need, workflow.WITHDRAW_NEED, stage.later(at, 30, 400), who, reason="活动取消了")
        return
    stage.broker.raise_to_district(need, at + timedelta(seconds=12))
    _give_up(stage, need)


def _give_up(stage: Stage, need: ResourceRequest) -> None:
    who = stage.rng.choice(stage.board.district_officials)
    reason = stage.rng.choice(
        ("资源库里没有这一类的空档，列入下季度清单", "时间太紧，建议并入街道集中活动", "已由街道自行解决")
    )
    end = stage.later(known(need.raised_at), 100, 500)
    stage.broker.trail.step(need, workflow.GIVE_UP, end, who, reason=reason, unmet_reason=reason)
