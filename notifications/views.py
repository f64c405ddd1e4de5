"""The inbox: what a person was told, newest first."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from common import access
from common.typed import whole
from notifications import actions, selectors


@access.signed_in
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show one page of the person's notices."""
    rows = list(selectors.inbox(request.user, before=whole(request.GET.get("before", ""))))
    notices, more = rows[: selectors.PAGE], len(rows) > selectors.PAGE
    context = {"notices": notices, "next_before": notices[-1].pk if more else None, "door": "inbox"}
    return render(request, "notifications/inbox.html", context)


@access.signed_in
@require_POST
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the notice was opened and go to where it can be acted on."""
    notice = actions.read(pk, actor=request.user)
    inside = url_has_allowed_host_and_scheme(notice.url, allowed_hosts=None) and notice.url.startswith("/")
    return redirect(notice.url if inside else "notifications:inbox")


@access.signed_in
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Note that everything on the page was seen."""
    actions.read_all(actor=request.user, up_to=whole(request.POST.get("up_to", "")) or 0)
    return redirect("notifications:inbox")


@access.signed_in
@require_POST
def mail_address(request: HttpRequest) -> HttpResponse:
    """Let the person say where notices go by mail as well."""
    actions.set_mail_address(request.POST.get("address", ""), actor=request.user)
    return redirect("accounts:me" if request.POST.get("from") == "me" else "notifications:inbox")
