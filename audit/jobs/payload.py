"""What may stand in an event's data and in a job's payload: ids and numbers, never words about people."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

_TOKEN = re.compile(r"[A-Za-z0-9_.:/+-]{0,200}")
_PHONE = re.compile(r"1[3-9]\d{9}")


def ids_and_numbers(value: Any) -> Any:
    """Return `value` ready for JSON; refuse free text and anything that looks like a phone number.

    Personal Information Protection Law (个人信息保护法) art. 6: collect no more than the purpose needs.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and _TOKEN.fullmatch(value) and not _PHONE.fullmatch(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): ids_and_numbers(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [ids_and_numbers(each) for each in value]
    raise ValueError(f"Only ids, codes and numbers may stand here, not {type(value).__name__}.")
