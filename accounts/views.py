"""The doors for people with an account: sign in, sign out, password, one's own page and settings, tokens."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, brake
from accounts.forms import PasswordForm, SignInForm, TokenForm
from accounts.models import ApiToken, TokenPolicy
from accounts.selectors import TOKENS, axes_username, calendar_token, person, tokens_for
from common import access
from common.addresses import client_address
from common.errors import Invalid, NotFound, TooMany
from common.typed import whole
from common.views import refuse

# Where a person's day begins: the first door that opens.
_DOORS = (
    ("handle_request", "requests_board:desk"),
    ("answer_allocation", "requests_board:liaison"),
    ("view_dashboard", "dashboards:district"),
    ("view_request", "requests_board:desk"),
    ("view_resource_request", "requests_board:desk"),
    ("enter_admin", "admin:index"),
)
_LOCKED = "这个账号在这台设备上连续填错 5 次密码，请 15 分钟后再试；急用请本单位的管理员重置密码。"


@access.public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by user name or phone number."""
    if request.user.is_authenticated and request.method != "POST":
        return HttpResponseRedirect(_wanted(request))
    form = SignInForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid() and form.user is not None:
        login(request, form.user)
        actions.signed_in(form.user)
        return HttpResponseRedirect(_wanted(request))
    return render(request, "accounts/login.html", {"form": form, "next": _next(request)}, status=_status(form))


@access.public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out on this device."""
    if request.user.is_authenticated:
        actions.signed_out(request.user)
    logout(request)
    return redirect("accounts:login")


@access.signed_in
@never_cache
@sensitive_post_parameters("old_password", "new_password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; every other session ends."""
    user = person(request)
    form = PasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid() and _knows_password(request, form):
        try:
            changed = actions.change_password(user, password=form.cleaned_data["new_password"], actor=user)
        except Invalid as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            update_session_auth_hash(request, changed)
            return redirect("accounts:home")
    context = {"form": form, "due": user.must_change_password}
    return render(request, "accounts/password.html", context, status=_status(form))


@access.signed_in
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead a person to the page where their work is; tell who has no work here whom to ask."""
    for permission, name in _DOORS:
        if access.holds(request.user, permission):
            return redirect(name)
    return render(request, "accounts/home.html")


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: object = None) -> HttpResponse:
    """Tell who typed five wrong passwords how long to wait; the same for accounts that do not exist."""
    return refuse(request, TooMany(_LOCKED))


def _knows_password(request: HttpRequest, form: PasswordForm) -> bool:
    # A borrowed screen must not become a place for guessing, so tries count as at the sign-in.
    user, address = person(request), client_address(request)
    key = brake.claim(axes_username(request, {"username": user.get_username()}), user, address)
    if not key:
        raise TooMany("现在的密码试错太多次，请过一会儿再试。")
    if user.check_password(form.cleaned_data["old_password"]):
        brake.release(key, user, address)
        return True
    form.add_error("old_password", "现在的密码不对，请再试一次。")
    return False


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def _wanted(request: HttpRequest) -> str:
    return _next(request) or reverse("accounts:home")


def _status(form: SignInForm | PasswordForm) -> int:
    return 422 if form.is_bound and form.errors else 200


# One's own settings --------------------------------------------------------------------------------------------------


@access.signed_in
@never_cache
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """Show what a person may set for themself."""
    user = person(request)
    token = calendar_token(user)
    context = {
        "door": "me",
        "calendar": settings.PUBLIC_BASE_URL.rstrip("/") + reverse("api:calendar", args=[token]) if token else "",
        "has_commitments": access.holds(user, "view_allocation"),
        "tokens": len(tokens_for(user)) if not access.holds(user, "manage_users") else None,
    }
    return render(request, "accounts/me.html", context)


@access.signed_in
@require_POST
def calendar(request: HttpRequest) -> HttpResponse:
    """Give one's calendar an address, another address, or none."""
    user = person(request)
    if request.POST.get("close") == "1":
        actions.close_calendar(user, actor=user)
    else:
        actions.renew_calendar(user, actor=user)
    return redirect(reverse("accounts:me") + "#calendar")


# Tokens --------------------------------------------------------------------------------------------------------------


@access.signed_in
@never_cache
@require_safe
def tokens_page(request: HttpRequest) -> HttpResponse:
    """Show one's own tokens; all of them to whoever keeps the accounts."""
    words, page = request.GET.get("q", "").strip()[:40], min(whole(request.GET.get("page", "")) or 1, 1000)
    return _tokens(request, words=words, page=max(page, 1))


@access.needs("manage_users")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_token(request: HttpRequest) -> HttpResponse:
    """Give an account a token and show its secret, this once."""
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = actions.issue_token_for(actor=person(request), **form.cleaned_data)
        except Invalid as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return _tokens(request, fresh=token, secret=secret)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "accounts/token_new.html", {"form": form, "door": "me"}, status=status)


@access.signed_in
@never_cache
@require_POST
def rotate_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Exchange a token for a fresh one and show its secret, this once."""
    token, secret = actions.rotate_token(_token(request, pk), actor=person(request))
    return _tokens(request, fresh=token, secret=secret)


@access.signed_in
@require_POST
def revoke_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a token at once."""
    actions.revoke_token(_token(request, pk), actor=person(request), reason=request.POST.get("reason", "")[:200])
    return redirect("accounts:tokens")


def _token(request: HttpRequest, pk: UUID) -> ApiToken:
    token = ApiToken.objects.visible_to(request.user).filter(pk=pk).first()
    if token is None:
        raise NotFound
    return token


def _tokens(request: HttpRequest, *, words: str = "", page: int = 1, **shown_once: Any) -> HttpResponse:
    rows = tokens_for(person(request), words=words, page=page)
    context = {
        "door": "me",
        "tokens": rows[:TOKENS],
        "next": page + 1 if len(rows) > TOKENS else None,
        "words": words,
        "overlap": TokenPolicy.current().overlap_hours,
        **shown_once,
    }
    return render(request, "accounts/tokens.html", context)
