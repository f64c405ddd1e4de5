"""What a district sets for itself: categories, reasons, weights and limits. All of it is data."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from clockwork.models import DeadlinePolicy

_WORTH = (MinValueValidator(1), MaxValueValidator(100_000))
_TIMES = re.compile(r"([01]\d|2[0-3]):[0-5]\d( ([01]\d|2[0-3]):[0-5]\d)*")
UNITS = DeadlinePolicy._meta.get_field("unit").choices


class RequestCategory(models.Model):
    """A leaf of the three-level catalogue of requests, coded 2-2-2."""

    code = models.CharField("编码", max_length=6, primary_key=True)
    l1 = models.CharField("一级", max_length=40)
    l2 = models.CharField("二级", max_length=40)
    name = models.CharField("名称", max_length=40)
    short_name = models.CharField("短名", max_length=8, blank=True)
    icon = models.CharField("图标", max_length=24, blank=True)
    quick = models.PositiveSmallIntegerField("居民页顺序", null=True, blank=True)
    keywords = models.CharField("关键词", max_length=200, blank=True, help_text="用空格隔开")
    default_handlers = models.CharField("默认承办", max_length=80, blank=True)
    limit_amount = models.PositiveSmallIntegerField("办理时限")
    limit_unit = models.CharField("时限单位", max_length=12, choices=UNITS)
    sensitive = models.BooleanField("敏感", default=False)
    active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "诉求类别"
        ordering = ("code",)

    def __str__(self) -> str:
        return self.short_name or self.name


class DeclineReason(models.Model):
    """A reason for which a department may say no."""

    code = models.CharField("编码", max_length=20, primary_key=True)
    label = models.CharField("说法", max_length=40)
    sort_order = models.PositiveSmallIntegerField("顺序", default=0)
    active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "谢绝原因"
        ordering = ("sort_order", "code")

    def __str__(self) -> str:
        return self.label


class NotAcceptedReason(models.Model):
    """A reason for not taking a request on, with the sentence that tells the resident where to go instead."""

    code = models.CharField("编码", max_length=20, primary_key=True)
    label = models.CharField("原因", max_length=40)
    referral = models.CharField("告诉居民的话", max_length=120)
    sort_order = models.PositiveSmallIntegerField("顺序", default=0)
    active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "不予受理原因"
        ordering = ("sort_order", "code")

    def __str__(self) -> str:
        return self.label


class DispatchPolicy(models.Model):
    """One version of the weights and limits of dispatch; the newest one counts, old ones explain old decisions."""

    version = models.AutoField("版本", primary_key=True)
    paired = models.DecimalField("结对部门优先", max_digits=4, decimal_places=3, default="0.35")
    waiting = models.DecimalField("等得短", max_digits=4, decimal_places=3, default="0.25")
    share = models.DecimalField("得得少的先得", max_digits=4, decimal_places=3, default="0.20")
    distance = models.DecimalField("离得近", max_digits=4, decimal_places=3, default="0.10")
    acceptance = models.DecimalField("以往应约", max_digits=4, decimal_places=3, default="0.10")
    share_days = models.PositiveSmallIntegerField("份额看最近几天", default=90)
    refusals_limit = models.PositiveSmallIntegerField("几次谢绝后转区级", default=3)
    undo_seconds = models.PositiveSmallIntegerField("可撤回秒数", default=10)
    emergency_order = models.CharField("应急命令文号", max_length=60, blank=True)
    ask_days_ahead = models.PositiveSmallIntegerField(
        "再提前几个工作日去问", null=True, blank=True, validators=[MaxValueValidator(250)],
        help_text="先打算，到时候再问，中间还能换更合适的。填 0 就是留够对方答复的时间；不填就马上问。",
    )  # fmt: skip
    batch_times = models.CharField(
        "每天几点统筹",
        max_length=60,
        default="02:30",
        blank=True,
        help_text="例如 02:30 12:30，用空格隔开；不填就只在有人点的时候做。",
    )
    value_routine = models.PositiveIntegerField("一般需求的分量", default=1000, validators=_WORTH)
    value_coordinated = models.PositiveIntegerField("需协调的分量", default=2000, validators=_WORTH)
    value_urgent = models.PositiveIntegerField("紧急的分量", default=8000, validators=_WORTH)
    value_day = models.PositiveIntegerField("每多等一天加", default=20, validators=[MaxValueValidator(1000)])
    fairness = models.PositiveIntegerField(
        "各社区拉平的力度", default=2000, validators=[MaxValueValidator(4000)], help_text="0 到 4000；0 就是不管拉平。"
    )
    created_at = models.DateTimeField("启用时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "调配规则"
        ordering = ("-version",)

    def __str__(self) -> str:
        return f"第 {self.version} 版"

    def clean(self) -> None:
        """Refuse weights that do not add up to one, and times of day that are none."""
        if self.batch_times and not _TIMES.fullmatch(self.batch_times):
            raise ValidationError({"batch_times": "请写成 02:30 或 02:30 12:30 这样，用空格隔开。"})
        total = self.paired + self.waiting + self.share + self.distance + self.acceptance
        if total != 1:
            raise ValidationError(f"五个权重加起来要等于 1，现在是 {total}。")

    @classmethod
    def current(cls) -> "DispatchPolicy":
        """Return the newest version; an unsaved one with the defaults where none was ever stored."""
        return cls.objects.first() or cls(version=0)
