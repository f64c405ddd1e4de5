"""Partners of the five categories, the people who act for them, and the resource pool (资源库)."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common import access
from common.fields import EncryptedTextField
from common.search import Bigrams
from grids.models import Area, PartyOrganization
from grids.permissions import within_reach
from grids.placed import Placed, PlacedQuerySet
from grids.roles import BY_CODE
from partners.workflow import Category, DepartmentGroup, MemberRole, ResourceStatus, Standing, UnitKind


def in_force(day: models.Expression | None = None, prefix: str = "") -> Q:
    """Match rows whose `valid_from`..`valid_to` span holds `day`, by default the database's today."""
    day = day or models.functions.TruncDate(Now())
    return Q(**{f"{prefix}valid_from__lte": day}) & (
        Q(**{f"{prefix}valid_to__isnull": True}) | Q(**{f"{prefix}valid_to__gte": day})
    )


class PartnerQuerySet(PlacedQuerySet):
    """Select partners by category, standing and who looks."""

    def active(self) -> Self:
        """Keep the partners that work with the district now."""
        return self.filter(status=Standing.ACTIVE)

    def visible_to(self, user: Any) -> Self:
        """Keep the partners within the person's reach, and those the person acts for."""
        return self.filter(
            within_reach(user, "view_partner", of=self.model)
            | Q(pk__in=Membership.objects.of(user).values("partner_id"))
        )


