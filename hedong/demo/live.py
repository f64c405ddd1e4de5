"""The work that is open when somebody comes in for the first time: requests, needs and allocations in every state."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, time, timedelta

from audit.jobs import enqueue
from hedong.demo import shape
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
from requests_board.workflow import AllocationStatus, NeedStatus, RequestStatus

R = RequestStatus
STATES = (
    (R.SUBMITTED, 26), (R.ACCEPTED, 14), (R.ASSIGNED, 16), (R.IN_PROGRESS, 27), (R.RESOLVED, 12), (R.REOPENED, 5),
)  # fmt: skip
# What of the open work is past its time, due today, or due later.
DUE = (("overdue", 17), ("today", 15), ("later", 68))
DAYS_BACK = 12
TRIES = 60


def load_open_work(board: Board, scale: Scale) -> Counter[str]:
    """Write the open requests and the live needs; return how many rows of each kind."""
    trail = Trail()
    requests = _requests(board, scale, trail)
    broker = _needs(board, scale, trail, requests)
    copy_in(ServiceRequest, requests)
    _echoes(board, requests)
    broker.market.write()
    copy_in(ResourceRequest, broker.needs)
    copy_in(Allocation, broker.allocations)
    events = trail.write()
    _go_on(board, broker)
    return Counter(requests=len(requests), needs=len(broker.needs), allocations=len(broker.allocations), events=events)


def _requests(board: Board, scale: Scale, trail: Trail) -> list[ServiceRequest]:
    rng = generator("open requests")
    teller = Teller(board, rng, trail)
    first = board.now.date() - timedelta(days=DAYS_BACK)
    moments = shape.moments(rng, first, board.now.date(), 1500, board.now)
    home = _demo_buildings(board)
    names, weights = zip(*STATES, strict=True)
    # Every state is there at least once, whatever the size.
    states = [*names, *rng.choices(names, weights, k=scale.open_requests - len(names))]
    made = []
    for number, status in enumerate(states):
        said = _fitting(rng, board, moments, status)
        place = home[number % len(home)] if number < scale.demo_open else teller.somewhere(said.code)
        made.append(teller.open(said, place, status))
    return made


def _demo_buildings(board: Board) -> list[Place]:
    """Return the places of the demo community: the first building comes often, it is the demo leader's."""
    community = board.world.of("community")[0]
    buildings = board.world.below(community, "building")
    return [one for other in buildings[1:] for one in (buildings[0], other, other)][: 3 * len(buildings)]


def _fitting(rng: random.Random, board: Board, moments: list[datetime], status: str) -> shape.Said:
    """Return something said whose limit is over, ends today or later, so that the desk has some of each."""
    names, weights = zip(*DUE, strict=True)
    wanted = rng.choices(names, weights)[0]
    said = shape.said(rng, rng.choice(moments))
    for _ in range(TRIES):
        if _due_class(board, said, status) == wanted:
            break
        said = shape.said(rng, rng.choice(moments))
    return said


def _due_class(board: Board, said: shape.Said, status: str) -> str:
    category = board.categories[said.code]
    if status == R.SUBMITTED:
        due = board.hours.due(said.at, 1, "working_day")
    elif status in (R.RESOLVED, R.REOPENED):
        return "later"
    else:
        due = board.hours.due(said.at, category.limit_amount, category.limit_unit)
    if due < board.now:
        # Nothing lies about for ever: what is late is some days late at most.
        return "overdue" if board.now - due < timedelta(days=4) else "stale"
    return "today" if due.date() == board.now.date() else "later"


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


def _needs(board: Board, scale: Scale, trail: Trail, requests: list[ServiceRequest]) -> Broker:
    rng = generator("live needs")
    broker = Broker(board, rng, trail)
    communities = [*board.world.of("community"), *board.world.of("village")[:20]]
    ours = [r for r in requests if r.handler_user_id and r.status == R.IN_PROGRESS]
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
    _link(broker, board, ours)
    return broker


def _link(broker: Broker, board: Board, requests: list[ServiceRequest]) -> None:
    """Let some needs have come out of a resident's request that the worker took in person."""
    for request in requests:
        place = board.world.places[request.area_id]
        for need in broker.needs:
            same = need.area_id == place.community and need.service_request_id is None
            if same and need.created_at > request.created_at and need.status not in ("withdrawn", "unmet"):
                need.service_request_id = request.pk
                break


def _go_on(board: Board, broker: Broker) -> None:
    """Let the engine go on by itself, at the next start of work, with what is still looking for somebody."""
    morning = datetime.combine(board.now.date() + timedelta(days=1), time(9), board.now.tzinfo)
    proposed = {a.resource_request_id for a in broker.allocations if a.status == AllocationStatus.PROPOSED}
    for need in broker.needs:
        if need.status == NeedStatus.OPEN or need.pk in proposed:
            enqueue(JOB, f"dispatch:{need.pk}:{need.version}", {"need": str(need.pk)}, at=morning)
