"""Tell what became of residents' requests, step by step along the real table of steps."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from hedong.demo import names, sentences
from hedong.demo.shape import Fate, Said
from hedong.demo.trail import ENGINE, RESIDENT, Trail
from hedong.demo.world import Board, Person, Place
from requests_board import workflow
from requests_board.models import NotAcceptedReason, ServiceRequest
from requests_board.workflow import Rating, RequestStatus, Severity

SILENCE = timedelta(hours=168)
ANONYMOUS = ("qr", "web")
# What neighbours, groups and shops take on themselves: tidy stairs, greenery, quarrels, care, children and culture.
CIVIC = ("0103", "040102", "0402", "08", "09", "12", "13", "16")


class Teller:
    """Make requests of one stage and lead them to where they stand now."""

    def __init__(self, board: Board, rng: random.Random, trail: Trail) -> None:
        self.board, self.rng, self.trail = board, rng, trail
        self.now = board.now
        self.numbers: set[str] = set()

    # Where and what -----------------------------------------------------------------------------------------------

    @cached_property
    def buildings(self) -> tuple[list[Place], list[float]]:
        """Return the buildings with how often something is said of them; communities differ."""
        weights: dict[int | None, float] = {}
        places = self.board.world.of("building")
        for place in places:
            weights.setdefault(place.community, 0.4 + (place.community or 0) * 7 % 11 / 6)
        return places, [weights[place.community] for place in places]

    @cached_property
    def villages(self) -> list[Place]:
        """Return the places without buildings."""
        return self.board.world.of("village") or self.board.world.of("community")

    def somewhere(self, code: str) -> Place:
        """Choose a place of which something of category `code` can be said."""
        if code in sentences.anywhere_codes() and self.rng.random() < 0.22:
            return self.rng.choice(self.villages)
        places, weights = self.buildings
        return self.rng.choices(places, weights)[0]

    def submit(self, said: Said, place: Place) -> ServiceRequest:
        """Make a request as it comes in."""
        rng, world = self.rng, self.board.world
        estate = world.places[place.estate].name if place.estate else ""
        spoken = sentences.say(rng, said.code, estate, place.name.removeprefix(estate) if estate else "")
        worker = self.worker(place)
        request = ServiceRequest(
            id=names.row_id(rng), number=self._number(said.at), text=spoken.text, place_detail=spoken.place[:60],
            category=self.board.categories[said.code], channel=said.channel, severity=said.severity,
            area_id=place.id, scope_path=place.path,
        )  # fmt: skip
        request.done = spoken.done  # type: ignore[attr-defined]
        request.due_at = self.board.hours.due(said.at, 1, "working_day")
        request.resolve_due_at = self.board.hours.due(
            said.at, request.category.limit_amount, request.category.limit_unit
        )
        self._contact(request, said.channel, worker)
        self.trail.begin(request, workflow.SUBMIT.verb, said.at, worker if request.recorded_by_id else RESIDENT)
        return request

    def _number(self, at: datetime) -> str:
        while True:
            number = f"{at:%m%d}-{names.code(self.rng, 5)}"
            if number not in self.numbers:
                self.numbers.add(number)
                return number

    def _contact(self, request: ServiceRequest, channel: str, worker: Person) -> None:
        rng = self.rng
        if channel in ANONYMOUS:
            request.phone = names.phone(rng.randrange(10000)) if rng.random() < 0.6 else ""
            return
        request.recorded_by_id = worker.id
        request.contact_name = names.caller(rng)
        request.phone = names.phone(rng.randrange(10000)) if rng.random() < 0.9 else ""
        if rng.random() < 0.25:
            request.on_behalf_of = rng.choice(("楼上老人", "邻居大娘", "租住的小两口", "对门大爷", "家里老人"))

    def worker(self, place: Place) -> Person:
        """Return who looks after a place: mostly a worker of its community."""
        workers = self.board.workers
        community = place.community if place.community in workers else place.street
        return self.rng.choice(workers[community or place.id])

    # Steps --------------------------------------------------------------------------------------------------------

    def _accept(self, request: ServiceRequest, at: datetime, worker: Person) -> None:
        self.trail.step(request, workflow.ACCEPT, at, worker, due_at=request.resolve_due_at)

    def _assign(self, request: ServiceRequest, at: datetime, worker: Person, place: Place) -> Person:
        """Hand over to the firm, department or worker that the category names; return who has it now."""
        return self._hand_over(request, at, worker, self._handler(request, place))

    def _hand_over(self, request: ServiceRequest, at: datetime, worker: Person, partner: UUID | None) -> Person:
        self.trail.step(
            request, workflow.ASSIGN, at, worker, handler_partner_id=partner,
            handler_user_id=None if partner else worker.id, due_at=request.resolve_due_at,
        )  # fmt: skip
        return self.board.staff.get(partner, worker) if partner else worker

    def _handler(self, request: ServiceRequest, place: Place) -> UUID | None:
        civic = self.board.civic.get(place.community or 0, ())
        if civic and request.category_id.startswith(CIVIC) and self.rng.random() < 0.5:
            return self.rng.choice(civic)
        options: list[UUID | None] = []
        for name in request.category.default_handlers.split("+"):
            firm = self.board.firms.get(place.estate or 0)
            if name == "物业" and firm:
                options.append(firm)
            elif name in self.board.departments:
                options.append(self.board.departments[name].id)
        if not options or self.rng.random() < 0.25:
            return None
        return options[0] if self.rng.random() < 0.75 else options[-1]

    def _acknowledge(self, request: ServiceRequest, at: datetime, who: Person) -> None:
        self.trail.step(request, workflow.ACKNOWLEDGE, at, who)

    def _resolve(self, request: ServiceRequest, at: datetime, who: Person) -> None:
        self.trail.step(request, workflow.RESOLVE, at, who, result=request.done, due_at=at + SILENCE)  # type: ignore[attr-defined]

    def _return(self, request: ServiceRequest, at: datetime, who: Person) -> None:
        self.trail.step(
            request, workflow.RETURN, at, who, reason=sentences.phrase(self.rng, "return"), handler_partner_id=None,
            handler_user_id=None, returns=request.returns + 1,
        )  # fmt: skip

    def _reopen(self, request: ServiceRequest, at: datetime) -> None:
        self.trail.step(
            request, workflow.DISSATISFIED, at, RESIDENT, reason=sentences.phrase(self.rng, "dissatisfied"),
            reopens=request.reopens + 1, handler_partner_id=None, handler_user_id=None,
            due_at=self.board.hours.due(at, 1, "working_day"),
        )  # fmt: skip

    # Lives --------------------------------------------------------------------------------------------------------

    def closed(self, said: Said, fate: Fate) -> ServiceRequest:
        """Tell a request to its end."""
        place = self.somewhere(said.code)
        request = self.submit(said, place)
        worker = self.worker(place)
        clock = _Clock(self.board, self.rng, said)
        if fate.on_spot:
            self.trail.step(
                request, workflow.SOLVE_ON_SPOT, clock.work(5, 180), worker, result=request.done,  # type: ignore[attr-defined]
                handler_user_id=worker.id, due_at=clock.at + SILENCE,
            )  # fmt: skip
        else:
            self._accept(request, clock.work(5, 150), worker)
            self._work(request, clock, worker, place, fate)
        self._end(request, clock, fate)
        return request

    def _work(self, request: ServiceRequest, clock: _Clock, worker: Person, place: Place, fate: Fate) -> None:
        if fate.returned:
            wrong = self.rng.choice(list(self.board.departments.values())).id
            handler = self._hand_over(request, clock.work(1, 60), worker, wrong)
            self._return(request, clock.work(30, 300), handler)
        handler = self._assign(request, clock.work(1, 60), worker, place)
        self._acknowledge(request, clock.work(5, 200), handler)
        self._resolve(request, clock.until(request.resolve_due_at, fate.late), handler)
        if fate.reopened:
            self._reopen(request, clock.later(3, 60))
            handler = self._assign(request, clock.work(10, 200), worker, place)
            self._acknowledge(request, clock.work(5, 150), handler)
            self._resolve(request, clock.work(60, 900), handler)

    def _end(self, request: ServiceRequest, clock: _Clock, fate: Fate) -> None:
        if fate.answered or clock.at + SILENCE > self.now:
            rating = Rating(fate.satisfied)
            self.trail.step(request, workflow.CONFIRM_OK, clock.later(1, 70), RESIDENT, rating=rating, due_at=None)
        else:
            self.trail.step(request, workflow.AUTO_CLOSE, clock.at + SILENCE, ENGINE, due_at=None)

    def refused(self, said: Said, reasons: list[NotAcceptedReason]) -> ServiceRequest:
        """Tell a request that was not taken on."""
        place = self.somewhere(said.code)
        request, reason = self.submit(said, place), self.rng.choice(reasons)
        clock = _Clock(self.board, self.rng, said)
        self.trail.step(
            request, workflow.NOT_ACCEPT, clock.work(20, 300), self.worker(place), reason=reason.label,
            not_accepted_reason_id=reason.pk, result=reason.referral, due_at=None,
        )  # fmt: skip
        return request

    def withdrawn(self, said: Said) -> ServiceRequest:
        """Tell a request that the resident took back."""
        request = self.submit(said, self.somewhere(said.code))
        clock = _Clock(self.board, self.rng, said)
        self.trail.step(
            request,
            workflow.WITHDRAW,
            clock.later(1, 20),
            RESIDENT,
            reason=sentences.phrase(self.rng, "withdraw"),
            due_at=None,
        )
        return request

    def open(self, said: Said, place: Place, status: str) -> ServiceRequest:
        """Tell a request up to a state in which it is still open."""
        request = self.submit(said, place)
        if status == RequestStatus.SUBMITTED:
            return request
        worker = self.worker(place)
        clock = _Clock(self.board, self.rng, said)
        self._accept(request, clock.soon(), worker)
        if status == RequestStatus.ACCEPTED:
            return request
        handler = self._assign(request, clock.soon(), worker, place)
        if status == RequestStatus.ASSIGNED and request.handler_partner_id:
            return request
        self._acknowledge(request, clock.soon(), handler)
        if status in (RequestStatus.IN_PROGRESS, RequestStatus.ASSIGNED):
            return request
        self._resolve(request, clock.soon(), handler)
        if status == RequestStatus.REOPENED:
            self._reopen(request, clock.soon())
        return request


class _Clock:
    """The moments of one request: within the hours of work, and never later than now."""

    def __init__(self, board: Board, rng: random.Random, said: Said) -> None:
        self.hours, self.rng, self.at, self.now = board.hours, rng, said.at, board.now
        # What is urgent does not wait for the morning.
        self.on_duty = said.severity == Severity.URGENT

    def _go(self, moment: datetime) -> datetime:
        # What would lie ahead happens in what time is left, each step a part of it.
        if moment >= self.now:
            moment = self.at + (self.now - self.at) * self.rng.uniform(0.1, 0.5)
        self.at = moment.replace(microsecond=self.rng.randrange(10**6))
        return self.at

    def work(self, least: float, most: float) -> datetime:
        """Let some minutes of work pass."""
        minutes = self.rng.uniform(least, most)
        if self.on_duty:
            return self._go(self.at + timedelta(minutes=minutes / 3))
        moment = self.hours.after(self.at, minutes)
        # Most communities have somebody on duty at weekends and on holidays.
        if moment - self.at > timedelta(hours=22) and self.rng.random() < 0.8:
            moment = self.at + timedelta(hours=self.rng.uniform(2, 16))
        return self._go(moment)

    def later(self, least: float, most: float) -> datetime:
        """Let some hours of any kind pass."""
        return self._go(self.at + timedelta(hours=self.rng.uniform(least, most)))

    def soon(self) -> datetime:
        """Let a part of the time up to now pass."""
        return self._go(self.at + (self.now - self.at) * self.rng.uniform(0.05, 0.4))

    def until(self, due: datetime, late: bool) -> datetime:
        """Let the time up to a limit pass, mostly not all of it; more when late."""
        left = max(due - self.at, timedelta(minutes=20))
        share = self.rng.uniform(1.05, 1.6) if late else self.rng.uniform(0.15, 0.9)
        return self._go(self.at + left * share)
