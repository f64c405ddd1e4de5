"""Telephone numbers as people type them."""

import re
import unicodedata

from django.core.exceptions import ValidationError

_MOBILE, _MOBILE_LENGTH = re.compile(r"1\d{10}"), 11
_LANDLINE = re.compile(r"0\d{9,11}")


def plain(text: str) -> str:
    """Return what was typed with full-width letters and digits made half-width, without blanks."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def phone_of(text: str) -> str:
    """Return the digits of a telephone number; refuse one that is too short or too long, saying by how much."""
    digits = re.sub(r"[-()+.]", "", plain(text))
    digits = digits.removeprefix("86") if len(digits) > _MOBILE_LENGTH else digits
    if not digits or _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits):
        return digits
    if not digits.isdecimal():
        raise ValidationError("手机号里只能有数字，请看看")
    off = len(digits) - _MOBILE_LENGTH
    if digits.startswith("1") and off:
        raise ValidationError(f"手机号{'少' if off < 0 else '多'}了 {abs(off)} 位，请看看")
    raise ValidationError("电话号码不对，请看看。座机要带区号")
