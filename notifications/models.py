"""What people are told: one row per person, matter and channel."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.fields import EncryptedTextField


class Channel(models.TextChoices):
    """By which way a notice reaches a person."""

    INBOX = "inbox", "站内"
    MAIL = "mail", "邮件"


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Select notices by reader and state."""

    def visible_to(self, user: Any) -> Self:
        """Keep the person's own inbox; nobody reads another's."""
        return self.filter(recipient_id=getattr(user, "pk", None), channel=Channel.INBOX)

    def unread(self) -> Self:
        """Keep what the person has not opened yet."""
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """Something a person should know: a sentence without personal data, and where to act on it."""

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name="收件人"
    )
    channel = models.CharField("渠道", max_length=8, choices=Channel.choices, default=Channel.INBOX)
    title = models.CharField("标题", max_length=80)
    body = models.CharField("内容", max_length=300, blank=True)
    url = models.CharField("去办理", max_length=400, blank=True)
    urgent = models.BooleanField("紧急", default=False)
    event_id = models.BigIntegerField("来源事件", null=True, blank=True)
    created_at = models.DateTimeField("时间", db_default=Now())
    read_at = models.DateTimeField("看过", null=True, blank=True, editable=False)
    sent_at = models.DateTimeField("发出", null=True, blank=True, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "通知"
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["recipient", "-id"], name="notice_inbox"),
            models.Index(fields=["recipient"], name="notice_unread", condition=Q(read_at__isnull=True)),
        ]
        constraints = [
            # An event may be delivered more than once; a person is told once.
            models.UniqueConstraint(
                fields=["event_id", "recipient", "channel"],
                name="notice_once_per_event",
                condition=Q(event_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.title


class MailAddress(models.Model):
    """Where a person wants notices by mail as well; without a row they stay in the inbox."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="mail_address", verbose_name="人员"
    )
    address = EncryptedTextField("邮箱", max_length=120)

    class Meta:
        verbose_name = verbose_name_plural = "通知邮箱"

    def __str__(self) -> str:
        return str(self.user)
