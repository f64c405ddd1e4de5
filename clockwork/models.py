"""The calendar of working days, the hours of work, and how long each step may take."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


class CalendarDay(models.Model):
    """One day of the work calendar (日历).

    Source of the official days: the State Council's yearly notice on holidays (国务院办公厅关于部分节假日安排的通知).
    """

    class Kind(models.TextChoices):
        """What kind of day it is (日子的种类)."""

        WORKDAY = "workday", "工作日"
        REST = "rest", "周末"
        HOLIDAY = "holiday", "放假"
        MAKEUP = "makeup", "调休上班"

    class Source(models.TextChoices):
        """Who says so (来源)."""

        OFFICIAL = "official", "国务院通知"
        ESTIMATED = "estimated", "估算"
        LOCAL = "local", "本地调整"

    WORKING = (Kind.WORKDAY, Kind.MAKEUP)

    date = models.DateField("日期", primary_key=True)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    source = models.CharField("来源", max_length=9, choices=Source.choices, default=Source.LOCAL)
    name = models.CharField("名称", max_length=40, blank=True)

    class Meta:
        verbose_name = "日历"
        verbose_name_plural = "日历"
        ordering = ("date",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=("workday", "rest", "holiday", "makeup")), name="calendarday_kind_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.date} {self.get_kind_display()}"


class WorkHours(models.Model):
    """Hours of work in some months of the year (工作时间); of several that fit, the one with fewest months holds."""

    name = models.CharField("名称", max_length=20, unique=True)
    first_month = models.PositiveSmallIntegerField(
        "从几月", default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    last_month = models.PositiveSmallIntegerField(
        "到几月", default=12, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    morning_start = models.TimeField("上午上班")
    morning_end = models.TimeField("上午下班")
    afternoon_start = models.TimeField("下午上班")
    afternoon_end = models.TimeField("下午下班")

    class Meta:
        verbose_name = "工作时间"
        verbose_name_plural = "工作时间"
        ordering = ("first_month", "name")
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    morning_start__lt=F("morning_end"),
                    morning_end__lte=F("afternoon_start"),
                    afternoon_start__lt=F("afternoon_end"),
                ),
                name="workhours_in_order",
                violation_error_message="四个时刻要从早到晚排列。",
            ),
            models.CheckConstraint(
                condition=Q(first_month__range=(1, 12), last_month__range=(1, 12)), name="workhours_months"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def months(self) -> frozenset[int]:
        """The months in which these hours hold; November to February is written 11 to 2."""
        first, last = self.first_month, self.last_month
        if first <= last:
            return frozenset(range(first, last + 1))
        return frozenset(range(first, 13)) | frozenset(range(1, last + 1))


class DeadlinePolicy(models.Model):
    """How long one step may take (办理时限)."""

    class Unit(models.TextChoices):
        """How time is counted (计时单位)."""

        NATURAL_HOUR = "natural_hour", "小时（不分昼夜）"
        WORK_HOUR = "work_hour", "工作小时"
        WORKING_DAY = "working_day", "工作日"

    code = models.CharField("代码", max_length=60, unique=True, editable=False)
    name = models.CharField("名称", max_length=60)
    amount = models.PositiveSmallIntegerField("多少", validators=[MinValueValidator(1), MaxValueValidator(2000)])
    unit = models.CharField("单位", max_length=12, choices=Unit.choices)

    class Meta:
        verbose_name = "办理时限"
        verbose_name_plural = "办理时限"
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(
                condition=Q(unit__in=("natural_hour", "work_hour", "working_day")), name="deadlinepolicy_unit_known"
            ),
            models.CheckConstraint(condition=Q(amount__range=(1, 2000)), name="deadlinepolicy_amount_sane"),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a limit in working days that no calendar reaches."""
        if self.unit == self.Unit.WORKING_DAY and self.amount > 400:
            raise ValidationError({"amount": "工作日最多填 400 天。"})
