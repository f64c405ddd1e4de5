"""The seam to the store of idempotency keys."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.http.response import HttpResponseBase

from api.errors import Malformed

HEADER, SYNTAX = "Idempotency-Key", re.compile(r"[A-Za-z0-9_.:-]{8,64}")


def once(request: Any, perform: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Perform a write, or give the answer that the same key got before."""
    key = request.headers.get(HEADER)
    if key is not None and not SYNTAX.fullmatch(key):
        raise Malformed("Idempotency-Key 要用 8 到 64 个字母、数字或 _ . : -，例如一个 UUID。", field=HEADER)
    if find_spec("audit.idempotency") is None:
        return perform()
    from audit import idempotency  # type: ignore[attr-defined]

    return idempotency.once(request, perform)
