"""Slow down guessing at accounts without locking their owners out, and count what callers do within a span.

django-axes locks one pair of account and address. Against many addresses each account has two streams of
tries: addresses its owner has used in the last days, and all others. Each stream gets slower with every wrong
password and ends for the day after LIMIT of them, so strangers never use up the owner's tries.

Against many accounts from one address the district's limit `sign_in` counts the wrong tries of the address. Past it
nobody is looked up from there any more, except who has signed in from there lately: a whole office behind one proxy
goes on working, whatever one of its neighbours does.
"""

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import KnownAddress, RateHit, SignInBrake, User
from common.crypto import keyed_digest

# The limit for wrong tries at any accounts from one address.
SIGN_IN = "sign_in"

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


_TAKE = """
WITH taken AS (
    INSERT INTO accounts_ratehit AS hit (code, caller, "window", ends_at, count)
    SELECT code, %(caller)s, number, to_timestamp((number + 1) * seconds), 1
    FROM (SELECT code, seconds, floor(extract(epoch FROM statement_timestamp()) / seconds)::bigint AS number
          FROM accounts_ratelimit WHERE code = ANY(%(codes)s)) AS limits
    ON CONFLICT (code, caller, "window") DO UPDATE SET count = hit.count + 1
    RETURNING code, count, ends_at
)
SELECT coalesce(max(ceil(extract(epoch FROM ends_at - statement_timestamp()))), 0)
FROM taken JOIN accounts_ratelimit AS allowed USING (code) WHERE taken.count > allowed.amount * %(times)s
"""


def take(codes: Sequence[str], caller: str, *, times: int = 1) -> int:
    """Count one use by `caller` against `times` each of these limits; return the seconds until it may go on, else 0.

    One statement by the database's clock. A span begins at round times, so twice the amount may pass around its end.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"codes": list(codes), "caller": caller, "times": times})
        return int(cursor.fetchone()[0])


def give_back(code: str, caller: str) -> None:
    """Take one use of the present span back, after a right password."""
    RateHit.objects.filter(code=code, caller=caller, ends_at__gt=Now(), count__gt=0).update(count=F("count") - 1)


def claim(account: str, user: User | None, address: str) -> str:
    """Take one try at `account` from `address` and return its key, "" when nothing may be tried now."""
    known = _knows(user, address)
    if take((SIGN_IN,), _of(address)) and not known:
        return ""
    key = keyed_digest("brake", f"{account}|{'known' if known else 'other'}")
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
    give_back(SIGN_IN, _of(address))
    KnownAddress.objects.update_or_create(
        user=user, digest=keyed_digest("address", address), defaults={"last_at": Now()}
    )
    kept = KnownAddress.objects.filter(user=user).order_by("-last_at").values("pk")[:KNOWN_KEPT]
    KnownAddress.objects.filter(user=user).exclude(pk__in=kept).delete()


def _of(address: str) -> str:
    return keyed_digest("address", address)


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
