"""Let a call that is sent twice take effect once: `Idempotency-Key` on every write of the API.

The same key with the same call is answered with the very bytes of the first answer, for a day. Kept is what stays
true: everything done (2xx), and refusals of the call itself (400, 404, 410, 422 …). What may be different a moment
later (401, 403, 409, 412, 429) and what failed (5xx) is not kept, so the same key may be tried again.
"""

import re
from collections.abc import Callable
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse

from audit.actions import forget_key, keep_answer
from audit.models import IdempotencyKey
from common import access
from common.crypto import keyed_digest
from common.errors import DomainError, Invalid

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
SYNTAX = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
PASSING = frozenset({401, 403, 409, 412, 429})


class InFlight(DomainError):
    """Refuse a call while the same key is being worked on."""

    code = "in_flight"
    default_message = "同一个 Idempotency-Key 的上一次调用还在办，请过一秒再用同样的内容问一次。"


class KeyReused(DomainError):
    """Refuse another call under a key that was used already."""

    code = "key_reused"
    status = 422
    default_message = "这个 Idempotency-Key 已经用在别的内容上。新的一件事请换一个新的键。"


def once(request: HttpRequest, perform: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer with what `perform` answers (a response with its content, or a DomainError), or as the first time.

    Refused are a key that is not 8 to 64 letters, digits and `_.:-`, one that was used for something else, and one in
    use. Everything that `perform` does is one transaction, undone when it refuses. To be called where the caller is
    known and allowed; what must be seen each time and never be kept (a look behind a mask) is not put under it.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method not in WRITES or not request.user.is_authenticated:
        return perform()
    if not SYNTAX.fullmatch(key):
        raise Invalid("Idempotency-Key 要用 8 到 64 个字母、数字或 _ . : -，例如一个 UUID。", field=HEADER)
    limit = access.narrowing_of(request.user)
    actor = limit.key if limit else request.user.pk
    mark = fingerprint(request)
    with transaction.atomic():
        _hold(f"{actor}|{key}")
        over = ExpressionWrapper(Q(expires_at__lte=Now()), output_field=BooleanField())
        row = IdempotencyKey.objects.filter(actor_id=actor, key=key).annotate(over=over).first()
        if row is not None and not row.over:
            return _replay(row, mark)
        if row is not None:
            forget_key(row)
        response = _performed(perform)
        if response.status_code < 500 and response.status_code not in PASSING:
            headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
            keep_answer(actor, key, mark, response.status_code, headers, response.content.decode())
    return response


def _performed(perform: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        with transaction.atomic():
            response = perform()
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response
    except DomainError as error:
        if error.status in PASSING or error.status >= 500:
            raise
        return JsonResponse(error.as_dict(), status=error.status)


def fingerprint(request: HttpRequest) -> str:
    """Return what tells two calls apart: method, address and body."""
    body = sha256(request.body).hexdigest()
    return keyed_digest("once", f"{request.method}|{request.get_full_path()}|{body}")


def _hold(name: str) -> None:
    """Keep others with this name out until the transaction ends, however it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"once|{name}"])
        if not cursor.fetchone()[0]:
            raise InFlight(retry_after=1)


def _replay(row: IdempotencyKey, mark: str) -> HttpResponse:
    if row.fingerprint != mark:
        raise KeyReused
    return HttpResponse(row.body.encode(), status=row.status, headers={**row.headers, REPLAYED: "true"})
