"""What a resident sees and may do with the link of their own request."""

from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clockwork.selectors import db_now
from common import access
from common.crypto import blind_index_last4
from common.errors import Invalid, NotFound, StepNotAllowed
from requests_board import public_selectors as reads
from requests_board import timeline, words
from requests_board.actions import public
from requests_board.actions.requests import confirm_ok, dissatisfied, resident, withdraw
from requests_board.actions.supplements import supply_more
from requests_board.forms import LookupForm, SupplyForm
from requests_board.links import tracking_holds, tracking_mac, tracking_url
from requests_board.models import RequestPhoto, ServiceRequest
from requests_board.views.public import add_refusal, page, sender
from requests_board.workflow import REQUEST_OPEN, WITHDRAW, RequestStatus

_NOT_FOUND = "没有找到。编号和当时留的手机号要对得上；没留手机号的，请打开当时的链接，或者打社区电话问。"


def _held(number: str, mac: str) -> ServiceRequest:
    """Return the request of a link; a wrong link answers like one that never was."""
    rows = ServiceRequest.objects.select_related(f"area__{reads.AROUND}", "category", "handler_partner")
    row = rows.filter(number=number).first()
    if row is None or not tracking_holds(row, mac):
        raise NotFound("没有找到这一条。请看看链接是不是完整，或者用编号查。")
    return row


def _track_page(request: HttpRequest, row: ServiceRequest, form: SupplyForm | None = None) -> HttpResponse:
    place, now = reads.place_of(row.area), db_now()
    address = tracking_url(row)
    context = {
        "row": row,
        "mac": tracking_mac(row),
        "place": place,
        "state": words.state(row),
        "steps": timeline.moments(row, now),
        "answered_by": words.when(row.due_at, now) if row.due_at and row.due_at > now else "",
        "address": request.build_absolute_uri(address),
        "photos": list(row.photos.order_by("created_at")),
        "form": form or SupplyForm(),
        "has_phone": bool(row.phone_last4_index),
        "open": row.status in REQUEST_OPEN,
        "asks": row.status == RequestStatus.RESOLVED,
        "can_withdraw": row.status in WITHDRAW.sources,
        "over": row.status not in REQUEST_OPEN,
    }
    fresh = "new" in request.GET and row.status == RequestStatus.SUBMITTED and form is None
    response = page(request, "received" if fresh else "track", context)
    response["Cache-Control"] = "private, no-store"
    return response


@access.by_link
@require_safe
def track(request: HttpRequest, number: str, mac: str) -> HttpResponse:
    """Show how far a request has come; right after sending, its number first of all."""
    return _track_page(request, _held(number, mac))


@access.by_link
@require_POST
def answer(request: HttpRequest, number: str, mac: str) -> HttpResponse:
    """Take the resident's word: done, not done, or no longer needed."""
    row = _held(number, mac)
    public.count_sender("track", **sender(request))
    reason = request.POST.get("reason", "")
    match request.POST.get("say"):
        case "ok":
            confirm_ok(row, actor=resident(row))
        case "again":
            dissatisfied(row, actor=resident(row), reason=reason)
        case "withdraw":
            withdraw(row, actor=resident(row), reason=reason)
        case _:
            raise Invalid("请在页面上点一个按钮。")
    return redirect(tracking_url(row))


@access.by_link
@require_POST
def supply(request: HttpRequest, number: str, mac: str) -> HttpResponse:
    """Add words, a photo or a phone number."""
    row = _held(number, mac)
    form = SupplyForm(request.POST, request.FILES)
    if form.is_valid():
        public.count_sender("track", **sender(request))
        data = form.cleaned_data
        try:
            supply_more(row, actor=resident(row), text=data["more"], photo=data["photo"], phone=data["phone"])
        except (Invalid, StepNotAllowed) as error:
            add_refusal(form, error)
        else:
            return redirect(tracking_url(row))
    return _track_page(request, row, form)


@access.by_link
@require_safe
def photo(request: HttpRequest, number: str, mac: str, pk: UUID) -> FileResponse:
    """Give a photo to whoever holds the link of its request."""
    row = RequestPhoto.objects.filter(pk=pk, request=_held(number, mac)).first()
    if row is None:
        raise NotFound
    return picture(row)


def picture(row: RequestPhoto) -> FileResponse:
    """Send a photo as nothing but a picture, to be kept by nobody on the way."""
    response = FileResponse(row.file.open("rb"), content_type="image/jpeg")
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def lookup(request: HttpRequest) -> HttpResponse:
    """Find a request by its number and the last four digits of the phone; every miss gets the same answer."""
    if request.method != "POST":
        return page(request, "lookup", {"form": LookupForm()})
    form = LookupForm(request.POST)
    if form.is_valid():
        public.count_sender("lookup", **sender(request))
        public.count_lookup(form.cleaned_data["number"])
        digest = blind_index_last4(form.cleaned_data["last4"])
        row = ServiceRequest.objects.filter(number=form.cleaned_data["number"], phone_last4_index=digest).first()
        if row is not None:
            return redirect(tracking_url(row))
        form.add_error("number", _NOT_FOUND)
    return page(request, "lookup", {"form": form})
