"""When a department is asked: as late as its own notice and its time for answering allow, so that plans may improve."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone

from clockwork.models import DeadlinePolicy
from clockwork.selectors import Calendar, NoWorkingDay, db_now, latest_morning
from requests_board.models import DispatchPolicy
from requests_board.workflow import Severity

CODE = "allocation.answer"
# How far ahead the work calendar is read; what lies further away is counted from there in its own read.
HORIZON = timedelta(days=400)


@dataclass(slots=True)
class Asking:
    """The rule of one moment: how long ahead the district asks, how long an answer takes, the calendar."""

    ahead: int | None
    amount: int
    unit: str
    now: datetime
    calendar: Calendar | None
    known: dict[date, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: DispatchPolicy) -> "Asking":
        """Read what the rule needs; nothing where the district asks at once."""
        now = db_now()
        if policy.ask_days_ahead is None:
            return cls(None, 0, "", now, None)
        limit = DeadlinePolicy.objects.get(code=CODE)
        today = timezone.localtime(now).date()
        calendar = Calendar.load(today - timedelta(days=60), today + HORIZON)
        return cls(policy.ask_days_ahead, limit.amount, limit.unit, now, calendar)

    def at(self, urgency: str, starts_at: datetime, notice_days: int) -> datetime | None:
        """Return when the department is to be asked, None for at once.

        That is the latest morning of work after which the answer and the department's notice still fit in.
        """
        if self.ahead is None or urgency == Severity.URGENT:
            return None
        day = timezone.localtime(starts_at).date() - timedelta(days=notice_days)
        moment = self._morning(day)
        return moment if moment > self.now else None

    def _morning(self, day: date) -> datetime:
        """Return the morning for everything whose notice begins on `day`."""
        if day not in self.known:
            until = timezone.make_aware(datetime.combine(day, datetime.min.time()))
            try:
                self.known[day] = latest_morning(
                    until, self.amount, self.unit, earlier=self.ahead or 0, calendar=self.calendar
                )
            except NoWorkingDay:
                self.known[day] = self.now
        return self.known[day]
