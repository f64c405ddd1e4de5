"""What the clock does: it finds what is due by the database's time and writes one job for each."""

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.jobs import enqueue
from clockwork.models import DeadlinePolicy
from clockwork.selectors import db_now, due_at
from common.errors import DomainError
from requests_board.actions import allocations, requests
from requests_board.models import Allocation, ServiceRequest
from requests_board.permissions import ENGINE
from requests_board.workflow import AllocationStatus, RequestStatus

EXPIRE_JOB = "requests_board.expire_allocation"
EVALUATE_JOB = "requests_board.auto_evaluate"
CLOSE_JOB = "requests_board.auto_close"
BATCH = 500


@transaction.atomic
def write_due_jobs() -> int:
    """Write a job for each allocation and request whose time has run out; return how many are due."""
    waiting = Allocation.objects.filter(status__in=allocations.WAITING, answer_due_at__lte=Now())
    silent = ServiceRequest.objects.filter(status=RequestStatus.RESOLVED, due_at__lte=Now())
    return _write(EXPIRE_JOB, waiting) + _write(CLOSE_JOB, silent) + _write(EVALUATE_JOB, _unevaluated())


def expire_allocation(pk: str) -> None:
    """Let an unanswered allocation go, unless it was answered meanwhile."""
    _unless_settled(lambda: allocations.expire(Allocation.objects.get(pk=pk)))


def auto_evaluate(pk: str) -> None:
    """Close a delivered allocation that nobody evaluated, unless somebody did meanwhile."""
    _unless_settled(lambda: allocations.auto_evaluate(Allocation.objects.get(pk=pk)))


def auto_close(pk: str) -> None:
    """Close a resolved request that nobody answered, unless somebody did meanwhile."""
    _unless_settled(lambda: requests.auto_close(ServiceRequest.objects.get(pk=pk), actor=ENGINE))


def _unevaluated() -> QuerySet[Allocation]:
    """Return delivered allocations whose time for an evaluation is over; the longest-waiting first."""
    policy = DeadlinePolicy.objects.filter(code="allocation.auto_evaluate").first()
    delivered = Allocation.objects.filter(status=AllocationStatus.DELIVERED).order_by("delivered_at")[:BATCH]
    if policy is None:
        return Allocation.objects.none()
    now = db_now()
    due = [a.pk for a in delivered if a.delivered_at and due_at(a.delivered_at, policy.amount, policy.unit) <= now]
    return Allocation.objects.filter(pk__in=due)


def _write(kind: str, rows: QuerySet[Allocation] | QuerySet[ServiceRequest]) -> int:
    due = list(rows.values_list("pk", "version")[:BATCH])
    for pk, version in due:
        enqueue(kind, f"{kind}:{pk}:{version}", {"pk": str(pk)})
    return len(due)


def _unless_settled(step: object) -> None:
    try:
        with transaction.atomic():
            step()  # type: ignore[operator]
    except DomainError:
        return
