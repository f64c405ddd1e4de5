"""Keep secrets out of the logs."""

import logging
import re
from typing import Any

# /t/<number>/<secret>/ and /a/<secret>/: what stands in the address opens the door.
_FIRST_PART = re.compile(r"/([\w-]{0,20})")


class WithoutAddresses(logging.Filter):
    """Let a line name the door instead of the address, which may be the key of somebody's request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the route in the place of the path in what Django says about a request."""
        request: Any = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            # Django writes the path with its line breaks and the like escaped.
            hidden = {path, path.encode("unicode_escape").decode("ascii")}
            record.args = tuple(door_of(request) if argument in hidden else argument for argument in record.args)
        return True


def door_of(request: Any) -> str:
    """Return the route of the request; of an address that leads nowhere only the first part."""
    match = getattr(request, "resolver_match", None)
    if match is not None:
        return f"/{match.route}"
    found = _FIRST_PART.match(request.path)
    return f"/{found[1]}/…" if found else "…"
