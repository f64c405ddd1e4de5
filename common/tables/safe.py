"""Text that no spreadsheet takes for a formula, and the way back to what it was.

A cell is dangerous when, after blanks and apostrophes, it begins with a sign that opens a formula. One apostrophe in
front makes it text; taking that one away again gives back exactly what was written out, see `plain`.
"""

from __future__ import annotations

import re
from typing import Any

# What a spreadsheet reads as the beginning of a formula, half and full width.
OPENING = tuple("=+-@\t\r\n＝＋－＠")
_BLANK = " \u00a0\u2002\u2003\u2009\u200b\u3000\ufeff'"
# What no XML document may hold.
_NEVER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MOST = 32_767


def clean(value: Any) -> str:
    """Return a value as the text of a cell: no control characters, one kind of line end, no longer than a cell."""
    text = "" if value is None else str(value)
    return _NEVER.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[: _MOST - 1]


def dangerous(text: str) -> bool:
    """Tell whether a spreadsheet might compute this text."""
    return text.lstrip(_BLANK).startswith(OPENING)


def harmless(value: Any) -> str:
    """Return a value as text that is never computed."""
    text = clean(value)
    return f"'{text}" if dangerous(text) else text


def plain(text: str) -> str:
    """Return what `harmless` was given (as `clean` leaves it)."""
    return text[1:] if text.startswith("'") and dangerous(text) else text
