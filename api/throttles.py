"""How often one caller may use the API: the district's limits, counted for each token and for each signed-in person."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import brake
from common import access
from common.crypto import keyed_digest
from common.errors import TooMany

# A short span against bursts and a long one against what goes on and on; reading and writing are counted apart.
READS = ("api_read", "api_read_hour")
WRITES = ("api_write", "api_write_hour")


class CallLimits(BaseThrottle):
    """Count a call in the database, where all web processes count together; one statement, and no wait for a disk."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Let the call pass, or raise TooMany with the seconds to wait."""
        user: Any = request.user
        if user.is_authenticated:
            key = access.narrowing_of(user)
            caller = keyed_digest("caller", str(key.key if key else user.pk))
            wait = brake.take(READS if request.method in SAFE_METHODS else WRITES, caller)
            if wait:
                raise TooMany(f"调用得太密，请 {wait} 秒后再继续。", retry_after=wait)
        return True
