"""How another system proves for whom it calls (`Authorization: Bearer hd_…`), and what its token leaves of rights."""

import secrets
from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.models import ApiToken
from common import access
from common.crypto import keyed_digest

# By this scanners of source code know a secret of ours that somebody has checked in.
PREFIX = "hd_"
BYTES = 32
HINT = len(PREFIX) + 4
CHALLENGE = 'Bearer realm="api"'
# What opens pages for people or gives rights to others is nothing for machines.
FOR_PEOPLE = frozenset({"enter_admin", "manage_users", "manage_posts"})


def new_secret() -> str:
    """Return 256 random bits as text."""
    return PREFIX + secrets.token_urlsafe(BYTES)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return keyed_digest("token", secret)


def rights_for_machines() -> dict[str, str]:
    """Return the rights that a token may carry, with their names for people."""
    return {code: label for code, label in access.right_labels().items() if code not in FOR_PEOPLE}


def bearer(request: HttpRequest) -> str:
    """Return the secret that came with a call, "" where none came."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip()[:200] if scheme.lower() == "bearer" else ""


def narrow(token: ApiToken) -> Any:
    """Return the token's owner, narrowed to what the token leaves; a place that is gone leaves nothing."""
    path = None
    if token.place_id is not None:
        place = access.find_place(id=token.place_id)
        path = place.path if place else ""
    limit = access.Narrowing(frozenset(token.permissions), path, token.family, token.name)
    access.narrow(token.user, limit)
    return token.user


class TokenAuthentication(BaseAuthentication):
    """Take over whom `ApiTokenMiddleware` has let in; a foreign page cannot send what no cookie holds."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the token's owner, None where the call came without a token."""
        http: Any = request._request
        return (http.user, None) if getattr(http, "by_token", False) else None

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that a refusal is a 401."""
        return CHALLENGE


class TokenScheme(OpenApiAuthenticationExtension):
    """Describe the token in the API's document."""

    target_class = "accounts.tokens.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme as OpenAPI writes it."""
        return {"type": "http", "scheme": "bearer", "description": "给系统对接用的令牌。"}
