"""The seam to the store of idempotency keys."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.http.response import HttpResponseBase


def once(request: Any, perform: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Perform a write, or give the answer that the same key got before."""
    if find_spec("audit.idempotency") is None:
        return perform()
    from audit import idempotency  # type: ignore[attr-defined]

    return idempotency.once(request, perform)
