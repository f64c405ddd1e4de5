"""Residents' requests (诉求), their photos, and the neighbours who met the same."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.fields import BlindIndexField, EncryptedTextField
from common.search import Bigrams
from grids.permissions import within_reach
from grids.placed import Placed, PlacedQuerySet
from partners.models import Partner
from partners.permissions import acts_for
from requests_board.models.catalogue import NotAcceptedReason, RequestCategory
from requests_board.workflow import (
    REQUEST_OPEN,
    REQUEST_TO_DO,
    Channel,
    Rating,
    RequestStatus,
    Severity,
)


class ServiceRequestQuerySet(PlacedQuerySet):
    """Select requests by state and by who looks."""

    def visible_to(self, user: Any) -> Self:
        """Keep the requests within the person's reach, and those assigned to the partners they act for."""
        return self.filter(
            within_reach(user, "view_request", of=self.model)
            | acts_for(user, "answer_allocation", "handler_partner_id")
        )

    def open(self) -> Self:
        """Keep what is not at its end yet."""
        return self.filter(status__in=REQUEST_OPEN)

    def in_hand(self) -> Self:
        """Keep what a new keeper of the place takes over."""
        return self.open()

    def to_do(self) -> Self:
        """Keep what still needs somebody's hands."""
        return self.filter(status__in=REQUEST_TO_DO)

    def overdue(self) -> Self:
        """Keep what needs hands and is past its time by the database's clock."""
        return self.to_do().filter(due_at__lt=Now())


class ServiceRequest(Placed):
    """A resident's request (诉求): one sentence about a place. `area` is the building, estate or community."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField("编号", max_length=16, unique=True, editable=False)
    link_version = models.PositiveSmallIntegerField(default=1, editable=False)
    text = models.TextField("原话", max_length=500)
    place_detail = models.CharField("具体位置", max_length=60, blank=True)
    category = models.ForeignKey(
        RequestCategory, models.PROTECT, null=True, blank=True, related_name="requests", verbose_name="类别"
    )
    channel = models.CharField("来源", max_length=8, choices=Channel.choices)
    severity = models.CharField("缓急", max_length=12, choices=Severity.choices, default=Severity.ROUTINE)
    contact_name = EncryptedTextField("称呼", max_length=40, blank=True)
    phone = EncryptedTextField("手机号", max_length=20, blank=True)
    phone_index = BlindIndexField(source="phone")
    phone_last4_index = BlindIndexField(source="phone", last=4)
    # Where the request was first taken in, and under which number there; nobody is told by us of what came so.
    source = models.CharField("来源系统", max_length=20, blank=True, editable=False, db_default="", default="")
    external_id = models.CharField("外部编号", max_length=60, blank=True, editable=False, db_default="", default="")
    on_behalf_of = models.CharField("替谁登记", max_length=20, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    status = models.CharField(
        "状态", max_length=14, choices=RequestStatus.choices, default=RequestStatus.SUBMITTED, editable=False
    )
    handler_partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        editable=False,
        verbose_name="承办方",
    )
    handler_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False,
        verbose_name="承办人",
    )  # fmt: skip
    result = models.TextField("办理结果", max_length=500, blank=True, editable=False)
    not_accepted_reason = models.ForeignKey(
        NotAcceptedReason, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    rating = models.CharField("评价", max_length=4, choices=Rating.choices, default=Rating.NONE, editable=False)
    returns = models.PositiveSmallIntegerField("退单次数", default=0, editable=False)
    reopens = models.PositiveSmallIntegerField("重办次数", default=0, editable=False)
    due_at = models.DateTimeField("这一步的期限", null=True, blank=True, editable=False)
    resolve_due_at = models.DateTimeField("办结期限", null=True, blank=True, editable=False)
    created_at = models.DateTimeField("提交时间", editable=False, db_default=Now())
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    assigned_at = models.DateTimeField(null=True, blank=True, editable=False)
    acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    reopened_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    exceptional = ("view_request", "handle_request", "reveal_contact")
    known_by = "number"

    objects: ClassVar = ServiceRequestQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "居民诉求"
        ordering = ("-created_at", "-id")
        indexes = [
            *Placed.Meta.indexes,
            models.Index(fields=["-created_at", "-id"], name="request_newest"),
            models.Index(fields=["due_at"], name="request_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["area", "-created_at"], name="request_place_newest"),
            models.Index(fields=["status", "created_at"], name="request_status_created"),
            GinIndex(Bigrams("number", "text", "place_detail"), name="request_words"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="request_external_once"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[RequestStatus.ASSIGNED, RequestStatus.IN_PROGRESS])
                | Q(handler_partner__isnull=False)
                | Q(handler_user__isnull=False),
                name="request_at_work_has_handler",
            ),
            models.CheckConstraint(
                condition=~Q(status=RequestStatus.NOT_ACCEPTED) | Q(not_accepted_reason__isnull=False),
                name="request_not_accepted_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RequestPhoto(models.Model):
    """A photo of a request, rebuilt from its pixels; nothing of the camera's notes is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(ServiceRequest, models.CASCADE, related_name="photos")
    file = models.FileField(upload_to="requests/%Y/%m/")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "诉求照片"

    def __str__(self) -> str:
        return str(self.request)


class RequestEcho(models.Model):
    """A neighbour met the same thing (我也遇到了); whoever leaves a phone number is told as well."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(ServiceRequest, models.CASCADE, related_name="echoes")
    sender_key = models.CharField(max_length=64, editable=False)
    phone = EncryptedTextField("手机号", max_length=20, blank=True)
    phone_index = BlindIndexField(source="phone")
    phone_last4_index = BlindIndexField(source="phone", last=4)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "同楼也遇到"
        constraints = [
            models.UniqueConstraint(
                fields=["request", "sender_key"],
                name="echo_once",
                violation_error_message="您已经点过“我也遇到了”，我们都记着。",
            )
        ]

    def __str__(self) -> str:
        return str(self.request)
