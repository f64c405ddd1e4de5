"""The residents' doors: home, community, report, echo, opinions. None of them asks for an account."""

from typing import Any

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clockwork.selectors import db_now, deadline
from common import access
from common.addresses import client_address
from common.errors import Conflict, DomainError, Invalid, NotFound, StepNotAllowed
from requests_board import public_selectors as reads
from requests_board import words
from requests_board.actions import public
from requests_board.actions.requests import echo as echo_request
from requests_board.actions.requests import submit_once
from requests_board.forms import FeedbackForm, ReportForm
from requests_board.links import form_key, read_form_key, tracking_url
from requests_board.models import ServiceRequest
from requests_board.workflow import Channel

YEAR = 365 * 24 * 3600


def page(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render a public page; refused input answers 422, and caches tell large type from normal."""
    form = context.get("form")
    if form is not None and form.is_bound and form.errors:
        status = 422
    response = render(request, f"requests_board/public/{name}.html", context, status=status)
    patch_vary_headers(response, ("Cookie",))
    response.setdefault("Cache-Control", "private, no-cache")
    return response


def sender(request: HttpRequest) -> dict[str, str]:
    """Return by what a sender is known; kept of it is only a keyed hash."""
    return {"address": client_address(request), "agent": request.headers.get("User-Agent", "")}


@access.public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Go to the remembered community, or let people find theirs."""
    place = reads.place_by_id(request.COOKIES.get("place", ""))
    if place and place.community and "choose" not in request.GET and "q" not in request.GET:
        return redirect(_home_of(place))
    asked = request.GET.get("q", "").replace("\0", "").strip()[:30]
    found = reads.search(asked) if asked else []
    streets = [] if found else reads.streets()
    only = streets[0][1] if len(streets) == 1 else []
    if len(only) == 1 and not asked and "choose" not in request.GET:
        return redirect(_home_of(only[0]))
    return page(request, "home", {"streets": streets, "asked": asked, "found": found, "remembered": place})


@access.public
@require_safe
def community(request: HttpRequest, code: str) -> HttpResponse:
    """Show a community's home: two things to do, what was done here lately, this month in numbers."""
    area = reads.community_by_code(code)
    if area is None:
        raise NotFound
    place, now = reads.place_by_id(request.GET.get("place", "")), db_now()
    if place is None or place.community is None or place.community.pk != area.pk:
        place = reads.Place(area, area)
    context = {
        "place": place,
        "report_url": f"{reverse('requests_board:report')}?{urlencode({'place': place.key})}",
        "done": reads.recently_done(place, now),
        "month": reads.month(area, now),
        "as_of": words.when(now, now),
        "remembered": request.COOKIES.get("place") == place.key,
    }
    return page(request, "community", context)


@access.public
@require_safe
def buildings(request: HttpRequest, code: str) -> HttpResponse:
    """Let people choose their building."""
    area = reads.community_by_code(code)
    if area is None:
        raise NotFound
    return page(request, "buildings", {"place": reads.Place(area, area), "estates": reads.buildings(area)})


@access.public
@require_safe
def building(request: HttpRequest, code: str) -> HttpResponse:
    """Open the report form for the building whose sticker was scanned; a replaced sticker leads to the list."""
    place, alive = reads.place_by_sticker(code)
    if place is None:
        raise NotFound("没有这张码。请核对一下，或者从首页选您的社区。")
    if alive:
        return _report_page(request, ReportForm(), place, via=code)
    around = place.community
    estates = reads.buildings(around) if around else []
    return page(request, "buildings", {"place": place, "estates": estates, "dead": True}, status=410)


@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """Show the report form, or take in what was sent."""
    given = request.POST if request.method == "POST" else request.GET
    place = reads.place_by_id(given.get("place", ""))
    if place is None:
        return redirect(f"{reverse('requests_board:home')}?choose=1")
    via = given.get("via", "")
    if request.method != "POST":
        return _report_page(request, ReportForm(), place, via=via if _scanned(via, place) else "")
    form = ReportForm(request.POST, request.FILES)
    if form.is_valid():
        public.count_sender("report", **sender(request))
        if sent := _submit(form, place, via):
            return redirect(f"{tracking_url(sent)}?new=1")
    return _report_page(request, form, place, via=via)


def _submit(form: ReportForm, place: reads.Place, via: str) -> ServiceRequest | None:
    """Send the form on; what the business refuses becomes an error beside the field."""
    data = form.cleaned_data
    try:
        return submit_once(
            read_form_key(form.data.get("once", "")),
            area=place.area,
            text=data["text"],
            channel=Channel.QR if _scanned(via, place) else Channel.WEB,
            photos=[data["photo"]] if data["photo"] else [],
            phone=data["phone"],
            category=data["category"],
            place_detail=data["place_detail"],
        )
    except Invalid as error:
        add_refusal(form, error)
        return None


def _scanned(via: str, place: reads.Place) -> bool:
    """Tell whether `via` is the sticker that stands on this place now."""
    sticker, alive = reads.place_by_sticker(via) if via else (None, False)
    return alive and sticker is not None and sticker.area.pk == place.area.pk


def add_refusal(form: Any, error: DomainError) -> None:
    """Put the business's refusal beside the field that it names."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


def _report_page(request: HttpRequest, form: ReportForm, place: reads.Place, *, via: str = "") -> HttpResponse:
    now = db_now()
    form.fields["text"].widget.attrs["data-draft"] = f"report-{place.key}"
    context = {
        "form": form,
        "place": place,
        "via": via,
        "once": form_key(form.data.get("once", "")),
        "answered_by": words.when(deadline("request.accept", now), now),
        "kinds": list(reads.quick_categories()),
        "similar": reads.similar(place, now),
        "echoed": _echoed(request),
    }
    return page(request, "report", context)


def _echoed(request: HttpRequest) -> str:
    """Return what became of a tap on 我也遇到了; only our own redirect can say it."""
    try:
        return _NOTES.get(Signer(salt="echo").unsign(request.GET.get("noted", "")), "")
    except BadSignature:
        return ""


_NOTES = {
    "ok": "记下了。这件事办好了，这里就能看到。",
    "again": "您已经点过“我也遇到了”，我们都记着。",
    "over": "这件事已经有结果了。还有问题请在下面写一句。",
}


@access.public
@require_POST
def echo(request: HttpRequest) -> HttpResponse:
    """Note that a neighbour met the same thing; only what the form of that building shows can be tapped."""
    place = reads.place_by_id(request.POST.get("place", ""))
    shown = reads.similar(place, db_now()) if place else []
    matter = next((row for row in shown if str(row.pk) == request.POST.get("matter", "")), None)
    if place is None or matter is None:
        raise NotFound
    public.count_sender("echo", **sender(request))
    try:
        echo_request(ServiceRequest.objects.get(pk=matter.pk), sender_key=public.sender_key(**sender(request)))
        note = "ok"
    except Conflict:
        note = "again"
    except StepNotAllowed:
        note = "over"
    query = {"place": place.key, "noted": Signer(salt="echo").sign(note)}
    if via := request.POST.get("via", ""):
        query["via"] = via
    return redirect(f"{reverse('requests_board:report')}?{urlencode(query)}")


@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request: HttpRequest) -> HttpResponse:
    """Take in an opinion about this site itself."""
    if request.method != "POST":
        form = FeedbackForm(initial={"page": request.GET.get("page", "")[:200]})
        return page(request, "feedback", {"form": form, "sent": "sent" in request.GET})
    form = FeedbackForm(request.POST)
    if form.is_valid():
        public.count_sender("feedback", **sender(request))
        public.leave_feedback(text=form.cleaned_data["text"], page=form.cleaned_data["page"])
        return redirect(f"{reverse('requests_board:feedback')}?sent=1")
    return page(request, "feedback", {"form": form})


@access.public
@require_safe
def size(request: HttpRequest) -> HttpResponse:
    """Switch the large type on or off and go back; it is one cookie and nothing else."""
    response = _back(request, request.GET.get("next", ""))
    response.set_cookie(
        "big", "1" if request.GET.get("to") == "big" else "0", max_age=YEAR, samesite="Lax", secure=request.is_secure()
    )
    return response


@access.public
@require_POST
def remember(request: HttpRequest) -> HttpResponse:
    """Open this place next time, or no longer; only by the person's own choice."""
    place = reads.place_by_id(request.POST.get("place", ""))
    if place is None:
        raise NotFound
    response = redirect(_home_of(place))
    if request.POST.get("keep") == "1":
        response.set_cookie("place", place.key, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=True)
    else:
        response.delete_cookie("place", samesite="Lax")
    return response


def _back(request: HttpRequest, address: str) -> HttpResponseRedirect:
    own = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(address if own else reverse("requests_board:home"))


def _home_of(place: reads.Place) -> str:
    if place.community is None:
        return reverse("requests_board:home")
    address = reverse("requests_board:community", args=[place.door])
    return address if place.area.pk == place.community.pk else f"{address}?place={place.area.pk}"
