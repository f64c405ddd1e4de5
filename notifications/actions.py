"""Tell people and note what they have read; nothing else writes notices."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from audit import jobs
from audit.models import Event
from common.errors import Invalid, NotFound
from notifications import selectors, words
from notifications.models import Channel, MailAddress, Notice
from requests_board.models import ServiceRequest
from requests_board.workflow import RequestStatus, Severity

ASSIGNED_JOB = "notifications.assigned"
MAIL_JOB = "notifications.mail"


@transaction.atomic
def tell(
    recipients: Iterable[Any],
    *,
    title: str,
    body: str = "",
    url: str = "",
    mail_url: str = "",
    urgent: bool = False,
    event_id: int | None = None,
) -> list[Notice]:
    """Write a notice for each person, once per event, and a mail where mail is set up and the person has an address."""
    people = {person.pk: person for person in recipients}
    text = {"title": title[:80], "body": body[:300], "url": url, "urgent": urgent, "event_id": event_id}
    known = set()
    if event_id is not None:
        known = set(
            Notice.objects.filter(event_id=event_id, recipient_id__in=people).values_list("recipient_id", "channel")
        )
    wanted = [(key, Channel.INBOX) for key in people]
    if settings.EMAIL_HOST:
        reachable = MailAddress.objects.filter(user_id__in=people).values_list("user_id", flat=True)
        wanted += [(key, Channel.MAIL) for key in reachable]
    written = Notice.objects.bulk_create(
        Notice(recipient_id=key, channel=way, **_for_channel(text, way, mail_url))
        for key, way in wanted
        if (key, way) not in known
    )
    for notice in written:
        if notice.channel == Channel.MAIL:
            jobs.enqueue(MAIL_JOB, f"notice:{notice.pk}", {"notice": notice.pk})
    return written


def _for_channel(text: dict[str, Any], way: str, mail_url: str) -> dict[str, Any]:
    return {**text, "url": mail_url} if way == Channel.MAIL and mail_url else text


def tell_of_assignment(event: int, version: int) -> None:
    """Tell the partner's people of the request that `event` gave them, unless it was taken back meanwhile."""
    given = Event.objects.get(pk=event)
    request = (
        ServiceRequest.objects.select_related("area", "category")
        .filter(pk=given.target_id, status=RequestStatus.ASSIGNED, version=version)
        .first()
    )
    if request is None or request.handler_partner_id is None:
        return
    tell(
        selectors.people_of_partner(request.handler_partner_id),
        title=f"派给您一件：{request.category or '居民诉求'}（{request.number}）",
        body=f"{request.area}。办结期限 {words.moment(request.resolve_due_at)}。",
        url=reverse("requests_board:liaison") + f"#r-{request.number}",
        urgent=request.severity == Severity.URGENT,
        event_id=given.pk,
    )


@transaction.atomic
def send_mail(notice_id: int) -> bool:
    """Send one notice by mail; a notice that has gone out is not sent again."""
    notice = Notice.objects.select_for_update(of=("self",)).filter(pk=notice_id, channel=Channel.MAIL).first()
    if notice is None or notice.sent_at is not None:
        return False
    mailbox = MailAddress.objects.filter(user_id=notice.recipient_id).first()
    if mailbox is None:
        return False
    address = settings.PUBLIC_BASE_URL.rstrip("/") + notice.url if notice.url else ""
    message = EmailMessage(
        subject=notice.title,
        body="\n\n".join(part for part in (notice.body, address and f"去办理：{address}") if part),
        to=[mailbox.address],
        # A receiving server that gets the same notice twice keeps one.
        headers={"Message-ID": f"<notice-{notice.pk}@{settings.EMAIL_DOMAIN}>"},
    )
    message.send()
    # The link in a mail may open a door by itself; it is not kept after it went out.
    Notice.objects.filter(pk=notice.pk).update(sent_at=Now(), url="")
    return True


def read(notice_id: int, *, actor: Any) -> Notice:
    """Note that the person has opened the notice; refuse other people's notices."""
    notice = Notice.objects.visible_to(actor).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound
    Notice.objects.filter(pk=notice.pk, read_at__isnull=True).update(read_at=Now())
    return notice


def read_all(*, actor: Any, up_to: int) -> int:
    """Note that the person has seen every notice up to the one shown on top of the page."""
    return Notice.objects.visible_to(actor).unread().filter(pk__lte=up_to).update(read_at=Now())


def set_mail_address(address: str, *, actor: Any) -> None:
    """Send the person's notices to this address as well; an empty one ends that. Refuse what is no address."""
    address = address.strip()
    if not address:
        MailAddress.objects.filter(user=actor).delete()
        return
    try:
        validate_email(address)
    except ValidationError as error:
        raise Invalid("邮箱写得不对，请看看有没有少了 @ 后面的部分。", field="address") from error
    MailAddress.objects.update_or_create(user=actor, defaults={"address": address})
