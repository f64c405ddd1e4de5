"""Allocations (资源调配单): one resource slot for one need, from the proposal to the evaluation."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from grids.permissions import within_reach
from grids.placed import Placed, PlacedQuerySet
from partners.models import Partner, Resource, ResourceSlot
from partners.permissions import acts_for
from requests_board.models.catalogue import DeclineReason
from requests_board.models.needs import ResourceRequest
from requests_board.workflow import ALLOCATION_LIVE, AllocationStatus, Rating


class AllocationQuerySet(PlacedQuerySet):
    """Select allocations by state and by who looks."""

    def visible_to(self, user: Any) -> Self:
        """Keep the allocations for places within reach; for a partner's people only what it was asked for."""
        theirs = acts_for(user, "view_allocation") & ~Q(held_at__isnull=True)
        return self.filter(within_reach(user, "view_allocation", of=self.model) | theirs)

    def of_partners_of(self, user: Any) -> Self:
        """Keep what the partners that the person acts for were asked; proposals are nobody's business yet."""
        return self.filter(acts_for(user, "view_allocation"), held_at__isnull=False)

    def live(self) -> Self:
        """Keep the one allocation that stands for its need."""
        return self.filter(status__in=ALLOCATION_LIVE)

    def in_hand(self) -> Self:
        """Keep what a new keeper of the place takes over."""
        return self.live()


class Allocation(Placed):
    """One slot of one resource for one need. `area` is the need's place, `partner` the resource's owner."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    resource_request = models.ForeignKey(
        ResourceRequest, models.PROTECT, related_name="allocations", verbose_name="资源需求"
    )
    resource = models.ForeignKey(Resource, models.PROTECT, related_name="allocations", verbose_name="资源")
    slot = models.ForeignKey(ResourceSlot, models.PROTECT, related_name="allocations", verbose_name="档期")
    previous_slot = models.ForeignKey(
        ResourceSlot, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="原档期"
    )
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="allocations", verbose_name="提供方")
    quantity = models.PositiveIntegerField("数量")
    status = models.CharField(
        "状态",
        max_length=12,
        choices=AllocationStatus.choices,
        default=AllocationStatus.PROPOSED,
        editable=False,
    )
    policy_version = models.PositiveIntegerField("规则版本", default=0, editable=False)
    reasons = models.JSONField("依据", default=dict, editable=False)
    # Until then nobody is asked and the engine may still change its mind; empty: asked at once, or named by a person.
    ask_at = models.DateTimeField("什么时候去问", null=True, blank=True, editable=False)
    asks = models.PositiveSmallIntegerField("第几次询问", default=0, editable=False)
    answer_due_at = models.DateTimeField("答复期限", null=True, blank=True, editable=False)
    decline_reason = models.ForeignKey(
        DeclineReason, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="谢绝原因"
    )
    decline_note = models.CharField("补充说明", max_length=120, blank=True)
    rating = models.CharField("评价", max_length=4, choices=Rating.choices, default=Rating.NONE, editable=False)
    comment = models.CharField("评语", max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField("匹配时间", db_default=Now(), editable=False)
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    delivered_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    exceptional = ("view_allocation", "evaluate_allocation")
    known_by = "resource_request__number"

    objects: ClassVar = AllocationQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "资源调配"
        ordering = ("-created_at", "-id")
        indexes = [
            *Placed.Meta.indexes,
            models.Index(fields=["partner", "status"], name="allocation_partner_status"),
            models.Index(
                fields=["answer_due_at"],
                name="allocation_answer_due",
                condition=Q(answer_due_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["resource_request"],
                condition=Q(status__in=ALLOCATION_LIVE),
                name="allocation_one_live_per_need",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="allocation_quantity"),
            models.CheckConstraint(
                condition=~Q(status__in=[AllocationStatus.HELD, AllocationStatus.COUNTERED])
                | Q(answer_due_at__isnull=False),
                name="allocation_waiting_has_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_request} · {self.resource}"
