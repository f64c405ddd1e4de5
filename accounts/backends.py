"""How a person proves who they are: user name or phone number, and password."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts import brake
from accounts.models import User
from accounts.selectors import axes_username
from common.addresses import client_address


class PhoneOrNameBackend(ModelBackend):
    """Accept a user name or a phone number; answer for unknown accounts as slowly as for known ones."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the account whose password this is; refuse to look while the account is being slowed down."""
        if request is None or not username or password is None:
            return None
        user = User.objects.by_name_or_phone(username)
        address = client_address(request)
        key = brake.claim(axes_username(request, {"username": username}), user, address)
        if not key:
            request.slowed_down = True  # type: ignore[attr-defined]
            raise PermissionDenied
        if user is None:
            # Hash once all the same, so that the time of the answer does not tell who has an account.
            User().set_password(password)
            return None
        if not (user.check_password(password) and self.user_can_authenticate(user)):
            return None
        brake.release(key, user, address)
        return user

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return nothing: rights come from posts, grants and memberships, never from Django's own tables."""
        return set()
