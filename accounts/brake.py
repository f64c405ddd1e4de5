"""Slow down guessing at one account from many addresses, without locking its owner out.

django-axes locks one pair of account and address. Against many addresses each account has two streams of
tries: addresses its owner has used in the last days, and all others. Each stream gets slower with every wrong
password and ends for the day after LIMIT of them, so strangers never use up the owner's tries.
"""

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import KnownAddress, SignInBrake, User
from common.crypto import keyed_digest

# At most 2 × 50 checked passwords an account and day; the first five are free, then the wait doubles.
LIMIT, FREE, LONGEST_WAIT = 50, 5, 900
KNOWN_DAYS, KNOWN_KEPT = 30, 20

_CLAIM = """
INSERT INTO accounts_signinbrake AS brake (key, day, checks, in_a_row, next_at)
VALUES (%(key)s, current_date, 1, 1, statement_timestamp())
ON CONFLICT (key) DO UPDATE SET
    day = current_date,
    checks = CASE WHEN brake.day = current_date THEN brake.checks + 1 ELSE 1 END,
    in_a_row = CASE WHEN brake.next_at < statement_timestamp() - interval '1 hour' THEN 1 ELSE brake.in_a_row + 1 END,
    next_at = statement_timestamp() + CASE
        WHEN brake.in_a_row < %(free)s - 1 OR brake.next_at < statement_timestamp() - interval '1 hour'
        THEN interval '0'
        ELSE make_interval(secs => least(power(2, least(brake.in_a_row + 1 - %(free)s, 20)), %(longest)s)) END
WHERE brake.next_at <= statement_timestamp() AND (brake.day <> current_date OR brake.checks < %(limit)s)
RETURNING key
"""


def claim(account: str, user: User | None, address: str) -> str:
    """Take one try at `account` from `address` and return its key, "" when nothing may be tried now."""
    key = keyed_digest("brake", f"{account}|{'known' if _knows(user, address) else 'other'}")
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"key": key, "free": FREE, "longest": LONGEST_WAIT, "limit": LIMIT})
        return key if cursor.fetchone() else ""


@transaction.atomic
def release(key: str, user: User, address: str) -> None:
    """Give the try back after a right password, and remember the address."""
    row = SignInBrake.objects.select_for_update().filter(key=key).first()
    if row is not None:
        row.checks, row.in_a_row = max(row.checks - 1, 0), 0
        row.save(update_fields=["checks", "in_a_row"])
        SignInBrake.objects.filter(key=key).update(next_at=Now())
    KnownAddress.objects.update_or_create(
        user=user, digest=keyed_digest("address", address), defaults={"last_at": Now()}
    )
    kept = KnownAddress.objects.filter(user=user).order_by("-last_at").values("pk")[:KNOWN_KEPT]
    KnownAddress.objects.filter(user=user).exclude(pk__in=kept).delete()


def _knows(user: User | None, address: str) -> bool:
    if user is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM accounts_knownaddress WHERE user_id = %s AND digest = %s"
            " AND last_at > statement_timestamp() - make_interval(days => %s)",
            [user.pk, keyed_digest("address", address), KNOWN_DAYS],
        )
        return cursor.fetchone() is not None
