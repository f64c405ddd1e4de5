"""Staff and partner accounts; residents need none."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

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
