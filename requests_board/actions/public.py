"""What anybody may do without an account, and how often."""

from accounts import brake
from common.crypto import keyed_digest
from common.errors import Invalid, TooMany
from requests_board.models import SystemFeedback

MAX_TEXT = 500
# Behind one address a whole estate may stand: so many devices' worth of uses are taken from it, and no more.
DEVICES = 10


def sender_key(address: str, agent: str = "") -> str:
    """Return the keyed hash under which a sender is counted; the address itself is kept nowhere."""
    return keyed_digest("sender", f"{address}|{agent}")


def count_sender(code: str, *, address: str, agent: str) -> None:
    """Count one use of a public door for the device and for its address; raise TooMany past the limit of either."""
    # A program gives itself another name for each try; its address it cannot choose.
    _count(code, sender_key(address, agent))
    _count(code, keyed_digest("address", address), times=DEVICES)


def count_lookup(number: str) -> None:
    """Count one look for a request by its number; raise TooMany before the last four digits can be guessed."""
    _count("lookup_number", keyed_digest("number", number))


def _count(code: str, caller: str, *, times: int = 1) -> None:
    wait = brake.take((code,), caller, times=times)
    if wait:
        raise TooMany(retry_after=wait)


def leave_feedback(*, text: str, page: str = "") -> SystemFeedback:
    """Take in an opinion about this system itself."""
    text = " ".join(text.split())
    if not text:
        raise Invalid("请写一句您的意见。", field="text")
    if len(text) > MAX_TEXT:
        raise Invalid(f"太长了，最多写 {MAX_TEXT} 个字。", field="text")
    return SystemFeedback.objects.create(text=text, page=page[:200])
