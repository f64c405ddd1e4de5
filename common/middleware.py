"""Two guards of every request (refusals become sentences, no door opens without a rule), and light public pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers

from common import access
from common.errors import Conflict, DomainError, NotAllowed, NotFound, NotSignedIn, WrongDoor
from common.logs import door_of
from common.views import refuse, wants_fragment, wants_json

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]


class DomainErrorMiddleware:
    """Turn what the business refuses into a page, a fragment or JSON, with the same words in each."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        refused = refuse(request, WrongDoor())
        refused["Allow"] = response["Allow"]
        return refused

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer domain errors, missing rows and refusals; leave the rest to the 500 page."""
        if isinstance(exception, DomainError):
            return refuse(request, exception)
        if isinstance(exception, Http404):
            return refuse(request, NotFound())
        if isinstance(exception, PermissionDenied):
            return refuse(request, NotAllowed())
        if isinstance(exception, OperationalError) and _lost_a_lock(exception):
            logger.warning("A lock was not given in time at %s", door_of(request))
            return refuse(request, Conflict("这会儿有人正在改同一处，没有保存。请过几秒再提交一次。"))
        return None


# lock_not_available and deadlock_detected: the database undid everything, so the person may simply try again.
_LOCK_CODES = {"55P03", "40P01"}


def _lost_a_lock(exception: OperationalError) -> bool:
    return getattr(exception.__cause__, "pgcode", None) in _LOCK_CODES


class AccessMiddleware:
    """Refuse a view without a rule, send strangers to the login page and others away, and refuse NUL signs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        rule = access.rule_of(match.func, match.namespaces) if match else None
        if rule is not None and rule != access.public and not response.has_header("Cache-Control"):
            # What only some may see, or who holds a link, must not wait in a shared computer's cache.
            response["Cache-Control"] = "private, no-store"
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Ask the door's rule before the view runs."""
        match = request.resolver_match
        rule = access.rule_of(view, match.namespaces if match else ())
        if rule is None:
            logger.error("A URL without an access rule was refused: %s", match.route if match else view)
            return refuse(request, NotAllowed())
        if rule.allows(request.user):
            refuse_nul(request)
            return None
        if request.user.is_authenticated:
            return refuse(request, NotAllowed())
        return ask_to_sign_in(request)


def refuse_nul(request: HttpRequest) -> None:
    """Raise BadRequest for a NUL sign in address or form: no keyboard writes it, and the database cannot keep it."""
    values = [request.path]
    for form in (request.GET, request.POST):
        values += [str(value) for _, several in form.lists() for value in several]
    if any("\0" in value for value in values):
        raise BadRequest("A NUL sign was sent.")


def _page_of_the_form(request: HttpRequest) -> str:
    """Return the page of ours from which a form was sent; empty when the browser does not say."""
    came = urlsplit(request.headers.get("Referer", ""))
    if came.netloc != request.get_host():
        return ""
    return f"{came.path}?{came.query}" if came.query else came.path


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a stranger to the login page; tell scripts and fragments 401."""
    if wants_json(request):
        return refuse(request, NotSignedIn())
    address = resolve_url(settings.LOGIN_URL)
    if back := request.get_full_path() if request.method in {"GET", "HEAD"} else _page_of_the_form(request):
        address = f"{address}?{urlencode({'next': back})}"
    if wants_fragment(request):
        response = refuse(request, NotSignedIn())
        response["HX-Redirect"] = address
        return response
    response = HttpResponseRedirect(address)
    patch_vary_headers(response, ("Cookie",))
    return response


class LightPublicPagesMiddleware(GZipMiddleware):
    """Compress the pages that are open to everybody.

    The length of a compressed page can betray a secret in it to whoever has words of their own repeated beside it
    (BREACH). These pages hold none but the form's token, which is masked anew in each answer; the length is padded
    at random, too. What only some may see, or who holds a link, leaves here as it is.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress what a public door answers; static files are compressed beforehand and pass no door."""
        match = request.resolver_match
        if match and access.rule_of(match.func, match.namespaces) == access.public:
            return super().process_response(request, response)
        return response
