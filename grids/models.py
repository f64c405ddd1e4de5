"""Places, party organisations, posts: where everything happens and who looks after it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from mptt.fields import TreeForeignKey
from mptt.managers import TreeManager
from mptt.models import MPTTModel
from mptt.querysets import TreeQuerySet

from common.search import Bigrams
from common.tables.layout import check_layouts
from grids import roles
from grids.placed import Placed, PlacedQuerySet


def today() -> TruncDate:
    """Return the database's date in the district's time zone."""
    return TruncDate(Now())


class TreeRow(MPTTModel):
    """Keep tree columns safe: rows are written by `grids.trees` alone, under its lock."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: two unlocked writers damage the numbering."""
        raise TypeError("Write tree rows through grids.trees.")

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: places are retired, not deleted."""
        raise TypeError("Retire tree rows through grids.trees.")


class AreaKind(models.TextChoices):
    """Levels of places."""

    DISTRICT = "district", "区"
    STREET = "street", "街道"
    TOWN = "town", "镇"
    COMMUNITY = "community", "社区"
    VILLAGE = "village", "村"
    ESTATE = "estate", "小区"
    GRID = "grid", "网格"
    MICRO_GRID = "micro_grid", "微网格"
    BUILDING = "building", "楼栋"


class AreaQuerySet(TreeQuerySet):
    """Places."""

    def within(self, path: str) -> Self:
        """Keep the place with `path` and those below it."""
        return self.filter(scope_path__startswith=path)

    def valid(self) -> Self:
        """Keep the places that are not retired."""
        return self.filter(valid_to__isnull=True)


class Area(TreeRow):
    """A place (区域): district, street, community, estate, grid, building."""

    parent = TreeForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name="上级",
        editable=False,
    )
    kind = models.CharField("级别", max_length=12, choices=AreaKind, editable=False)
    name = models.CharField("名称", max_length=60)
    code = models.CharField("代码", max_length=32, blank=True, default="")
    short_code = models.CharField("二维码编号", max_length=12, blank=True, default="", editable=False, db_index=True)
    valid_from = models.DateField("启用日期", db_default=today())
    valid_to = models.DateField("停用日期", null=True, blank=True, editable=False)
    phone = models.CharField("公开电话", max_length=20, blank=True, default="")
    households = models.PositiveIntegerField("户数", null=True, blank=True)
    units = models.PositiveSmallIntegerField("单元数", null=True, blank=True)
    managing_authority = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="管理权属"
    )
    sort_order = models.PositiveIntegerField("排序", default=0)
    scope_path = models.CharField("区域路径", max_length=200, editable=False, default="")

    # Every place that is added elsewhere moves these numbers on.
    NOT_SEEN = ("lft", "rght", "tree_id", "level", "scope_path")

    objects = TreeManager.from_queryset(AreaQuerySet)()

    class Meta:
        verbose_name = verbose_name_plural = "区域"
        ordering = ["tree_id", "lft"]
        permissions = [(code, label) for code, label in roles.PERMISSIONS.items() if code != "view_area"]
        indexes = [
            models.Index(fields=["tree_id", "lft"], name="grids_area_tree_lft"),
            models.Index(fields=["scope_path"], opclasses=["text_pattern_ops"], name="grids_area_path"),
            models.Index(fields=["kind"], name="grids_area_kind"),
            GinIndex(Bigrams("name", "code", "short_code"), name="grids_area_words"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code"], condition=Q(valid_to=None) & ~Q(code=""), name="area_code_once"),
            models.UniqueConstraint(fields=["short_code"], condition=~Q(short_code=""), name="area_short_code_once"),
            models.CheckConstraint(condition=Q(lft__lt=F("rght")), name="area_lft_before_rght"),
            models.CheckConstraint(
                condition=Q(parent=None, kind="district") | (~Q(parent=None) & ~Q(kind="district")),
                name="area_only_district_is_root",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def ancestor(self, kind: str) -> Area | None:
        """Return the nearest place of `kind` at or above this one, read by its path."""
        if self.kind == kind:
            return self
        ids = [int(part) for part in self.scope_path.split("/") if part]
        return Area.objects.filter(pk__in=ids, kind=kind).order_by("-level").first()


class BuildingCode(models.Model):
    """A public code that stands on a sticker (`/b/<code>/`); a lost sticker's code is ended and replaced."""

    area = models.ForeignKey(Area, models.PROTECT, related_name="building_codes", verbose_name="楼栋")
    code = models.CharField("编号", max_length=12, unique=True)
    valid_from = models.DateTimeField("启用时间", db_default=Now())
    valid_to = models.DateTimeField("停用时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "楼栋二维码"
        constraints = [
            models.UniqueConstraint(fields=["area"], condition=Q(valid_to=None), name="building_one_valid_code")
        ]

    def __str__(self) -> str:
        return self.code


class PartyQuerySet(TreeQuerySet, PlacedQuerySet):
    """Party organisations."""

    def valid(self) -> Self:
        """Keep the organisations that still exist."""
        return self.filter(valid_to__isnull=True)

    def in_hand(self) -> Self:
        """Keep what a new keeper of the place takes over."""
        return self.valid()


class PartyOrganization(TreeRow, Placed):  # type: ignore[django-manager-missing]  # mptt comes without types
    """A party organisation (党组织): committee, general branch, branch or group, with the areas it covers."""

    class Level(models.TextChoices):
        """Levels of the party tree."""

        COMMITTEE = "committee", "党委"
        GENERAL_BRANCH = "general_branch", "党总支"
        BRANCH = "branch", "党支部"
        GROUP = "group", "党小组"

    class Kind(models.TextChoices):
        """What an organisation is built on."""

        AREA = "area", "区域"
        INDUSTRY_GENERAL_BRANCH = "industry_general_branch", "行业党总支"
        FUNCTIONAL_BRANCH = "functional_branch", "功能型党支部"
        JOINT_BRANCH = "joint_branch", "联合党支部"

    parent = TreeForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name="上级",
        editable=False,
    )
    level = models.CharField("层级", max_length=16, choices=Level, editable=False)
    kind = models.CharField("类型", max_length=24, choices=Kind, default=Kind.AREA)
    name = models.CharField("名称", max_length=80)
    code = models.CharField("代码", max_length=32, blank=True, default="")
    covers = models.ManyToManyField(Area, related_name="party_organizations", blank=True, verbose_name="覆盖区域")
    established_on = models.DateField("成立日期", null=True, blank=True)
    valid_to = models.DateField("撤销日期", null=True, blank=True, editable=False)

    # Every organisation that is added elsewhere moves these numbers on.
    NOT_SEEN = ("lft", "rght", "tree_id", "depth", "scope_path")
    KEPT_WITH = ("covers",)

    objects: ClassVar = TreeManager.from_queryset(PartyQuerySet)()  # type: ignore[django-manager-missing]  # as above

    class MPTTMeta:
        # `level` is the party's own word; the depth in the tree has another name.
        level_attr = "depth"

    class Meta:
        verbose_name = verbose_name_plural = "党组织"
        ordering = ["tree_id", "lft"]
        indexes = [
            models.Index(fields=["tree_id", "lft"], name="grids_party_tree_lft"),
            models.Index(fields=["scope_path"], opclasses=["text_pattern_ops"], name="grids_party_path"),
            GinIndex(Bigrams("name", "code"), name="grids_party_words"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code"], condition=Q(valid_to=None) & ~Q(code=""), name="party_code_once"),
            models.CheckConstraint(condition=Q(lft__lt=F("rght")), name="party_lft_before_rght"),
        ]

    def __str__(self) -> str:
        return self.name


class PostQuerySet(PlacedQuerySet):
    """Posts."""

    def current(self) -> Self:
        """Keep the posts whose term includes today by the database's clock."""
        return self.filter(valid_from__lte=today()).filter(Q(valid_to=None) | Q(valid_to__gte=today()))

    def in_hand(self) -> Self:
        """Keep what a new keeper of the place takes over."""
        return self.current()


class Post(Placed):
    """A post (岗位): this person holds this role at this place for this term; both days of the term count."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="posts", verbose_name="人员")
    role = models.CharField("角色", max_length=24, choices=roles.POST_CHOICES)
    valid_from = models.DateField("任期开始", db_default=today())
    valid_to = models.DateField("任期结束", null=True, blank=True)

    objects: ClassVar = PostQuerySet.as_manager()

    class Meta(Placed.Meta):
        verbose_name = verbose_name_plural = "岗位"
        constraints = [
            models.UniqueConstraint(fields=["user", "area", "role"], condition=Q(valid_to=None), name="post_held_once"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from") - 1), name="post_term_in_order"
            ),
        ]

    def __str__(self) -> str:
        # The place is said where it is at hand; a list of posts must not ask for each.
        place = f"{self.area} " if "area" in self._state.fields_cache else ""
        return f"{place}{self.get_role_display()} {self.valid_from}"


def lasting() -> Q:
    """Match the grants that have not run out by the database's clock."""
    return Q(expires_at=None) | Q(expires_at__gt=Now())


class Grant(models.Model):
    """What every grant tells: until when, by whom, since when and why."""

    expires_at = models.DateTimeField("有效到", null=True, blank=True)
    granted_by = models.CharField("谁给的", max_length=80, blank=True, default="")
    granted_at = models.DateTimeField("从什么时候起", db_default=Now(), editable=False)
    reason = models.CharField("原因", max_length=200, blank=True, default="")

    class Meta:
        abstract = True


class AreaGroupPermission(Grant, GroupObjectPermissionBase):
    """A right granted to a group at a place; it holds below the place too."""

    group = models.ForeignKey(Group, models.CASCADE, verbose_name="组")
    permission = models.ForeignKey(Permission, models.CASCADE, verbose_name="可以做什么")
    content_object = models.ForeignKey(Area, models.CASCADE, verbose_name="区域")

    class Meta(GroupObjectPermissionBase.Meta):
        verbose_name = verbose_name_plural = "组的授权"

    def __str__(self) -> str:
        return f"{self.group} · {self.permission.name} · {self.content_object}"


class AreaUserPermission(Grant, UserObjectPermissionBase):
    """A right granted to one person at a place; it holds below the place too."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name="人员")
    permission = models.ForeignKey(Permission, models.CASCADE, verbose_name="可以做什么")
    content_object = models.ForeignKey(Area, models.CASCADE, verbose_name="区域")

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = verbose_name_plural = "个人的授权"

    def __str__(self) -> str:
        return f"{self.user} · {self.permission.name} · {self.content_object}"


class RowGrant(Grant):
    """An exception (例外): one person or one group may see, or handle, one row outside their places for a time.

    The row is named by its kind and its key as text, so that one short table serves every kind of row and is read in
    the one statement that reads the posts.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="人员"
    )
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="组")
    right = models.CharField("可以做什么", max_length=24, choices=roles.GRANTED)
    content_type = models.ForeignKey(ContentType, models.PROTECT, related_name="+", verbose_name="哪一类")
    object_pk = models.CharField(max_length=40, editable=False)
    label = models.CharField("哪一条", max_length=80)

    class Meta:
        verbose_name = verbose_name_plural = "例外"
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                name="row_grant_one_holder",
                violation_error_message="请选一个人，或者选一个组，只选一样。",
            ),
            models.CheckConstraint(condition=Q(expires_at__isnull=False), name="row_grant_ends"),
            models.UniqueConstraint(fields=["user", "right", "content_type", "object_pk"], name="row_grant_user_once"),
            models.UniqueConstraint(fields=["group", "right", "content_type", "object_pk"], name="row_grant_team_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group} · {self.get_right_display()} · {self.label}"


class DistrictProfile(models.Model):
    """What makes this installation this district's: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    site_name = models.CharField("网站名称", max_length=40, default="合伙人平台")
    greeting = models.CharField("首页问候语", max_length=120, blank=True, default="")
    emergency_line = models.CharField("紧急提示", max_length=120, blank=True, default="")
    help_line = models.CharField("求助提示", max_length=120, blank=True, default="")
    hotline = models.CharField("热线电话", max_length=20, blank=True, default="")
    most_at_once = models.PositiveSmallIntegerField(
        "一次最多添加几处", default=300, validators=[MinValueValidator(1), MaxValueValidator(2000)]
    )
    is_demo = models.BooleanField("演示数据", default=False)
    demo_banner = models.CharField("演示横幅", max_length=120, blank=True, default="")
    export_rows = models.PositiveIntegerField("一次最多导出几行", default=20_000, validators=[MinValueValidator(1)])
    export_layouts = models.TextField(
        "导出的版式", blank=True, default="", validators=[check_layouts],
        help_text="每行一张表：表名｜标题｜各列名称（按顺序，用“、”隔开）。比如：诉求｜诉求办理情况表｜编号、原话、地点。"
        "标题或者各列留空就用原来的。",
    )  # fmt: skip
    exception_days = models.PositiveSmallIntegerField(
        "例外最长多少天",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text="让一个人看所在区域以外的某一条，最长能给多少天。",
    )

    class Meta:
        verbose_name = verbose_name_plural = "本区信息"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="district_profile_single")]

    def __str__(self) -> str:
        return self.site_name
