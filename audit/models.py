"""What happened (events), what must follow (jobs), who looked at personal data, and what was answered to a key."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from audit.imports.models import ImportPart as ImportPart
from audit.imports.models import ImportPolicy as ImportPolicy
from audit.imports.models import ImportRun as ImportRun
from audit.registry import words_for
from common.fields import EncryptedTextField


class Event(models.Model):
    """One thing that happened. Rows are only ever added: the application's role may not change them."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("时间", db_default=Now(), editable=False)
    # Plain columns instead of foreign keys: the row stays true when the person or the thing is gone.
    actor_id = models.UUIDField("操作人编号", null=True, blank=True, editable=False)
    actor_label = models.CharField("操作人", max_length=150, editable=False)
    on_behalf_of = models.CharField("代表", max_length=150, blank=True, default="", editable=False)
    verb = models.CharField("动作", max_length=100, editable=False)
    target_type = models.CharField("对象类型", max_length=100, blank=True, default="", editable=False)
    target_id = models.CharField("对象编号", max_length=64, blank=True, default="", editable=False)
    before = models.TextField("之前", blank=True, default="", editable=False)
    after = models.TextField("之后", blank=True, default="", editable=False)
    reason = models.TextField("理由", blank=True, default="", editable=False)
    scope_path = models.CharField("范围", max_length=255, blank=True, default="", editable=False)
    data = models.JSONField("附加数据", default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = "事件"
        verbose_name_plural = "事件"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target_type", "target_id", "id"], name="event_target"),
            models.Index(fields=["verb", "at"], name="event_verb_at"),
            models.Index(fields=["scope_path"], name="event_scope", opclasses=["text_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{words_for(self.verb)} {self.pk}"


class JobState(models.TextChoices):
    """Where a job stands; the arrows are drawn in docs/jobs.md."""

    PENDING = "pending", "待执行"
    RUNNING = "running", "执行中"
    DONE = "done", "已完成"
    DEAD = "dead", "已停止，需处理"


class Job(models.Model):
    """Work that follows from a committed change. The row is the truth, a broker message only a wake-up call."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField("种类", max_length=100, editable=False)
    key = models.CharField("唯一键", max_length=200, unique=True, editable=False)
    payload = models.JSONField("参数", default=dict, blank=True, editable=False)
    state = models.CharField(
        "状态", max_length=10, choices=JobState, default=JobState.PENDING, editable=False
    )
    # The fencing token: whoever no longer holds the newest number may not finish the job.
    attempts = models.PositiveIntegerField("尝试次数", default=0, editable=False)
    lease_until = models.DateTimeField("占用至", null=True, blank=True, editable=False)
    next_at = models.DateTimeField("最早执行时间", db_default=Now(), editable=False)
    enqueued_at = models.DateTimeField("上次唤醒", null=True, blank=True, editable=False)
    created_at = models.DateTimeField("创建时间", db_default=Now(), editable=False)
    done_at = models.DateTimeField("完成时间", null=True, blank=True, editable=False)
    last_error = models.TextField("最近一次错误", blank=True, default="", editable=False)

    class Meta:
        verbose_name = "后台任务"
        verbose_name_plural = "后台任务"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state__in=["pending", "running"]), name="job_open"),
            models.Index(fields=["kind"], condition=Q(state__in=["pending", "running"]), name="job_open_kind"),
            models.Index(fields=["done_at"], condition=Q(state="done"), name="job_done"),
            models.Index(fields=["id"], condition=Q(state="dead"), name="job_dead"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class PersonalDataRead(models.Model):
    """One look at a masked personal value: who, whose, which field, what for. Rows are only ever added."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("时间", db_default=Now(), editable=False)
    actor_id = models.UUIDField("查看人编号", null=True, blank=True, editable=False)
    actor_label = models.CharField("查看人", max_length=150, editable=False)
    subject_type = models.CharField("对象类型", max_length=100, editable=False)
    subject_id = models.CharField("对象编号", max_length=64, editable=False)
    field = models.CharField("字段", max_length=60, editable=False)
    purpose = models.CharField("用途", max_length=200, editable=False)

    class Meta:
        verbose_name = "个人信息查看记录"
        verbose_name_plural = "个人信息查看记录"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="read_subject"),
            models.Index(fields=["actor_id", "at"], name="read_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.field} #{self.pk}"


class Heartbeat(models.Model):
    """The last sign of life of a kind of process: worker, sweeper or beat."""

    name = models.CharField("进程", max_length=20, primary_key=True, editable=False)
    at = models.DateTimeField("最近一次", db_default=Now(), editable=False)
    detail = models.CharField("说明", max_length=200, blank=True, default="", editable=False)

    class Meta:
        verbose_name = "心跳"
        verbose_name_plural = "心跳"

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """What one caller was answered under a key of its own, so that the same call sent again is answered, not done.

    The row is written in the transaction of the effect. While that runs it is a lock in the database that holds the
    key, so a process that dies leaves neither effect nor key.
    """

    KEPT = timedelta(hours=24)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor_id = models.UUIDField("调用方", editable=False)
    key = models.CharField("键", max_length=64, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False)
    status = models.PositiveSmallIntegerField("状态码", editable=False)
    headers = models.JSONField(default=dict, editable=False)
    body = EncryptedTextField("答复", blank=True, editable=False)
    expires_at = models.DateTimeField("保留到", db_default=Now() + KEPT, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "幂等键"
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expires")]
        constraints = [models.UniqueConstraint(fields=["actor_id", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return self.key
