"""Count what people do against the district's limits; who counts stands above and says so when it is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from common.crypto import keyed_digest
from common.errors import TooMany

# Counts one use of each limit by a caller and returns for how many seconds it may not go on, else 0.
Take = Callable[[Sequence[str], str], int]
_takes: list[Take] = []


def register(take: Take) -> None:
    """Let `take` count; registered once per process."""
    if take not in _takes:
        _takes.append(take)


def count(code: str, user: Any) -> None:
    """Count one use of the limit `code` by this person; raise TooMany with the time to wait past it."""
    wait = max((take((code,), keyed_digest("caller", str(user.pk))) for take in _takes), default=0)
    if wait:
        said = f"{wait} 秒" if wait < 120 else f"{-(-wait // 60)} 分钟"
        raise TooMany(f"您这段时间传得太密，请 {said}后再继续。已经传上来的都还在。", retry_after=wait)
