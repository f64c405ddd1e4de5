"""Place moments within the hours of work."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.utils.timezone import localtime

from clockwork.selectors import Calendar, Span, due_at

DAY = timedelta(days=1)


class Hours:
    """The hours of work of a span of years."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._ends: dict[tuple[date, int], datetime] = {}

    def _ahead(self, moment: datetime) -> Iterator[Span]:
        day = localtime(moment).date()
        while True:
            for since, until in self.calendar.periods(day):
                if until > moment:
                    yield max(since, moment), until
            day += DAY

    def _behind(self, moment: datetime) -> Iterator[Span]:
        day = localtime(moment).date()
        while True:
            for since, until in reversed(self.calendar.periods(day)):
                if since < moment:
                    yield since, min(until, moment)
            day -= DAY

    def after(self, moment: datetime, minutes: float) -> datetime:
        """Return the moment `minutes` of work behind `moment`."""
        left = timedelta(minutes=minutes)
        for since, until in self._ahead(moment):
            if until - since >= left:
                return since + left
            left -= until - since
        raise AssertionError  # unreachable: the walk has no end

    def before(self, moment: datetime, minutes: float) -> datetime:
        """Return the moment `minutes` of work ahead of `moment`."""
        left = timedelta(minutes=minutes)
        for since, until in self._behind(moment):
            if until - since >= left:
                return until - left
            left -= until - since
        raise AssertionError  # unreachable: the walk has no end

    def between(self, since: datetime, until: datetime, share: float) -> datetime:
        """Return the moment when `share` of the work between the two is done; of the plain time when nobody works."""
        worked = timedelta()
        for begin, end in self._ahead(since):
            if begin >= until:
                break
            worked += min(end, until) - begin
        return self.after(since, worked / timedelta(minutes=1) * share) if worked else since + (until - since) * share

    def due(self, moment: datetime, amount: int, unit: str) -> datetime:
        """Return when so many units behind `moment` are over."""
        if unit != "working_day":
            return due_at(moment, amount, unit, calendar=self.calendar)
        # The same for every moment of a day, and asked for very often.
        key = (localtime(moment).date(), amount)
        if key not in self._ends:
            self._ends[key] = due_at(moment, amount, unit, calendar=self.calendar)
        return self._ends[key]
