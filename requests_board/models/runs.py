"""Runs of the batch (统筹): what was looked at, what was changed, and how good it is."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from grids.permissions import within_reach
from grids.placed import Placed, PlacedQuerySet


class DispatchRunQuerySet(PlacedQuerySet):
    """Select runs by who looks."""

    def visible_to(self, user: Any) -> Self:
        """Keep the runs over places for which the person settles needs."""
        return self.filter(within_reach(user, "settle_at_district"))


class DispatchRun(Placed):
    """One allotment of the whole backlog of a district; `area` is the district. A dry one changed nothing.

    `worth` and `bound` are in the policy's values, `worst` is the lowest share of its units that a community gets.
    """

    key = models.CharField("唯一键", max_length=80, unique=True, editable=False)
    dry = models.BooleanField("试算", default=False, editable=False)
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False, verbose_name="谁点的"
    )
    policy_version = models.PositiveIntegerField("规则版本", default=0, editable=False)
    needs = models.PositiveIntegerField("等着的需求", default=0, editable=False)
    slots = models.PositiveIntegerField("空着的档期", default=0, editable=False)
    served_before = models.PositiveIntegerField("原来打算好的", default=0, editable=False)
    served_after = models.PositiveIntegerField("现在打算好的", default=0, editable=False)
    proposed = models.PositiveIntegerField("新配上的", default=0, editable=False)
    moved = models.PositiveIntegerField("换了的", default=0, editable=False)
    dropped = models.PositiveIntegerField("让出来的", default=0, editable=False)
    hopeless = models.PositiveIntegerField("谁也满足不了的", default=0, editable=False)
    skipped = models.PositiveIntegerField("中途变了、没动的", default=0, editable=False)
    worth = models.BigIntegerField("总分量", default=0, editable=False)
    bound = models.BigIntegerField("最多可能的分量", default=0, editable=False)
    evenness_before = models.FloatField("原来的均匀度", default=1, editable=False)
    evenness_after = models.FloatField("现在的均匀度", default=1, editable=False)
    worst_before = models.FloatField("原来得的最少的社区", default=1, editable=False)
    worst_after = models.FloatField("现在得的最少的社区", default=1, editable=False)
    # The first changes of each kind, as [need, slot before, slot after]; the counts count them all.
    changes = models.JSONField("变动", default=list, editable=False)
    seconds = models.FloatField("用了几秒", default=0, editable=False)
    created_at = models.DateTimeField("什么时候", db_default=Now(), editable=False)
    done_at = models.DateTimeField("做完的时间", null=True, blank=True, editable=False)

    objects: ClassVar = DispatchRunQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "统筹"
        ordering = ("-id",)
        constraints = [models.CheckConstraint(condition=Q(worth__lte=models.F("bound")), name="run_within_bound")]

    def __str__(self) -> str:
        return f"统筹 {self.pk}"

    @property
    def gap(self) -> float:
        """Return by which part of the bound the result could be better at most."""
        return (self.bound - self.worth) / self.bound if self.bound else 0.0
