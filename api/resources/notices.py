"""What the person was told (通知)."""

from typing import Any

from django.db.models import Q

from api.declare import Query, Resource, Verb, register
from api.fields import Form, Truth
from api.shapes import shape
from notifications import actions
from notifications.models import Notice

NoticeRow = shape("NoticeRow", Notice, "id", "title", "body", "url", "urgent", "created_at", "read_at")


class Filters(Form):
    """The filters of the list."""

    unread = Truth(required=False, help_text="true 是没看过的，false 是看过的。")


def _read(row: Notice, actor: Any) -> Notice:
    return actions.read(row.pk, actor=actor)


NOTICES = register(Resource(
    name="notices", title="通知", note="自己的站内通知，别人的看不到。",
    rows=lambda user: Notice.objects.visible_to(user), row=NoticeRow, full=NoticeRow, rights=(), order=("-id",),
    key="int", query=Query(Filters, {"unread": lambda yes: Q(read_at__isnull=yes)}),
    verbs=(Verb("read", "看过了", _read),),
))  # fmt: skip
