"""Everything that can happen to an account, and the one way to look behind a mask."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import ExpressionWrapper, Q
from django.db.models.functions import Now

from accounts import passwords, tokens
from accounts.models import ApiToken, RateHit, RateLimit, SignInBrake, TokenPolicy, User
from audit.actions import Actor, keep, record, record_read
from clockwork.selectors import db_now
from common import access
from common.addresses import coarse
from common.crypto import blind_index, looks_like_phone, normalise_phone
from common.errors import Invalid, StepNotAllowed
from common.versions import require_unchanged

Who = User | Actor | None
USE_GRAIN = timedelta(minutes=5)


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
def change_profile(
    user: User, *, display_name: str, phone: str | None = None, actor: Who = None, seen: str | None = None
) -> User:
    """Change name and, when given, phone number; refuse a number that belongs to another account, and a stale page."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    require_unchanged(locked, seen)
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
        if not active:
            revoke_tokens_of(user, actor=actor, reason=reason)


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
    """Delete what the brakes kept of earlier days and of spans that are over."""
    spans = RateHit.objects.filter(ends_at__lt=Now()).delete()[0]
    return spans + SignInBrake.objects.filter(day__lt=db_now().date()).delete()[0]


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


# Tokens -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def issue_token(
    *, user: User, name: str, permissions: list[str], days: int, actor: Who, place: access.Place | None = None
) -> tuple[ApiToken, str]:
    """Give `user` a token and return it with its secret, which is shown this once and kept nowhere.

    Refuse a token without a right or a purpose, one that lasts longer than the district allows, and a closed account.
    """
    longest = TokenPolicy.current().longest_days
    unknown = set(permissions) - set(tokens.rights_for_machines())
    if not name.strip():
        raise Invalid("请写一句这个令牌给哪个系统、做什么用。", field="name")
    if not permissions or unknown:
        raise Invalid("请至少选一项权限；只能选列出来的。", field="permissions")
    if not 1 <= days <= longest:
        raise Invalid(f"有效期要在 1 到 {longest} 天之间。", field="days")
    if not user.is_active:
        raise Invalid("这个账号已经停用，请先启用，或者换一个账号。", field="username")
    secret = tokens.new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name.strip()[:60],
        permissions=sorted(set(permissions)),
        place_id=place.id if place else None,
        place_name=place.name if place else "",
        expires_at=db_now() + timedelta(days=days),
        created_by=actor if isinstance(actor, User) else None,
        digest=tokens.digest_of(secret),
        hint=secret[: tokens.HINT],
    )
    record(actor=actor, verb="token.issued", target=token, data={"user": user.pk})
    return token, secret


@transaction.atomic
def issue_token_for(
    *, username: str, user: User | None, create: bool, actor: Who, **token: Any
) -> tuple[ApiToken, str]:
    """Give a token to `user`; where there is none yet and `create` says so, make an account that no one signs in to."""
    if user is None and create:
        user = create_user(username=username, display_name=username, actor=actor)
    if user is None:
        raise Invalid("没有这个账号，请核对用户名。", field="username")
    return issue_token(user=user, actor=actor, **token)


@transaction.atomic
def rotate_token(token: ApiToken, *, actor: Who) -> tuple[ApiToken, str]:
    """Exchange a token for a fresh one with the same rights and the same end; the old one works some hours longer.

    Refuse one that opens nothing any more. A longer term is a new token, from whoever keeps the accounts.
    """
    old = ApiToken.objects.alive().select_for_update(of=("self",)).filter(pk=token.pk).first()
    if old is None:
        raise StepNotAllowed("这个令牌已经停用或者过期，不能换新。请重新发一个。")
    secret = tokens.new_secret()
    kept = ("family", "user_id", "name", "permissions", "place_id", "place_name", "expires_at")
    fresh = ApiToken.objects.create(
        **{field: getattr(old, field) for field in kept},
        created_by=actor if isinstance(actor, User) else None,
        digest=tokens.digest_of(secret),
        hint=secret[: tokens.HINT],
    )
    last = db_now() + timedelta(hours=TokenPolicy.current().overlap_hours)
    ApiToken.objects.filter(pk=old.pk, expires_at__gt=last).update(expires_at=last)
    record(actor=actor, verb="token.rotated", target=fresh, data={"user": old.user_id})
    return fresh, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, actor: Who, reason: str = "") -> None:
    """End a token at once; one that has ended stays as it is."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=Now()):
        record(actor=actor, verb="token.revoked", target=token, reason=reason, data={"user": token.user_id})


@transaction.atomic
def revoke_tokens_of(user: User, *, actor: Who, reason: str = "") -> None:
    """End every token of an account."""
    for token in ApiToken.objects.filter(user=user, revoked_at__isnull=True):
        revoke_token(token, actor=actor, reason=reason)


def come_in(secret: str, *, address: str) -> Any:
    """Return the owner of the token with this secret, narrowed to what it leaves; None for every other text.

    When and from which network it came is noted at most once in USE_GRAIN.
    """
    seen_lately = Q(last_used_at__gt=Now() - USE_GRAIN)
    token = (
        ApiToken.objects.alive()
        .select_related("user")
        .annotate(noted=ExpressionWrapper(seen_lately, output_field=models.BooleanField()))
        .filter(digest=tokens.digest_of(secret))
        .first()
    )
    if token is None:
        return None
    if not token.noted:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now(), last_network=coarse(address))
    return tokens.narrow(token)


# Calendar -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def renew_calendar(user: User, *, actor: Who) -> None:
    """Give the person's calendar an address, or another one; the one before is dead."""
    User.objects.filter(pk=user.pk).update(calendar_open=True, calendar_version=models.F("calendar_version") + 1)
    record(actor=actor, verb="calendar.opened", target=user)


@transaction.atomic
def close_calendar(user: User, *, actor: Who) -> None:
    """Let the person's calendar have no address any more."""
    if User.objects.filter(pk=user.pk, calendar_open=True).update(calendar_open=False):
        record(actor=actor, verb="calendar.closed", target=user)


def keep_limit(row: RateLimit | TokenPolicy, *, actor: Who, seen: str | None = None) -> models.Model:
    """Change how often callers may come, or how long tokens may live; a page that is no longer true is refused."""
    return keep(row, verb=f"{row._meta.model_name}.kept", actor=actor, seen=seen)
