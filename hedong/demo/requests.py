"""Tell what became of residents' requests, step by step along the real table of steps."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import cached_property
from uuid import UUID

from hedong.demo import names, sentences
from hedong.demo.shape import Fate, Said
from hedong.demo.trail import ENGINE, RESIDENT, Trail, known
from hedong.demo.world import Board, Person, Place
from requests_board import workflow
from requests_board.models import NotAcceptedReason, ResourceRequest, ServiceRequest
from requests_board.workflow import Rating, RequestStatus, Severity

SILENCE = timedelta(hours=168)
ANONYMOUS = ("qr", "web")
# What neighbours, groups and shops take on themselves: tidy stairs, greenery, quarrels, care, children and culture.
CIVIC = ("0103", "040102", "0402", "08", "09", "12", "13", "16")
# What a word is enough for, so that it can be settled at once.
ASKING = ("010201", "020301", "1001", "1101", "12", "13", "14")
NO_FIRM, OF_FIRMS = "010301", ("010101", "010102")
NIGHT, MORNING = 22, 7


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
        places = self.board.world.of("building")
        order = {place.id: number for number, place in enumerate(self.board.world.of("community"))}
        return places, [0.4 + order.get(place.community or 0, 0) * 7 % 11 / 6 for place in places]

    @cached_property
    def unserved(self) -> list[Place]:
        """Return the buildings that no property firm looks after."""
        return [place for place in self.buildings[0] if place.estate not in self.board.firms]

    @cached_property
    def villages(self) -> list[Place]:
        """Return the places without buildings."""
        return self.board.world.of("village") or self.board.world.of("community")

    def somewhere(self, code: str) -> Place:
        """Choose a place of which something of category `code` can be said."""
        if code in sentences.anywhere_codes() and self.rng.random() < 0.22:
            return self.rng.choice(self.villages)
        while True:
            places, weights = self.buildings
            place = self.rng.choice(self.unserved) if code == NO_FIRM else self.rng.choices(places, weights)[0]
            if self.fits(code, place):
                return place

    def fits(self, code: str, place: Place) -> bool:
        """Tell whether a category makes sense there: one is about having no property firm, some are about the firm."""
        served = place.estate in self.board.firms
        return served if code in OF_FIRMS else not served if code == NO_FIRM else True

    def submit(self, said: Said, place: Place, spoken: sentences.Spoken | None = None) -> ServiceRequest:
        """Make a request as it comes in."""
        rng, worker = self.rng, self.worker(place)
        spoken = spoken or self._say(said, place)
        request = ServiceRequest(
            id=names.row_id(rng), number=self._number(said.at), text=spoken.text, place_detail=spoken.place[:60],
            category=self.board.categories[said.code], channel=said.channel, severity=said.severity,
            area_id=place.id, scope_path=place.path,
        )  # fmt: skip
        request.done = spoken.done  # type: ignore[attr-defined]
        request.due_at = self.board.hours.due(said.at, 1, "working_day")
        category = self.board.categories[said.code]
        request.resolve_due_at = self.board.hours.due(said.at, category.limit_amount, category.limit_unit)
        self._contact(request, said.channel, worker)
        self.trail.begin(request, workflow.SUBMIT.verb, said.at, worker if request.recorded_by_id else RESIDENT)
        return request

    def _say(self, said: Said, place: Place, asks: str = "") -> sentences.Spoken:
        estate = self.board.world.places[place.estate].name if place.estate else ""
        building = place.name.removeprefix(estate) if estate else ""
        firm = place.estate in self.board.firms
        return sentences.say(self.rng, said.code, said.at, estate, building, firm=firm, asks=asks)

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
        code = known(request.category_id)
        if civic and code.startswith(CIVIC) and self.rng.random() < 0.5:
            return self.rng.choice(civic)
        options = self.options(code, place)
        if not options or self.rng.random() < 0.25:
            return None
        return options[0] if self.rng.random() < 0.75 else options[-1]

    def options(self, code: str, place: Place) -> list[UUID]:
        """Return the firm and the departments that a category names for a place."""
        found: list[UUID] = []
        for name in self.board.categories[code].default_handlers.split("+"):
            firm = self.board.firms.get(place.estate or 0)
            if name == "物业" and firm:
                found.append(firm)
            elif name in self.board.departments:
                found.append(self.board.departments[name].id)
        return found

    def _stranger(self, request: ServiceRequest) -> UUID:
        """Return a department to which a request may be handed by mistake: it handles others, but not this one."""
        named = {name for row in self.board.categories.values() for name in row.default_handlers.split("+")}
        wrong = named - set(known(request.category).default_handlers.split("+"))
        departments = self.board.departments
        return departments[self.rng.choice([name for name in departments if name in wrong] or list(departments))].id

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
        if fate.on_spot and said.code.startswith(ASKING):
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
            handler = self._hand_over(request, clock.work(1, 60), worker, self._stranger(request))
            self._return(request, clock.work(30, 300), handler)
        handler = self._assign(request, clock.work(1, 60), worker, place)
        self._acknowledge(request, clock.work(5, 200), handler)
        self._resolve(request, clock.until(known(request.resolve_due_at), fate.late), handler)
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

    def refused(self, said: Said, reasons: dict[str, NotAcceptedReason]) -> ServiceRequest:
        """Tell a request that was not taken on."""
        code, category, spoken = sentences.refused(self.rng)
        said, reason = replace(said, code=category, severity=Severity.ROUTINE), reasons[code]
        place = self.somewhere(category)
        request = self.submit(said, place, spoken)
        clock = _Clock(self.board, self.rng, said)
        self.trail.step(
            request, workflow.NOT_ACCEPT, clock.work(20, 300), self.worker(place), reason=reason.label,
            not_accepted_reason_id=reason.pk, result=reason.referral, due_at=None,
        )  # fmt: skip
        return request

    def withdrawn(self, said: Said) -> ServiceRequest:
        """Tell a request that the resident took back."""
        request = self.submit(said, self.somewhere(said.code))
        at, reason = _Clock(self.board, self.rng, said).later(1, 20), sentences.phrase(self.rng, "withdraw")
        self.trail.step(request, workflow.WITHDRAW, at, RESIDENT, reason=reason, due_at=None)
        return request

    def open(self, said: Said, place: Place, status: str) -> ServiceRequest:
        """Tell a request up to a state in which it is still open."""
        request = self.submit(said, place)
        if status == RequestStatus.SUBMITTED:
            return request
        worker = self.worker(place)
        clock = _Clock(self.board, self.rng, said)
        self._accept(request, clock.soon(5, 200), worker)
        if status == RequestStatus.ACCEPTED:
            return request
        if status == RequestStatus.ASSIGNED:
            self._hand_over(request, clock.soon(2, 120), worker, self.rng.choice(self.options(said.code, place)))
            return request
        handler = self._assign(request, clock.soon(2, 120), worker, place)
        self._acknowledge(request, clock.soon(5, 300), handler)
        if status == RequestStatus.IN_PROGRESS:
            return request
        self._resolve(request, clock.lately(timedelta(days=6)), handler)
        if status == RequestStatus.REOPENED:
            self._reopen(request, clock.lately(timedelta(hours=20)))
        return request

    def asking(self, said: Said, place: Place, need: ResourceRequest) -> ServiceRequest:
        """Tell a request for which a worker turned to the pool."""
        request = self.submit(said, place, self._say(said, place, need.kind.code))  # type: ignore[attr-defined]
        worker: Person = need.worker  # type: ignore[attr-defined]
        self._accept(request, self.board.hours.between(said.at, need.created_at, self.rng.uniform(0.1, 0.6)), worker)
        self._hand_over(request, need.created_at, worker, None)
        self._acknowledge(request, need.created_at, worker)
        need.service_request_id = request.pk
        return request


class _Clock:
    """The moments of one request: by day unless it is urgent, within the hours of work, and never later than now."""

    def __init__(self, board: Board, rng: random.Random, said: Said) -> None:
        self.hours, self.rng, self.at, self.now = board.hours, rng, said.at, board.now
        # What is urgent does not wait for the morning.
        self.on_duty = said.severity == Severity.URGENT

    def _go(self, moment: datetime) -> datetime:
        if not self.on_duty and not MORNING <= moment.hour < NIGHT:
            day = moment.date() + timedelta(days=moment.hour >= NIGHT)
            moment = datetime.combine(day, time(MORNING), moment.tzinfo) + timedelta(minutes=self.rng.uniform(0, 150))
        # What would lie ahead happens in what time is left, each step a part of it.
        self.at = moment if moment < self.now else self._part(self.at, self.rng.uniform(0.1, 0.5))
        return self.at

    def _part(self, since: datetime, share: float) -> datetime:
        if self.on_duty:
            return since + (self.now - since) * share
        return self.hours.between(since, self.now, share)

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

    def soon(self, least: float, most: float) -> datetime:
        """Let some minutes of work pass, or a part of the time up to now when that is less."""
        minutes, share = self.rng.uniform(least, most), self.rng.uniform(0.05, 0.4)
        moment = self.at + timedelta(minutes=minutes) if self.on_duty else self.hours.after(self.at, minutes)
        self.at = min(moment, self._part(self.at, share))
        return self.at

    def lately(self, span: timedelta) -> datetime:
        """Let the time pass up to a moment within `span`."""
        self.at = self._part(max(self.at, self.now - span), self.rng.uniform(0.1, 0.8))
        return self.at

    def until(self, due: datetime, late: bool) -> datetime:
        """Let the time up to a limit pass, mostly not all of it; more when late."""
        if late:
            return self._go(self.hours.after(max(due, self.at), self.rng.uniform(30, 1200)))
        if due <= self.at:
            return self.work(15, 120)
        share = self.rng.uniform(0.2, 0.95)
        return self._go(self.at + (due - self.at) * share if self.on_duty else self.hours.between(self.at, due, share))
