"""The doors for people with an account: sign in, sign out, change the password, find one's own page."""

from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, brake
from accounts.forms import PasswordForm, SignInForm
from accounts.selectors import axes_username, person
from common import access
from common.addresses import client_address
from common.errors import Invalid, TooMany
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
