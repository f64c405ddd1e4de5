"""Resource requests (资源需求单): what a community asks the district's pool for."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.search import Bigrams
from grids.permissions import within_reach
from grids.placed import Placed, PlacedQuerySet
from partners.models import ResourceType
from requests_board.models.requests import ServiceRequest
from requests_board.workflow import NEED_TERMINAL, NeedStatus, Severity


class ResourceRequestQuerySet(PlacedQuerySet):
    """Select resource requests by state and by who looks."""

    def visible_to(self, user: Any) -> Self:
        """Keep the resource requests within the person's reach."""
        return self.filter(within_reach(user, "view_resource_request", of=self.model))

    def live(self) -> Self:
        """Keep what is not at its end yet."""
        return self.exclude(status__in=NEED_TERMINAL)

    def in_hand(self) -> Self:
        """Keep what a new keeper of the place takes over."""
        return self.live()


class ResourceRequest(Placed):
    """A community's need: type, quantity, time window and place. `area` is the community or a place in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField("编号", max_length=16, unique=True, editable=False)
    service_request = models.ForeignKey(
        ServiceRequest,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="resource_requests",
        verbose_name="来自诉求",
    )
    type = models.ForeignKey(ResourceType, models.PROTECT, related_name="requests", verbose_name="类型")
    quantity = models.PositiveIntegerField("数量", default=1)
    window_start = models.DateTimeField("最早")
    window_end = models.DateTimeField("最晚")
    place = models.CharField("地点", max_length=80, blank=True)
    urgency = models.CharField("缓急", max_length=12, choices=Severity.choices, default=Severity.ROUTINE)
    note = models.CharField("说明", max_length=200, blank=True)
    status = models.CharField(
        "状态", max_length=16, choices=NeedStatus.choices, default=NeedStatus.OPEN, editable=False
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    dispatch_after = models.DateTimeField("撤回截止", editable=False)
    refusals = models.PositiveSmallIntegerField("被谢绝次数", default=0, editable=False)
    unmet_reason = models.CharField("未满足的原因", max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField("提出时间", db_default=Now(), editable=False)
    matched_at = models.DateTimeField(null=True, blank=True, editable=False)
    promised_at = models.DateTimeField(null=True, blank=True, editable=False)
    fulfilled_at = models.DateTimeField(null=True, blank=True, editable=False)
    raised_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    exceptional = ("view_resource_request", "request_resource")
    known_by = "number"

    objects: ClassVar = ResourceRequestQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "资源需求"
        ordering = ("-created_at", "-id")
        indexes = [
            *Placed.Meta.indexes,
            models.Index(fields=["status", "created_at"], name="need_status_created"),
            GinIndex(Bigrams("number", "place", "note"), name="need_words"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="need_quantity"),
            models.CheckConstraint(
                condition=Q(window_end__gt=F("window_start")),
                name="need_window",
                violation_error_message="“最晚”要在“最早”之后。",
            ),
        ]

    def __str__(self) -> str:
        return self.number
