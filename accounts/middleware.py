"""End sessions that rest too long or live too long, ask for a new password where one is due, let in by token."""

import time
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import actions, brake, tokens
from common.addresses import client_address
from common.crypto import keyed_digest
from common.errors import NotAllowed, NotSignedIn, TooMany
from common.views import refuse, wants_fragment, wants_json

BORN, SEEN = "signed_in_at", "seen_at"
# The stamp is written at most once in so many seconds, so that reading pages does not write to the database.
GRAIN = 30


class SessionLimitsMiddleware:
    """Sign out after 30 minutes without a request and after 12 hours in any case."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Without a session cookie nobody is signed in, and a public page stays free of the session.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            over = self._over(request)
            if over:
                actions.signed_out(request.user, reason=over)
                logout(request)
                messages.info(request, over)
            elif request.user.must_change_password and not self._may_wait(request):
                return self._ask_for_password(request)
        return self.get_response(request)

    def _over(self, request: HttpRequest) -> str:
        session, now = request.session, time.time()
        born = session.setdefault(BORN, now)
        seen = session.get(SEEN, now)
        if now - born > settings.SESSION_ABSOLUTE_SECONDS:
            return "登录时间满 12 小时了，请重新登录。"
        if now - seen > settings.SESSION_IDLE_SECONDS:
            return "有一阵没有操作，为了安全已经退出，请重新登录。"
        if SEEN not in session or now - seen > GRAIN:
            session[SEEN] = now
        return ""

    def _may_wait(self, request: HttpRequest) -> bool:
        return request.path in {reverse("accounts:password"), reverse("accounts:logout")}

    def _ask_for_password(self, request: HttpRequest) -> HttpResponse:
        address = reverse("accounts:password")
        if wants_json(request):
            return refuse(request, NotAllowed("请先在网页上改密码，再继续。"))
        if wants_fragment(request):
            return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
        return HttpResponseRedirect(address)


class ApiTokenMiddleware:
    """Let another system in at the API's doors by its token, in place of whatever session came along."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/api/"):
            return self.get_response(request)
        response = self._refused(request) or self.get_response(request)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response.headers.setdefault("WWW-Authenticate", tokens.CHALLENGE)
        return response

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        secret, address = tokens.bearer(request), client_address(request)
        if not secret:
            return None
        user = actions.come_in(secret, address=address)
        if user is not None:
            request.user, request.by_token = user, True  # type: ignore[attr-defined]
            return None
        wait = brake.take(("token_wrong",), keyed_digest("address", address))
        if wait:
            return refuse(request, TooMany(f"用不对的令牌试得太多次，请 {wait} 秒后再试。", retry_after=wait))
        error = NotSignedIn("令牌不对、已经过期或者已经停用。请核对有没有抄全，或者找发放令牌的管理员。")
        error.code = "bad_token"
        response = refuse(request, error)
        response["WWW-Authenticate"] = f'{tokens.CHALLENGE}, error="invalid_token"'
        return response
