"""What people, and programs that pretend to be people, may type into an address."""

# A number of this many digits still fits into a column of the database.
_LONGEST = 18


def whole(text: str) -> int | None:
    """Return the number that plain digits write, None for any other text."""
    # `isdigit` alone also says yes to ² and to a mile of digits, for which `int` then fails.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None
