"""What the district's figures mean, and the forms in which facts are handed in: both are data of the district."""

from django.db import models
from django.db.models import Q

from dashboards.facts import check_items


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


class FactForm(models.Model):
    """A form that somebody asks for again and again (一表通): which facts, in which order, under which headings."""

    class Each(models.TextChoices):
        """What one copy has a line for."""

        ITEM = "item", "每个数据项一行"
        STREET = "street", "每个街道（镇）一行"
        COMMUNITY = "community", "每个社区（村）一行"
        ESTATE = "estate", "每个小区一行"
        GRID = "grid", "每个网格一行"
        BUILDING = "building", "每栋楼一行"

    code = models.SlugField("编号", max_length=24, primary_key=True)
    title = models.CharField("表名", max_length=40, unique=True)
    each = models.CharField("排法", max_length=12, choices=Each, default=Each.ITEM)
    items = models.TextField(
        "数据项", max_length=3000, validators=[check_items],
        help_text="每行一个，按表上的顺序。表头和数据项的名称不一样，就写成“户数｜居民户数”。",
    )  # fmt: skip
    active = models.BooleanField("启用", default=True)
    sort_order = models.PositiveSmallIntegerField("顺序", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "数据取用表"
        ordering = ("sort_order", "code")

    def __str__(self) -> str:
        return self.title
