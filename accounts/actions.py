"""Everything that can happen to an account, and the one way to look behind a mask."""

from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import models, transaction

from accounts import passwords
from accounts.models import SignInBrake, User
from audit.actions import Actor, record, record_read
from clockwork.selectors import db_now
from common.crypto import blind_index, looks_like_phone, normalise_phone
from common.errors import Invalid

Who = User | Actor | None


@transaction.atomic
def create_user(
    *,
    username: str,
    display_name: str = "",
    phone: str = "",
    password: str | None = None,
    must_change: bool = True,
    actor: Who = None,
    **flags: Any,
) -> User:
    """Make an account; refuse a user name or phone number that is taken, and a weak password."""
    user = User(
        username=User.normalize_username(username.strip()),
        display_name=display_name.strip(),
        phone=normalise_phone(phone),
        must_change_password=must_change and password is not None,
        **flags,
    )
    check_free(user, username=user.username, phone=phone)
    if password is None:
        user.set_unusable_password()
    else:
        _set(user, password)
    _clean(user)
    user.save()
    record(actor=actor, verb="account.created", target=user)
    return user


@transaction.atomic
def change_profile(user: User, *, display_name: str, phone: str | None = None, actor: Who = None) -> User:
    """Change name and, when given, phone number; refuse a number that belongs to another account."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    locked.display_name = display_name.strip()
    if phone is not None:
        check_free(locked, username="", phone=phone)
        locked.phone = normalise_phone(phone)
    _clean(locked)
    locked.save()
    record(actor=actor, verb="account.changed", target=locked)
    return locked


@transaction.atomic
def change_password(user: User, *, password: str, actor: Who = None, must_change: bool = False) -> User:
    """Set a new password and end all sessions; refuse a weak one and the present one."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.has_usable_password() and locked.check_password(password):
        raise Invalid("新密码不能和现在的一样。", field="new_password")
    _set(locked, password)
    locked.must_change_password = must_change
    locked.session_version += 1
    locked.save(update_fields=["password", "password_changed_at", "must_change_password", "session_version"])
    record(actor=actor, verb="account.password_changed", target=locked)
    return locked


def reset_password(user: User, *, actor: Who) -> str:
    """Give the account a temporary password, to be changed at the next sign-in, and return it for handing over."""
    password = passwords.temporary()
    change_password(user, password=password, actor=actor, must_change=True)
    return password


@transaction.atomic
def end_sessions(user: User, *, actor: Who = None, reason: str = "") -> None:
    """Sign the person out everywhere, at once: called when what they may do changes."""
    User.objects.filter(pk=user.pk).update(session_version=models.F("session_version") + 1)
    record(actor=actor, verb="account.sessions_ended", target=user, reason=reason)


@transaction.atomic
def set_active(user: User, *, active: bool, actor: Who, reason: str = "") -> None:
    """Open or close an account; a closed one is signed out everywhere."""
    if User.objects.filter(pk=user.pk).exclude(is_active=active).update(is_active=active):
        if active:
            record(actor=actor, verb="account.opened", target=user, reason=reason)
        else:
            record(actor=actor, verb="account.closed", target=user, reason=reason)
        end_sessions(user, actor=actor, reason=reason)


def signed_in(user: User) -> None:
    """Note that the person has come in."""
    with transaction.atomic():
        record(actor=user, verb="account.signed_in", target=user)


def signed_out(user: User, *, reason: str = "") -> None:
    """Note that the person has left or was signed out by the clock."""
    with transaction.atomic():
        record(actor=user, verb="account.signed_out", target=user, reason=reason)


def reveal(instance: models.Model, field: str, *, actor: User | Actor, purpose: str) -> str:
    """Return a personal value in full, after the look at it has been noted and committed.

    The caller has asked whether `actor` may see it. Refuse a look without a purpose, and inside a transaction:
    when the note cannot be written the value is not returned.
    """
    purpose = purpose.strip()
    if not purpose:
        raise Invalid("请先写明查看的用途。", field="purpose")
    record_read(
        actor=actor, subject_type=instance._meta.label_lower, subject_id=instance.pk, field=field, purpose=purpose[:200]
    )
    return str(getattr(instance, field) or "")


@transaction.atomic
def forget_old_brakes() -> int:
    """Delete what the sign-in brake kept of earlier days."""
    return SignInBrake.objects.filter(day__lt=db_now().date()).delete()[0]


def _set(user: User, password: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise Invalid("".join(error.messages), field="new_password") from error
    user.set_password(password)
    user.password_changed_at = db_now()


def check_free(user: User, *, username: str, phone: str) -> None:
    """Refuse a user name or phone number by which somebody else signs in, and a number that is not one."""
    others = User.objects.exclude(pk=user.pk)
    if username and others.filter(username__iexact=username).exists():
        raise Invalid("这个用户名已经有人用了，请换一个。", field="username")
    # The two ways to sign in must never point at two people.
    if looks_like_phone(username) and others.filter(phone_index=blind_index(username)).exists():
        raise Invalid("这个用户名是别人的手机号，请换一个。", field="username")
    if not phone:
        return
    number = normalise_phone(phone)
    if not (looks_like_phone(phone) and len(number) == 11 and number.startswith("1")):
        raise Invalid("手机号要填 11 位数字。", field="phone")
    if others.filter(phone_index=blind_index(number)).exists():
        raise Invalid("这个手机号已经有账号了。", field="phone")
    if others.filter(username=number).exists():
        raise Invalid("这个手机号已经是别人的用户名，请换一个。", field="phone")


def _clean(user: User) -> None:
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(messages[0], field=field) from error
