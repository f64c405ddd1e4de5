"""What the public doors leave behind: counted visits without addresses, and opinions about this system."""

import uuid

from django.db import models
from django.db.models.functions import Now

from requests_board.models.catalogue import PublicLimit


class PublicHit(models.Model):
    """How often one sender used a door in one span; the sender is a keyed hash, never an address."""

    limit = models.ForeignKey(PublicLimit, models.CASCADE, related_name="+")
    sender_key = models.CharField(max_length=64)
    window = models.BigIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = "公众入口计数"
        constraints = [models.UniqueConstraint(fields=["limit", "sender_key", "window"], name="public_hit_once")]

    def __str__(self) -> str:
        return f"{self.limit_id} {self.window}"


class SystemFeedback(models.Model):
    """An opinion or complaint about this system itself, which a public body must be able to receive."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    text = models.TextField("意见", max_length=500)
    page = models.CharField("页面", max_length=200, blank=True)
    answer = models.TextField("答复", max_length=500, blank=True)
    created_at = models.DateTimeField("提交时间", db_default=Now(), editable=False)
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "对本系统的意见"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.text[:20]
