"""What the district's figures mean: definitions are data, so that a district can word and aim them itself."""

from django.db import models
from django.db.models import Q


class MetricDefinition(models.Model):
    """One figure: its name, what is counted over what, and from how many rows on a rate speaks."""

    code = models.CharField("编号", max_length=24, primary_key=True)
    name = models.CharField("名称", max_length=40)
    formula = models.CharField("口径", max_length=200)
    source = models.CharField("取自", max_length=80)
    unit = models.CharField("单位", max_length=8, blank=True)
    target = models.DecimalField("目标", max_digits=5, decimal_places=1, null=True, blank=True)
    least_rows = models.PositiveSmallIntegerField("不足几件不作比较", default=20)
    sort_order = models.PositiveSmallIntegerField("顺序", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "指标口径"
        ordering = ("sort_order", "code")
        constraints = [
            models.CheckConstraint(
                condition=Q(target__isnull=True) | Q(target__gte=0, target__lte=100), name="metric_target_percent"
            )
        ]

    def __str__(self) -> str:
        return self.name
