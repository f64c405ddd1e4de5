"""What a password must be like, beyond Django's own rules."""

import secrets
from typing import Any

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError

# No signs that people mistake for each other when a password is read out.
_LETTERS, _DIGITS, _SIGNS = "abcdefghijkmnpqrstuvwxyz", "23456789", "-+="


class LongEnough(MinimumLengthValidator):
    """Say Django's minimum length in our own words."""

    def get_error_message(self) -> str:
        """Say what is missing."""
        return f"密码太短了，至少要 {self.min_length} 位。"

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"密码至少 {self.min_length} 位。"


class Mixed:
    """Ask for letters, digits and one more kind of sign, unless the password is long (GB/T 22239 8.1.4.1)."""

    LONG = 16

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse a short password of fewer than three kinds of signs."""
        kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
        if len(password) < self.LONG and sum(any(kind(sign) for sign in password) for kind in kinds) < 3:
            raise ValidationError(self.get_help_text(), code="password_not_mixed")

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"密码里要有大写字母、小写字母、数字、符号中的三种；或者用一句 {self.LONG} 个字以上的话。"


def temporary() -> str:
    """Make a password that is easy to read out and has to be changed at the first sign-in."""
    parts = ["".join(secrets.choice(_LETTERS) for _ in range(4)).capitalize()]
    parts += ["".join(secrets.choice(_DIGITS) for _ in range(4)), "".join(secrets.choice(_LETTERS) for _ in range(4))]
    return secrets.choice(_SIGNS).join(parts)
