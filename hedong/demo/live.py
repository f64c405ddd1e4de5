"""The work that is open when somebody comes in for the first time: requests, needs and allocations in every state."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta

from audit.jobs import enqueue
from hedong.demo import sentences, shape
from hedong.demo.copying import copy_in, copy_rows
from hedong.demo.names import row_id
from hedong.demo.needs import Broker
from hedong.demo.people import LIAISON_OF
from hedong.demo.requests import Teller
from hedong.demo.scale import Scale
from hedong.demo.scenes import SCENES, Stage
from hedong.demo.tables import generator
from hedong.demo.trail import Trail
from hedong.demo.world import Board, Place
from requests_board.actions.dispatch import JOB
from requests_board.models import Allocation, RequestEcho, ResourceRequest, ServiceRequest
from requests_board.workflow import NEED_TERMINAL, AllocationStatus, NeedStatus, RequestStatus, Severity

R = RequestStatus
STATES = (
    (R.SUBMITTED, 26), (R.ACCEPTED, 14), (R.ASSIGNED, 16), (R.IN_PROGRESS, 27), (R.RESOLVED, 12), (R.REOPENED, 5),
)  # fmt: skip
# What of the open work is past its time, due today, or due later.
DUE = (("overdue", 17), ("today", 15), ("later", 68))
# What the first one of each state is, so that the smallest desk has something late and something due today.
FIRST_DUE = ("today", "overdue", "today", "overdue", "later", "later")
# Nothing lies about for ever: what is late is some days late at most.
STALE = timedelta(days=2)
STALE_WORK = 3 * 7 * 60
# Open work goes back so far, and over so many working days at least.
DAYS_BACK, WORKED_BACK = 12, 8
# What a worker has begun was said some minutes of work ago.
BEGUN = 120
TRIES = 30


def load_open_work(board: Board, scale: Scale) -> Counter[str]:
    """Write the open requests and the live needs; return how many rows of each kind."""
    trail = Trail()
    broker = _needs(board, scale, trail)
    requests = _requests(board, scale, trail, broker)
    copy_in(ServiceRequest, requests)
    _echoes(board, requests)
    broker.market.write()
    copy_in(ResourceRequest, broker.needs)
    copy_in(Allocation, broker.allocations)
    events = trail.write()
    _go_on(board, broker)
    return Counter(requests=len(requests), needs=len(broker.needs), allocations=len(broker.allocations), events=events)


def _requests(board: Board, scale: Scale, trail: Trail, broker: Broker) -> list[ServiceRequest]:
    rng = generator("open requests")
    teller, calendar = Teller(board, rng, trail), _Moments(board, rng)
    home = _demo_buildings(board)
    names, weights = [name for name, _ in STATES], [weight for _, weight in STATES]
    made = _behind_needs(teller, broker, rng, scale.open_requests // 15)
    # Every state is there at least once, whatever the size.
    states = [*names, *rng.choices(names, weights, k=scale.open_requests - len(names) - len(made))]
    classes, shares = [name for name, _ in DUE], [share for _, share in DUE]
    due = [*FIRST_DUE, *rng.choices(classes, shares, k=len(states))]
    for number, status in enumerate(states):
        place = home[number % len(home)] if number < scale.demo_open else None
        made.append(teller.open(*_fitting(teller, calendar, status, due[number], place), status))
    return made


def _demo_buildings(board: Board) -> list[Place]:
    """Return the places of the demo community: the first building comes often, it is the demo leader's."""
    community = board.world.of("community")[0]
    buildings = board.world.below(community, "building")
    return [one for other in buildings[1:] for one in (buildings[0], other, other)][: 3 * len(buildings)]


class _Moments:
    """The moments at which open work can have been said, sorted by when it would be due."""

    def __init__(self, board: Board, rng: random.Random) -> None:
        self.board, self.rng, self.now, self.hours = board, rng, board.now, board.hours
        today, first, calendar = self.now.date(), self.now.date(), board.hours.calendar
        worked = 0
        while worked < WORKED_BACK or (today - first).days < DAYS_BACK:
            first -= timedelta(days=1)
            worked += calendar.is_working_day(first)
        self.all = shape.moments(rng, first, today, 1500, self.now)
        self.begun, self.stale = self.hours.before(self.now, BEGUN), self.hours.before(self.now, STALE_WORK)
        self._sorted: dict[tuple[object, ...], dict[str, list[datetime]]] = {}

    def fitting(self, said: shape.Said, status: str, wanted: str) -> list[datetime]:
        """Return the moments from which something like `said` is now in a state, and due as wanted."""
        category = self.board.categories[said.code]
        limit = (1, "working_day") if status == R.SUBMITTED else (category.limit_amount, category.limit_unit)
        done, urgent = status in (R.RESOLVED, R.REOPENED), said.severity == Severity.URGENT
        key = (*limit, done, urgent, status == R.SUBMITTED)
        if key not in self._sorted:
            found = self._sorted[key] = {name: [] for name, _ in DUE}
            for at in self.all:
                name = "later" if done else self._due(at, *limit)
                if name and (at < self.begun or urgent or status == R.SUBMITTED):
                    found[name].append(at)
        return self._sorted[key][wanted]

    def _due(self, at: datetime, amount: int, unit: str) -> str:
        due = self.hours.due(at, amount, unit)
        if due >= self.now:
            return "today" if due.date() == self.now.date() else "later"
        oldest = self.stale if unit == "working_day" else self.now - STALE
        return "overdue" if due > oldest else ""


