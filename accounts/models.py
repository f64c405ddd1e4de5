"""Staff and partner accounts; residents need none."""

import uuid
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common import access
from common.crypto import blind_index, looks_like_phone
from common.fields import BlindIndexField, EncryptedTextField
from common.search import Bigrams


class UserManager(BaseUserManager["User"]):
    """Make accounts the way Django's own commands expect."""

    use_in_migrations = True

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """Make an account; without a password nobody can sign in with it."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """Make the first system administrator (`manage.py createsuperuser`)."""
        return self.create_user(username, password, **{**fields, "is_staff": True, "is_superuser": True})

    def by_name_or_phone(self, text: str) -> "User | None":
        """Return the account with this user name or phone number."""
        text = text.strip()
        found = self.filter(username=text).first()
        if found is None and looks_like_phone(text):
            found = self.filter(phone_index=blind_index(text)).first()
        return found


class User(AbstractUser):
    """A person of the staff or of a partner who signs in (账号)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    display_name = models.CharField("姓名", max_length=40, blank=True)
    phone = EncryptedTextField("手机号", max_length=20, blank=True, default="")
    phone_index = BlindIndexField(source="phone", unique=True)
    must_change_password = models.BooleanField("下次登录要改密码", default=False)
    password_changed_at = models.DateTimeField("密码修改时间", null=True, blank=True, editable=False)
    # Part of every session's fingerprint: one more here ends all of them.
    session_version = models.PositiveIntegerField(default=0, editable=False)
    # Part of the address of the person's calendar: one more here, and the old address is dead.
    calendar_version = models.PositiveIntegerField(default=0, editable=False)
    calendar_open = models.BooleanField(default=False, editable=False)

    # Written by signing in, not by whoever keeps the account.
    NOT_SEEN = ("last_login", "session_version", "password", "password_changed_at")

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = None  # type: ignore[assignment]
    EMAIL_FIELD = ""
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # the base class wants its own manager

    class Meta(AbstractUser.Meta):
        verbose_name = "账号"
        verbose_name_plural = "账号"
        swappable = "AUTH_USER_MODEL"
        indexes = (GinIndex(Bigrams("username", "display_name"), name="user_words"),)

    def __str__(self) -> str:
        return self.get_full_name()

    def clean(self) -> None:
        """Bring the user name into one form."""
        self.username = self.normalize_username(self.username)

    def get_full_name(self) -> str:
        """Return the name that pages show."""
        return self.display_name or self.username

    def get_short_name(self) -> str:
        """Return the name that pages show."""
        return self.get_full_name()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Tell what Django's own pages ask; whoever came by a key is not one of their visitors."""
        return access.narrowing_of(self) is None and super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        """Tell what Django's own pages ask; whoever came by a key is not one of their visitors."""
        return access.narrowing_of(self) is None and super().has_module_perms(app_label)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        base = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        return f"{base}.{self.session_version}"


class KnownAddress(models.Model):
    """An address from which a person has signed in; guesses from elsewhere do not slow this one down."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_addresses")
    digest = models.CharField(max_length=64)
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "常用地址"
        verbose_name_plural = "常用地址"
        constraints = (models.UniqueConstraint(fields=("user", "digest"), name="knownaddress_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.digest[:8]}"


class SignInBrake(models.Model):
    """How often the password of one account was tried, and when it may be tried again.

    The key is a digest, so that neither phone numbers nor mistyped passwords are kept here.
    """

    key = models.CharField(max_length=64, primary_key=True)
    day = models.DateField()
    checks = models.PositiveIntegerField(default=0)
    in_a_row = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()

    class Meta:
        verbose_name = "登录限速"
        verbose_name_plural = "登录限速"

    def __str__(self) -> str:
        return self.key[:8]


class RateLimit(models.Model):
    """How often one caller may do something within a span of seconds (限次); without a row there is no limit."""

    code = models.CharField("入口", max_length=20, primary_key=True)
    name = models.CharField("名称", max_length=40)
    amount = models.PositiveIntegerField("次数")
    seconds = models.PositiveIntegerField("每多少秒")

    class Meta:
        verbose_name = verbose_name_plural = "限次"
        ordering = ("code",)
        constraints = [models.CheckConstraint(condition=Q(seconds__gte=1), name="rate_limit_seconds")]

    def __str__(self) -> str:
        return self.name


class RateHit(models.Model):
    """How often one caller used one door in one span; the caller is a keyed hash, never an address.

    The table is not logged by the database: after a crash all counts begin anew, and a count costs no wait for a disk.
    """

    code = models.CharField(max_length=20)
    caller = models.CharField(max_length=64)
    window = models.BigIntegerField()
    ends_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = verbose_name_plural = "限次计数"
        constraints = [models.UniqueConstraint(fields=["code", "caller", "window"], name="rate_hit_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.window}"


class TokenPolicy(models.Model):
    """What the district allows of tokens: one row, and the defaults where there is none."""

    longest_days = models.PositiveSmallIntegerField("有效期最长多少天", default=365)
    overlap_hours = models.PositiveSmallIntegerField("换新以后旧令牌还能用多少小时", default=72)

    class Meta:
        verbose_name = verbose_name_plural = "令牌规定"
        constraints = [models.CheckConstraint(condition=Q(longest_days__gte=1), name="token_policy_days")]

    def __str__(self) -> str:
        return f"最长 {self.longest_days} 天"

    @classmethod
    def current(cls) -> "TokenPolicy":
        """Return the district's row; an unsaved one with the defaults where none was stored."""
        return cls.objects.order_by("pk").first() or cls()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Select tokens by who looks and by whether they open anything."""

    def visible_to(self, user: Any) -> Self:
        """Keep the person's own tokens; all of them for whoever keeps the accounts."""
        return self if access.holds(user, "manage_users") else self.filter(user_id=user.pk)

    def alive(self) -> Self:
        """Keep the tokens that open a door by the database's clock."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=Now(), user__is_active=True)


class ApiToken(models.Model):
    """A key with which another system acts for an account (令牌): fewer rights than its owner, and for a time.

    Only a keyed digest of the secret is kept. `family` stays the same when a token is exchanged for a fresh one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    family = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="api_tokens", verbose_name="账号", editable=False)
    name = models.CharField("用途", max_length=60, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField("开头", max_length=12, editable=False)
    permissions = ArrayField(models.CharField(max_length=40), verbose_name="权限", editable=False)
    place_id = models.BigIntegerField("地方编号", null=True, blank=True, editable=False)
    place_name = models.CharField("限于", max_length=60, blank=True, default="", editable=False)
    created_at = models.DateTimeField("发放时间", db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发放人", editable=False
    )
    expires_at = models.DateTimeField("有效期到", editable=False)
    revoked_at = models.DateTimeField("停用时间", null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True, editable=False)
    last_network = models.CharField("最近从哪来", max_length=50, blank=True, default="", editable=False)

    objects: ClassVar = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "接口令牌"
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="api_token_has_a_term"),
            models.CheckConstraint(condition=Q(permissions__len__gte=1), name="api_token_has_rights"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def labels(self) -> list[str]:
        """Return the names of its rights."""
        names = access.right_labels()
        return [names.get(code, code) for code in self.permissions]
