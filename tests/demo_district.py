"""What holds for the demo district at any scale and at any moment, shared by the tests of its loader."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

from django.core.management import call_command
from django.db import connection
from django.db.models import F, Q, Sum

from audit.models import Event
from hedong.up.database import APP
from partners.models import ResourceSlot
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.workflow import ALLOCATION_STEPS, HOLDS_CAPACITY, NEED_STEPS, REQUEST_STEPS, RequestStatus


def run(*args: str) -> str:
    out = StringIO()
    call_command("load_demo", *args, stdout=out)
    return out.getvalue()


def slots_balance() -> None:
    live = Sum("allocations__quantity", filter=Q(allocations__status__in=HOLDS_CAPACITY), default=0)
    assert not ResourceSlot.objects.annotate(live=live).exclude(used=F("live")).exists()
    assert ResourceSlot.objects.filter(used__gt=0).exists()


def trails_follow_the_tables() -> None:
    """Every row's events, in their order, are a walk along the real steps that ends where the row stands."""
    for model, steps in (
        (ServiceRequest, REQUEST_STEPS),
        (ResourceRequest, NEED_STEPS),
        (Allocation, ALLOCATION_STEPS),
    ):
        arrows = {(step.verb, source, step.target) for step in steps for source in step.sources}
        ends: dict[str, str] = {}
        rows = Event.objects.filter(target_type=model._meta.label_lower).order_by("id")
        for target, verb, before, after in rows.values_list("target_id", "verb", "before", "after"):
            if target in ends:
                assert ends[target] == before, (target, verb)
                assert (verb, before, after) in arrows
            ends[target] = after
        assert ends == {str(pk): status for pk, status in model.objects.values_list("pk", "status")}


REQUEST_STAMPS = ("created_at", "accepted_at", "acknowledged_at", "resolved_at", "closed_at")
NEED_STAMPS = ("created_at", "promised_at", "fulfilled_at")
ALLOCATION_STAMPS = ("created_at", "held_at", "answered_at", "started_at", "delivered_at", "closed_at")


def nothing_lies_ahead(now: datetime) -> None:
    assert not Event.objects.filter(target_type__startswith="requests_board", at__gt=now).exists()
    for model, stamps in (
        (ServiceRequest, (*REQUEST_STAMPS, "assigned_at", "reopened_at")),
        (ResourceRequest, (*NEED_STAMPS, "matched_at", "raised_at", "closed_at")),
        (Allocation, ALLOCATION_STAMPS),
    ):
        for name in stamps:
            assert not model.objects.filter(**{f"{name}__gt": now}).exists(), (model, name)


def moments_are_in_order() -> None:
    for rows, stamps in (
        (ServiceRequest.objects.filter(status=RequestStatus.CLOSED), REQUEST_STAMPS),
        (ResourceRequest.objects.all(), NEED_STAMPS),
        (Allocation.objects.all(), ALLOCATION_STAMPS),
    ):
        for row in rows.values_list(*stamps):
            given = [stamp for stamp in row if stamp]
            assert given == sorted(given), row


def count_rows() -> None:
    """Let the planner see what was just loaded: nobody else counts rows that will be rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; ANALYZE")
        cursor.execute(f"SET ROLE {APP}")


def promises_lie_in_their_window() -> None:
    """What the engine chose lies in the need's window; a department may propose any time that is still to come."""
    start, end = F("resource_request__window_start"), F("resource_request__window_end")
    asked = Allocation.objects.filter(held_at__isnull=False)
    chosen = asked.filter(previous_slot=None)
    assert chosen.exists()
    assert not chosen.exclude(slot__starts_at__gte=start, slot__ends_at__lte=end).exists()
    moved = asked.exclude(previous_slot=None)
    assert moved.exists()
    assert not moved.exclude(previous_slot__starts_at__gte=start, previous_slot__ends_at__lte=end).exists()
    assert not moved.exclude(slot__starts_at__gt=F("answered_at")).exists()


def nothing_is_over_at_once(now: datetime) -> None:
    """What waits for a word waits for it rightly, so that the clock does not end the open work on its first round."""
    waiting = Allocation.objects.filter(status__in=("held", "countered"))
    assert not waiting.exclude(answer_due_at__gt=now, slot__starts_at__gt=now).exists()
    silence = now - timedelta(hours=168)
    assert not Allocation.objects.filter(status="delivered", delivered_at__lte=silence).exists()
    assert not ServiceRequest.objects.filter(status="resolved", due_at__lte=now).exists()
