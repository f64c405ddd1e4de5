"""Volunteer teams (志愿服务队) and the kinds of service they offer."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models

from grids.permissions import within_reach
from grids.placed import Placed, PlacedQuerySet
from partners.models import Partner


class ServiceType(models.Model):
    """A kind of voluntary service, grouped by whom it is for."""

    code = models.CharField("编码", max_length=12, primary_key=True)
    name = models.CharField("名称", max_length=40, unique=True)
    group = models.CharField("分组", max_length=20)

    class Meta:
        verbose_name = verbose_name_plural = "志愿服务类型"
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class VolunteerTeamQuerySet(PlacedQuerySet):
    """Select teams by who looks."""

    def visible_to(self, user: Any) -> Self:
        """Keep the teams that are at home where the person sees partners."""
        return self.filter(within_reach(user, "view_partner", of=self.model))


class VolunteerTeam(Placed):
    """A team of volunteers; `area` is where it is at home, `partner` the group it belongs to, if any."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("名称", max_length=60)
    partner = models.ForeignKey(
        Partner,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="volunteer_teams",
        verbose_name="所属合伙人",
    )
    service_types = models.ManyToManyField(ServiceType, blank=True, related_name="teams", verbose_name="服务类型")
    active = models.BooleanField("在活动", default=True)
    founded_on = models.DateField("成立日期", null=True, blank=True)

    exceptional = ("view_partner", "manage_partner")
    # Kept by the same form, so that a change of either makes an open form stale.
    KEPT_WITH = ("service_types",)

    objects: ClassVar = VolunteerTeamQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "志愿服务队"
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["area", "name"], name="team_name_in_area")]

    def __str__(self) -> str:
        return self.name
