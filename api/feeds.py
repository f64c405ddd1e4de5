"""A person's commitments as a calendar (RFC 5545) behind an address of their own; nothing in it tells who asked."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest, Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.timezone import get_default_timezone_name
from django.views.decorators.http import require_safe

from accounts.selectors import owner_of_calendar
from common import access
from common.errors import NotFound
from grids.permissions import within_reach
from partners.permissions import acts_for
from requests_board.models import Allocation
from requests_board.workflow import AllocationStatus as A

ASKED = (A.HELD, A.COUNTERED)
PROMISED = (A.CONFIRMED, A.IN_SERVICE, A.DELIVERED, A.CLOSED)
PAST, MOST = timedelta(days=30), 1000
LINE = 75  # octets, RFC 5545 section 3.1
_WORDS = {A.HELD: "待答复：", A.COUNTERED: "改期待定：", A.CANCELLED: "取消："}
_STAMPS = ("created_at", "held_at", "answered_at", "started_at", "delivered_at", "closed_at")

TITLE = "合伙人约定"


@access.by_link
@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """Answer with the calendar of whoever the address belongs to; a changed or closed address leads nowhere."""
    user = owner_of_calendar(token)
    if user is None:
        raise NotFound
    text = write(commitments(user)).encode()
    etag = f'"{sha256(text).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = 'inline; filename="hedong.ics"'
    return response


def commitments(user: Any) -> QuerySet[Allocation]:
    """Return what the person's partners were asked and promised, and what was promised to the person's places."""
    ours = acts_for(user, "view_allocation") & Q(held_at__isnull=False, status__in=(*ASKED, *PROMISED, A.CANCELLED))
    # Only what was once promised is worth a word when it is cancelled.
    sure = Q(status__in=PROMISED) | Q(status=A.CANCELLED, answered_at__isnull=False)
    changed = Greatest(*(Coalesce(F(name), F("created_at")) for name in _STAMPS))
    return (
        Allocation.objects.filter(ours | (within_reach(user, "view_allocation", of=Allocation) & sure))
        .filter(slot__starts_at__gt=Now() - PAST)
        .select_related("resource", "area", "slot")
        .annotate(changed_at=changed)
        .order_by("slot__starts_at", "pk")[:MOST]
    )


def write(rows: QuerySet[Allocation]) -> str:
    """Write the rows as one calendar."""
    zone = ZoneInfo(get_default_timezone_name())
    found = list(rows)
    moments = [moment for row in found for moment in (row.slot.starts_at, row.slot.ends_at)]
    # A zone that changes its clocks would need its rules; such a district's calendar is written in UTC.
    steady = len({moment.astimezone(zone).utcoffset() for moment in (*moments, *_half_years())}) == 1
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Hedong//Commitments//ZH", "CALSCALE:GREGORIAN"]
    lines += ["METHOD:PUBLISH", f"X-WR-CALNAME:{TITLE}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H"]
    lines += list(_zone(zone)) if steady else []
    for row in found:
        lines += _event(row, zone if steady else None)
    lines.append("END:VCALENDAR")
    return "".join(fold(line) for line in lines)


def fold(line: str) -> str:
    """Break a line into pieces of at most 75 octets, between characters, as continuation lines with CRLF."""
    pieces, size = [""], 0
    for sign in line:
        length = len(sign.encode())
        if size + length > LINE:
            pieces.append(" ")
            size = 1
        pieces[-1] += sign
        size += length
    return "\r\n".join(pieces) + "\r\n"


def escape(text: str) -> str:
    """Write free words so that none of their signs means anything."""
    words = "".join(sign for sign in text.replace("\r\n", "\n") if sign == "\n" or sign.isprintable())
    for sign in "\\;,":
        words = words.replace(sign, f"\\{sign}")
    return words.replace("\n", "\\n")


def _event(row: Any, zone: ZoneInfo | None) -> list[str]:
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    status = "CANCELLED" if row.status == A.CANCELLED else "TENTATIVE" if row.status in ASKED else "CONFIRMED"
    amount = f"{row.quantity} {row.resource.unit_label}"
    return [
        "BEGIN:VEVENT",
        f"UID:{row.pk}@{urlsplit(base).hostname}",
        f"DTSTAMP:{_utc(row.changed_at)}",
        f"LAST-MODIFIED:{_utc(row.changed_at)}",
        f"SEQUENCE:{row.version}",
        f"DTSTART{_moment(row.slot.starts_at, zone)}",
        f"DTEND{_moment(row.slot.ends_at, zone)}",
        f"STATUS:{status}",
        f"SUMMARY:{escape(f'{_WORDS.get(row.status, str())}{row.resource.name} {amount}')}",
        f"LOCATION:{escape(row.area.name)}",
        f"URL:{base}{reverse('accounts:home')}",
        f"TRANSP:{'OPAQUE' if status == 'CONFIRMED' else 'TRANSPARENT'}",
        "END:VEVENT",
    ]


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('UTC')):%Y%m%dT%H%M%SZ}"


def _moment(moment: datetime, zone: ZoneInfo | None) -> str:
    return f";TZID={zone.key}:{moment.astimezone(zone):%Y%m%dT%H%M%S}" if zone else f":{_utc(moment)}"


def _half_years() -> tuple[datetime, ...]:
    utc = ZoneInfo("UTC")
    return datetime(2026, 1, 1, tzinfo=utc), datetime(2026, 7, 1, tzinfo=utc)


def _zone(zone: ZoneInfo) -> Iterator[str]:
    offset = f"{_half_years()[0].astimezone(zone):%z}"
    yield from ("BEGIN:VTIMEZONE", f"TZID:{zone.key}", "BEGIN:STANDARD", "DTSTART:19700101T000000")
    yield from (f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}", "END:STANDARD", "END:VTIMEZONE")
