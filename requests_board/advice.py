"""Whom the desk suggests for a request, with the evidence: the firm of the estate, and a resource of the pool."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Avg, Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone

from clockwork.selectors import db_now
from grids.models import Area
from partners.models import Partner, PropertyService, ResourceType, in_force
from partners.workflow import Standing
from requests_board.matching import Candidate, Refusal, compare
from requests_board.models import ResourceRequest, ServiceRequest
from requests_board.selectors import preview, weights_of

LOOK_BACK = timedelta(days=365)
WINDOW_DAYS = 14
OTHERS = 8


@dataclass(frozen=True, slots=True)
class Handler:
    """A partner that could handle a request, with the evidence."""

    partner: Partner
    evidence: str


@dataclass(frozen=True, slots=True)
class Offer:
    """The pool's suggestion for a request: the type read out of it, the best candidate, and why not the others."""

    type: ResourceType
    start: datetime
    end: datetime
    best: Candidate | None
    others: list[tuple[Candidate, str]]
    refused: list[Refusal]

    @property
    def passed_over(self) -> int:
        """Return how many others there are with a reason against them."""
        return len(self.others) + len(self.refused)


def handlers(request: ServiceRequest) -> list[Handler]:
    """Return who could handle the request, the likeliest first: the estate's firm, then who did the kind before."""
    ids = _path_ids(request)
    record = _record(request)
    serving = (
        PropertyService.objects.filter(in_force(), area_id__in=ids, partner__status=Standing.ACTIVE)
        .select_related("partner", "area")
        .order_by("-area__level")
    )
    found = {
        s.partner_id: Handler(s.partner, _evidence(record, s.partner_id, f"服务{s.area}的物业企业")) for s in serving
    }
    for partner in _named_by_category(request):
        found.setdefault(partner.pk, Handler(partner, _evidence(record, partner.pk, "这类事的默认承办单位")))
    missing = [pk for pk in record if pk and pk not in found][:OTHERS]
    for partner in Partner.objects.active().filter(pk__in=missing):
        found[partner.pk] = Handler(partner, _evidence(record, partner.pk, "本街镇办过同类事"))
    return _property_first(request, list(found.values()))


def _property_first(request: ServiceRequest, found: list[Handler]) -> list[Handler]:
    """Put departments first where the category's own list of handlers does not begin with the property firm."""
    listed = (request.category.default_handlers if request.category else "") or "物业"
    if listed.startswith("物业"):
        return found
    return sorted(found, key=lambda handler: not (handler.partner.name and handler.partner.name in listed))


def _path_ids(request: ServiceRequest) -> list[int]:
    return [int(part) for part in request.scope_path.split("/") if part]


def _named_by_category(request: ServiceRequest) -> Iterable[Partner]:
    names = (request.category.default_handlers if request.category else "").split("+")
    wanted = [name.strip() for name in names if name.strip() not in {"", "物业", "街道", "社区"}]
    return Partner.objects.active().filter(name__in=wanted) if wanted else ()


def _record(request: ServiceRequest) -> dict[Any, Any]:
    """Count who resolved the same kind of request in the same street within a year, and how fast."""
    street = "/" + "/".join(request.scope_path.strip("/").split("/")[:2]) + "/"
    same = Q(category_id=request.category_id) if request.category_id else Q(area_id=request.area_id)
    done = ServiceRequest.objects.filter(
        same, scope_path__startswith=street, resolved_at__gte=Now() - LOOK_BACK, handler_partner__isnull=False
    )
    groups = (
        done.values("handler_partner_id")
        .annotate(n=Count("pk"), took=Avg(F("resolved_at") - F("created_at")))
        .order_by("-n")[:20]
    )
    return {group["handler_partner_id"]: group for group in groups}


def _evidence(record: dict[Any, dict[str, Any]], partner_id: Any, why: str) -> str:
    total = sum(group["n"] for group in record.values())
    mine = record.get(partner_id)
    if mine is None:
        return f"{why}；一年内本街镇同类还没有由它办过。" if total else f"{why}。"
    days = mine["took"].total_seconds() / 86400
    return f"{why}；一年内本街镇同类 {total} 件里 {mine['n']} 件由它办，平均 {days:.1f} 天。"


# Resources ----------------------------------------------------------------------------------------------------------


def offer_for(request: ServiceRequest) -> Offer | None:
    """Return the pool's suggestion when the request's own words or its kind's past name a type of resource."""
    type = suggested_type(request)
    if type is None:
        return None
    start, end = usual_window()
    return ask(area=request.area, type=type, quantity=1, start=start, end=end)


def ask(*, area: Area, type: ResourceType, quantity: int, start: datetime, end: datetime) -> Offer:
    """Judge the pool for a need that is not written down yet, with the reason for each one that is not chosen."""
    verdict = preview(area=area, type=type, quantity=quantity, start=start, end=end)
    weights = weights_of(verdict.policy)
    best = verdict.best
    others = [(c, compare(best, c, weights)) for c in verdict.candidates[1:OTHERS]] if best else []
    return Offer(type, start, end, best, others, verdict.refusals[:OTHERS])


def usual_window() -> tuple[datetime, datetime]:
    """Return the span that is offered first: from tomorrow on for two weeks, in whole days of the district's time."""
    today = timezone.localtime(db_now()).date()
    midnight = timezone.make_aware(datetime.combine(today + timedelta(days=1), time()))
    return midnight, midnight + timedelta(days=WINDOW_DAYS)


def first_day(start: datetime) -> date:
    """Return the day on which a span begins in the district's time."""
    return timezone.localtime(start).date()


def last_day(end: datetime) -> date:
    """Return the last day of a span that ends at a midnight."""
    return timezone.localtime(end - timedelta(seconds=1)).date()


def suggested_type(request: ServiceRequest) -> ResourceType | None:
    """Read the type out of the request: what its kind was given before counts most, then the words of the text."""
    types = list(ResourceType.objects.filter(active=True, parent__isnull=False))
    given: dict[int, int] = {}
    if request.category_id:
        given = dict(
            ResourceRequest.objects.filter(service_request__category_id=request.category_id)
            .values_list("type_id")
            .annotate(n=Count("pk"))
            .order_by("-n")[:5]
        )
    scored = [(2 * _overlap(type.name, request.text) + min(given.get(type.pk, 0), 3), type) for type in types]
    score, best = max(scored, key=lambda pair: pair[0], default=(0, None))
    return best if score >= 2 else None


def _overlap(name: str, text: str) -> int:
    """Count the two-sign pieces of the type's name that the text holds."""
    return sum(name[i : i + 2] in text for i in range(len(name) - 1))
