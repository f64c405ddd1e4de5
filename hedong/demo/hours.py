"""Place moments within the hours of work."""

from datetime import datetime, timedelta

from clockwork.selectors import Calendar, due_at


class Hours:
    """The hours of work of a span of years."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar

    def after(self, moment: datetime, minutes: float) -> datetime:
        """Return the moment `minutes` of work behind `moment`."""
        left = timedelta(minutes=minutes)
        day = moment.date()
        while True:
            for since, until in self.calendar.periods(day):
                begin = max(since, moment)
                if begin < until and until - begin >= left:
                    return begin + left
                left -= max(until - begin, timedelta())
            day += timedelta(days=1)

    def due(self, moment: datetime, amount: int, unit: str) -> datetime:
        """Return when so many units behind `moment` are over."""
        return due_at(moment, amount, unit, calendar=self.calendar)
