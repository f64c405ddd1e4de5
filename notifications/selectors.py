"""Reads of notices: a person's inbox, and who is to be told."""

from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Length

from accounts.models import User
from grids.models import Post
from grids.roles import having
from notifications.models import MailAddress, Notice
from partners.models import Membership, in_force

PAGE = 30


def inbox(user: Any, *, before: int | None = None) -> QuerySet[Notice]:
    """Return a page of the person's notices, newest first, below the notice `before`; one row more tells of a next."""
    notices = Notice.objects.visible_to(user).order_by("-id")
    if before is not None:
        notices = notices.filter(pk__lt=before)
    return notices[: PAGE + 1]


def unread_count(user: Any) -> int:
    """Count what the person has not opened yet; more than 99 counts as 99."""
    return Notice.objects.visible_to(user).unread()[:99].count()


def mail_address(user: Any) -> str:
    """Return where the person's notices go by mail, or an empty text."""
    found = MailAddress.objects.filter(user_id=user.pk).first()
    return found.address if found else ""


def people_of_partner(partner_id: Any, permission: str = "answer_allocation") -> list[User]:
    """Return who acts for the partner with `permission` today."""
    memberships = Membership.objects.filter(in_force(), partner_id=partner_id, role__in=having(permission))
    return list(User.objects.filter(is_active=True, pk__in=memberships.values("user_id")))


def people_at(scope_path: str, permission: str) -> list[User]:
    """Return who holds `permission` at the nearest place around `scope_path`: the community before the street."""
    posts = (
        Post.objects.current()
        .filter(role__in=having(permission), user__is_active=True)
        .annotate(here=Value(scope_path))
        .filter(here__startswith=F("scope_path"))
        .annotate(depth=Length("scope_path"))
        .select_related("user")
    )
    found = list(posts)
    nearest = max((post.depth for post in found), default=0)
    return list({post.user_id: post.user for post in found if post.depth == nearest}.values())
