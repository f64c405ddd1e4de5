"""One import of a file, its rows under seal, and what a district allows."""

from __future__ import annotations

import uuid
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.errors import StepNotAllowed
from common.fields import EncryptedTextField


class RunState(models.TextChoices):
    """Where an import stands; the arrows are drawn in docs/tables.md."""

    PLANNING = "planning", "正在核对"
    PLANNED = "planned", "等您确认"
    WRITING = "writing", "正在导入"
    DONE = "done", "已导入"
    UNDOING = "undoing", "正在撤销"
    UNDONE = "undone", "已撤销"
    DROPPED = "dropped", "已放弃"


# State → the states that may follow.
FOLLOWS: dict[str, tuple[str, ...]] = {
    RunState.PLANNING: (RunState.PLANNED, RunState.DROPPED),
    RunState.PLANNED: (RunState.PLANNING, RunState.WRITING, RunState.DROPPED),
    RunState.WRITING: (RunState.PLANNED, RunState.DONE),
    RunState.DONE: (RunState.UNDOING,),
    RunState.UNDOING: (RunState.DONE, RunState.UNDONE),
    RunState.UNDONE: (),
    RunState.DROPPED: (),
}
BUSY = (RunState.PLANNING, RunState.WRITING, RunState.UNDOING)


class ImportRunQuerySet(models.QuerySet):
    """Imports."""

    def of(self, user: object) -> Self:
        """Keep the imports that this person began: nobody else sees what is in a file."""
        return self.filter(owner_id=getattr(user, "pk", None))


class ImportRun(models.Model):
    """One file on its way into a registry (一次导入)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registry = models.CharField("登记册", max_length=60, editable=False)
    title = models.CharField("导入到", max_length=60, editable=False)
    # Plain columns instead of a foreign key: the row stays true when the account is gone.
    owner_id = models.UUIDField("导入人编号", null=True, editable=False)
    owner_label = models.CharField("导入人", max_length=150, editable=False)
    file_name = models.CharField("文件", max_length=200, editable=False)
    digest = models.CharField("文件指纹", max_length=64, editable=False)
    state = models.CharField("状态", max_length=10, choices=RunState, default=RunState.PLANNED, editable=False)
    # How often it went to the background, so that each time has a job of its own.
    turn = models.PositiveIntegerField("第几次", default=0, editable=False)
    rows = models.PositiveIntegerField("行数", default=0, editable=False)
    # Written while the job runs, past its transaction: rows looked at, written or taken back so far.
    progress = models.PositiveIntegerField("进度", default=0, editable=False)
    new = models.PositiveIntegerField("新增", default=0, editable=False)
    changed = models.PositiveIntegerField("改动", default=0, editable=False)
    same = models.PositiveIntegerField("相同", default=0, editable=False)
    wrong = models.PositiveIntegerField("有错", default=0, editable=False)
    written = models.PositiveIntegerField("已写入", default=0, editable=False)
    kept = models.PositiveIntegerField("没有撤销", default=0, editable=False)
    note = models.TextField("说明", blank=True, default="", editable=False)
    created_at = models.DateTimeField("上传时间", db_default=Now(), editable=False)
    done_at = models.DateTimeField("导入时间", null=True, blank=True, editable=False)
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True, editable=False)
    # What the rows held is gone; that the import took place stays.
    emptied_at = models.DateTimeField("内容清除时间", null=True, blank=True, editable=False)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = "表格导入"
        verbose_name_plural = "表格导入"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["owner_id", "-created_at"], name="import_owner"),
            models.Index(fields=["registry", "digest"], name="import_digest", condition=Q(state="done")),
            models.Index(fields=["created_at"], name="import_full", condition=Q(emptied_at=None)),
        ]
        constraints = [models.CheckConstraint(condition=Q(state__in=RunState.values), name="import_state_known")]

    def __str__(self) -> str:
        return f"{self.title}（{self.owner_label}）"

    @property
    def busy(self) -> bool:
        """Tell whether the background works on it."""
        return self.state in BUSY

    @property
    def percent(self) -> int:
        """Return how much of the present work is done, 0 to 99: done is only what is committed."""
        total = self.written if self.state == RunState.UNDOING else self.rows
        return min(99, self.progress * 100 // total) if total else 0

    @property
    def job_key(self) -> str:
        """Return the key of the job that works on it now."""
        return f"import:{self.pk}:{self.turn}"

    def check_step(self, to: str) -> None:
        """Raise StepNotAllowed unless `to` may follow the present state."""
        if to not in FOLLOWS[self.state]:
            raise StepNotAllowed()


class PartKind(models.TextChoices):
    """What a part holds."""

    HEAD = "head", "表头"
    ROWS = "rows", "原来的行"
    PLAN = "plan", "核对结果"
    SUMMARY = "summary", "核对摘要"
    WRITTEN = "written", "写入记录"
    REFUSED = "refused", "撤销不了的"


class ImportPart(models.Model):
    """Some of the rows of an import, or what was found out about them, under seal."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="parts", verbose_name="导入", editable=False)
    kind = models.CharField("种类", max_length=10, choices=PartKind, editable=False)
    number = models.PositiveIntegerField("序号", editable=False)
    content = EncryptedTextField("内容", editable=False)

    class Meta:
        verbose_name = "导入内容"
        verbose_name_plural = "导入内容"
        ordering = ["run", "kind", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "kind", "number"], name="import_part_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.number}"


class ImportPolicy(models.Model):
    """What a district allows in imports: one row, and the defaults without it."""

    rows_at_most = models.PositiveIntegerField(
        "一次最多多少行", default=20_000, validators=[MinValueValidator(100), MaxValueValidator(50_000)]
    )
    rows_at_once = models.PositiveIntegerField(
        "多少行以内当场办完",
        default=1000,
        validators=[MinValueValidator(0), MaxValueValidator(5000)],
        help_text="超过的放到后台办，页面上看得到进度。",
    )
    keep_days = models.PositiveIntegerField(
        "上传的内容保留几天",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(180)],
        help_text="到期只清除表里的内容，这以后不能再撤销；谁在什么时候导入过一直留着。",
    )

    class Meta:
        verbose_name = "表格导入设置"
        verbose_name_plural = "表格导入设置"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="import_policy_one_row")]

    def __str__(self) -> str:
        return "表格导入设置"
