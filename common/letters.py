"""Letters come in UTF-8: whoever names another code is refused at the web door itself.

The framework decodes address and form by the code that a sender names. No browser names one for a page in UTF-8, and
among those that Python knows are some that are no letters at all, on which every page would fail before any guard is
asked, and some that make signs which the database cannot keep.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_SAID = {"code": "bad_request", "message": "发来的内容要用 UTF-8 编码。", "field": ""}


def in_utf8(application: Application) -> Application:
    """Return `application` behind a guard that answers 400 to what is sent in another code than UTF-8."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        body = json.dumps(_SAID, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
        start_response("400 Bad Request", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    return guarded


def is_utf8(content_type: str) -> bool:
    """Tell whether a content type names UTF-8, or no code that the framework would decode by; it reads it likewise."""
    try:
        _, named = parse_header_parameters(content_type)
        return codecs.lookup(named.get("charset", "utf-8")).name == "utf-8"
    except LookupError:
        return True
    except ValueError:
        return False