class Partner(Placed):
    """A partner (合伙人): a firm, department, public-benefit group, resident or shop that serves communities."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    category = models.CharField("类别", max_length=12, choices=Category.choices)
    name = models.CharField("名称", max_length=80)
    code = models.CharField("编号", max_length=20, unique=True)
    status = models.CharField("状态", max_length=12, choices=Standing.choices, default=Standing.ACTIVE)
    uscc = models.CharField("统一社会信用代码", max_length=18, blank=True)
    contact_name = models.CharField("联系人", max_length=40, blank=True)
    contact_phone = EncryptedTextField("联系电话", max_length=20, blank=True)
    party_organization = models.ForeignKey(
        PartyOrganization,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="partners",
        verbose_name="所在党组织",
    )
    note = models.TextField("备注", blank=True)

    exceptional = ("view_partner", "manage_partner")
    # Kept by the same form, so that a change of either makes an open form stale.
    KEPT_WITH = ("department",)

    objects: ClassVar = PartnerQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "合伙人"
        ordering = ("category", "code")
        indexes = [
            *Placed.Meta.indexes,
            models.Index(fields=["category", "status"], name="partner_category"),
            GinIndex(Bigrams("name", "code"), name="partner_words"),
        ]

    def __str__(self) -> str:
        return self.name


class DepartmentProfile(models.Model):
    """What only a department partner has."""

    partner = models.OneToOneField(Partner, models.CASCADE, primary_key=True, related_name="department")
    group = models.CharField("系统", max_length=12, choices=DepartmentGroup.choices)
    joint_conference_member = models.BooleanField("联席会议成员", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "部门资料"

    def __str__(self) -> str:
        return str(self.partner)


class PropertyService(models.Model):
    """A property firm serves an estate for a time; one firm at a time."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="estates_served", verbose_name="物业企业")
    area = models.ForeignKey(Area, models.CASCADE, related_name="property_services", verbose_name="小区")
    valid_from = models.DateField("开始日期")
    valid_to = models.DateField("结束日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "物业服务小区"
        constraints = [
            ExclusionConstraint(
                name="property_service_one_firm_at_a_time",
                expressions=[
                    ("area", RangeOperators.EQUAL),
                    (
                        models.Func(F("valid_from"), F("valid_to"), models.Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="这个小区在这段时间已经有物业企业，请先给前一家填结束日期。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.partner} · {self.area}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Select memberships by person."""

    def of(self, user: Any) -> Self:
        """Keep the memberships that the person holds today, as far as the key in use leaves a right of theirs.

        A key for one place leaves none: a partner is no place.
        """
        limit = access.narrowing_of(user)
        left = [role for role in MemberRole.values if access.narrowed(user, BY_CODE[role].permissions)]
        if limit is not None and limit.path is not None:
            left = []
        return self.filter(in_force(), user_id=getattr(user, "pk", None), role__in=left)


class Membership(models.Model):
    """A person acts for a partner: as the department's liaison or as a member of its staff."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", verbose_name="人员")
    partner = models.ForeignKey(Partner, models.CASCADE, related_name="memberships", verbose_name="合伙人")
    role = models.CharField("身份", max_length=20, choices=MemberRole.choices)
    valid_from = models.DateField("开始日期")
    valid_to = models.DateField("结束日期", null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "合伙人人员"
        constraints = [
            models.UniqueConstraint(fields=["user", "partner", "role", "valid_from"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.partner} · {self.get_role_display()}"


class Pairing(models.Model):
    """A department is paired with a community (点对点结对) for a time."""

    department = models.ForeignKey(Partner, models.CASCADE, related_name="pairings", verbose_name="部门")
    community = models.ForeignKey(Area, models.CASCADE, related_name="pairings", verbose_name="社区")
    valid_from = models.DateField("开始日期")
    valid_to = models.DateField("结束日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "部门社区结对"
        constraints = [
            ExclusionConstraint(
                name="pairing_once_at_a_time",
                expressions=[
                    ("department", RangeOperators.EQUAL),
                    ("community", RangeOperators.EQUAL),
                    (
                        models.Func(F("valid_from"), F("valid_to"), models.Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="这个部门和这个社区在这段时间已经结了对。要改日期，请打开原来那一条。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.department} · {self.community}"


class ResourceType(models.Model):
    """What can be asked for, in two levels: a field of work and the types within it."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级类型"
    )
    code = models.CharField("编码", max_length=12, unique=True)
    name = models.CharField("名称", max_length=40)
    active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "资源类型"
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class ResourceQuerySet(PlacedQuerySet):
    """Select resources by type, place and who looks."""

    def open(self) -> Self:
        """Keep what may be asked for: an open resource of an active partner."""
        return self.filter(status=ResourceStatus.OPEN, partner__status=Standing.ACTIVE)

    def visible_to(self, user: Any) -> Self:
        """Keep the resources within the person's reach, and those of the partners they act for."""
        return self.filter(
            within_reach(user, "view_pool", of=self.model)
            | Q(partner_id__in=Membership.objects.of(user).values("partner_id"))
        )


class Resource(Placed):
    """An entry of the pool: what a partner lends or sends, counted in its unit; `area` is where it is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="resources", verbose_name="提供方")
    type = models.ForeignKey(ResourceType, models.PROTECT, related_name="resources", verbose_name="类型")
    name = models.CharField("名称", max_length=80)
    unit_kind = models.CharField("计量方式", max_length=16, choices=UnitKind.choices)
    unit_label = models.CharField("单位", max_length=10)
    whole_district = models.BooleanField("服务全区", default=True)
    served_areas = models.ManyToManyField(
        Area, through="ResourceServedArea", related_name="served_by", verbose_name="服务区域"
    )
    notice_days = models.PositiveSmallIntegerField("提前天数", default=0)
    min_quantity = models.PositiveIntegerField("一次至少", default=1)
    max_quantity = models.PositiveIntegerField("一次至多", null=True, blank=True)
    conditions = models.TextField("使用条件", blank=True)
    contact_name = models.CharField("联系人", max_length=40, blank=True)
    contact_phone = EncryptedTextField("联系电话", max_length=20, blank=True)
    status = models.CharField("状态", max_length=10, choices=ResourceStatus.choices, default=ResourceStatus.OPEN)

    exceptional = ("view_pool", "manage_pool")
    # Kept by the same form, so that a change of either makes an open form stale.
    KEPT_WITH = ("served_area_rows", "blackouts")

    objects: ClassVar = ResourceQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "资源"
        ordering = ("type__code", "name")
        indexes = [
            *Placed.Meta.indexes,
            models.Index(fields=["type", "status"], name="resource_type_status"),
            GinIndex(Bigrams("name"), name="resource_words"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_quantity__isnull=True) | Q(max_quantity__gte=F("min_quantity")),
                name="resource_quantity_span",
                violation_error_message="“一次至多”不能小于“一次至少”。",
            ),
            models.CheckConstraint(condition=Q(min_quantity__gte=1), name="resource_min_quantity"),
        ]

    def __str__(self) -> str:
        return self.name


class ResourceServedArea(models.Model):
    """A resource serves an area and all that lies below it."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="served_area_rows")
    area = models.ForeignKey(Area, models.CASCADE, verbose_name="区域")

    class Meta:
        verbose_name = verbose_name_plural = "服务区域"
        constraints = [models.UniqueConstraint(fields=["resource", "area"], name="served_area_once")]

    def __str__(self) -> str:
        return str(self.area)


class ResourceBlackout(models.Model):
    """Days on which a resource is not to be had, whatever its slots say."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="blackouts", verbose_name="资源")
    first_day = models.DateField("第一天")
    last_day = models.DateField("最后一天")
    reason = models.CharField("原因", max_length=60, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "停用日期"
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="blackout_span",
                violation_error_message="最后一天不能早于第一天。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.first_day}–{self.last_day}"


class ResourceSlot(models.Model):
    """A time window of a resource with its capacity; `used` is what is held, countered or confirmed."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="slots", verbose_name="资源")
    starts_at = models.DateTimeField("开始")
    ends_at = models.DateTimeField("结束")
    capacity = models.PositiveIntegerField("容量")
    used = models.PositiveIntegerField("已占", default=0, editable=False)

    # Written by dispatch all the time; the CHECK below keeps it right.
    NOT_SEEN = ("used",)

    class Meta:
        verbose_name = verbose_name_plural = "档期"
        ordering = ("starts_at",)
        indexes = [models.Index(fields=["starts_at"], name="slot_starts")]
        constraints = [
            models.UniqueConstraint(fields=["resource", "starts_at"], name="slot_once"),
            models.CheckConstraint(
                condition=Q(used__gte=0) & Q(used__lte=F("capacity")),
                name="slot_used_within_capacity",
                violation_error_message="容量不能小于已经占用的数量。",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="slot_span",
                violation_error_message="结束时间要晚于开始时间。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def free(self) -> int:
        """Return how much of the capacity is left."""
        return self.capacity - self.used