def _fitting(
    teller: Teller, moments: _Moments, status: str, due: str, home: Place | None
) -> tuple[shape.Said, Place]:
    """Return something said that is due as wanted, or in another way where the clock does not allow that."""
    rng = moments.rng
    for wanted in (due, "later", "today", "overdue"):
        for _ in range(TRIES):
            said = shape.said(rng, rng.choice(moments.all))
            place, found = home or teller.somewhere(said.code), moments.fitting(said, status, wanted)
            suits = teller.fits(said.code, place) and (status != R.ASSIGNED or teller.options(said.code, place))
            if found and suits:
                at = rng.choice(found)
                return replace(said, at=at, channel=shape.channel(rng, at)), place
    raise LookupError(f"Nothing can be {status} at {moments.now}.")


def _behind_needs(teller: Teller, broker: Broker, rng: random.Random, amount: int) -> list[ServiceRequest]:
    """Let some needs have come out of a resident's request that the worker took in person."""
    asking, severity = sentences.asking(), {one.code: one.severity for one in shape.mix()}
    buildings = teller.board.world.of("building")
    made: list[ServiceRequest] = []
    for need in broker.needs:
        near = [place for place in buildings if place.community == need.area_id]
        codes = asking.get(need.kind.code, ())  # type: ignore[attr-defined]
        if len(made) == amount or not near or not codes or need.status in NEED_TERMINAL:
            continue
        at, code = teller.board.hours.before(need.created_at, rng.uniform(60, 900)), rng.choice(codes)
        said = shape.Said(at, code, severity[code], shape.channel(rng, at))
        made.append(teller.asking(said, rng.choice(near), need))
    return made


def _echoes(board: Board, requests: list[ServiceRequest]) -> None:
    """Let neighbours say that they met the same."""
    rng = generator("echoes")
    rows = []
    for request in requests:
        if request.status not in (R.RESOLVED,) and rng.random() < 0.3:
            for _ in range(rng.choice((1, 1, 2, 3, 5))):
                at = request.created_at + (board.now - request.created_at) * rng.uniform(0.05, 0.95)
                rows.append((row_id(rng), request.pk, f"{rng.getrandbits(256):064x}", "", at))
    copy_rows(RequestEcho, ("id", "request_id", "sender_key", "phone", "created_at"), rows)


def _needs(board: Board, scale: Scale, trail: Trail) -> Broker:
    rng = generator("live needs")
    broker = Broker(board, rng, trail)
    communities = [*board.world.of("community"), *board.world.of("village")[:20]]
    scenes = list(SCENES)
    while len(scenes) < scale.live_needs:
        scenes += [scene for scene, weight in SCENES.items() for _ in range(weight)]
    extra = scenes[len(SCENES) : scale.live_needs]
    rng.shuffle(extra)
    for number, scene in enumerate([*scenes[: len(SCENES)], *extra]):
        # Every third one is the demo community's, every other of the first ones the demo department's.
        place = communities[0] if number % 3 == 0 or number < len(SCENES) else rng.choice(communities)
        partner = board.partners[LIAISON_OF].id if number % 4 == 1 or number in (0, 2) else None
        scene(Stage(board, broker, rng, place, partner, plenty=number < len(SCENES)))
    return broker


def _go_on(board: Board, broker: Broker) -> None:
    """Let the engine go on by itself, on the next morning of work, with what is still looking for somebody."""
    midnight = datetime.combine(board.now.date() + timedelta(days=1), time(), board.now.tzinfo)
    morning = board.hours.after(midnight, 0)
    proposed = {a.resource_request_id for a in broker.allocations if a.status == AllocationStatus.PROPOSED}
    for need in broker.needs:
        if need.status == NeedStatus.OPEN or need.pk in proposed:
            enqueue(JOB, f"dispatch:{need.pk}:{need.version}", {"need": str(need.pk)}, at=morning)
