"""What the public doors leave behind: opinions about this system."""

import uuid

from django.db import models
from django.db.models.functions import Now


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
