"""Entries and filters that several resources share."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from api.declare import Part
from api.fields import Choice, Form, Moment, Whole, Words
from api.shapes import shape
from audit.models import Event
from grids.models import Area
from partners.models import Partner, Resource, ResourceSlot, ResourceType
from requests_board.models import DeclineReason, NotAcceptedReason, RequestCategory

Ask = Callable[[Any], Q]


def equal(column: str) -> Ask:
    """Ask for rows with this value."""
    return lambda value: Q(**{column: value})


def since(column: str) -> Ask:
    """Ask for rows from this moment on."""
    return lambda value: Q(**{f"{column}__gte": value})


def before(column: str) -> Ask:
    """Ask for rows before this moment."""
    return lambda value: Q(**{f"{column}__lt": value})


def at(column: str = "scope_path") -> Ask:
    """Ask for rows at a place and below it; a place that is not there has none."""
    return lambda pk: Q(**{f"{column}__contains": f"/{pk}/"})


class Placed(Form):
    """The filters of whatever belongs to a place and has come in at some time."""

    area = Whole(required=False, help_text="区域编号：这个区域和它下面的。")
    created_from = Moment(required=False, help_text="从这一刻起。")
    created_before = Moment(required=False, help_text="到这一刻之前。")


PLACED = {"area": at(), "created_from": since("created_at"), "created_before": before("created_at")}


def status(choices: Any, words: str = "状态") -> Choice:
    """Return the filter by state."""
    return Choice(choices=choices, required=False, help_text=words)


EventRow = shape(
    "EventRow", Event, "id", "at", "verb", "before", "after", "reason", "actor_label", "on_behalf_of",
)  # fmt: skip


def trail(rights: tuple[str, ...]) -> Part:
    """Return the list of what happened to a row."""
    return Part("trail", "经过", _events, EventRow, ("id",), rights, "谁在什么时候做了什么，先发生的在前。")


def _events(row: Any) -> QuerySet[Event]:
    return Event.objects.filter(target_type=row._meta.label_lower, target_id=str(row.pk))


# Rows that may be named in a body ------------------------------------------------------------------------------------


def active_types(user: Any) -> QuerySet[ResourceType]:
    """Return the types that can be asked for."""
    return ResourceType.objects.filter(active=True)


def active_categories(user: Any) -> QuerySet[RequestCategory]:
    """Return the kinds that a request can be given."""
    return RequestCategory.objects.filter(active=True)


def decline_reasons(user: Any) -> QuerySet[DeclineReason]:
    """Return the reasons for which a department may say no."""
    return DeclineReason.objects.filter(active=True)


def not_accepted_reasons(user: Any) -> QuerySet[NotAcceptedReason]:
    """Return the reasons for not taking a request on."""
    return NotAcceptedReason.objects.filter(active=True)


def open_resources(user: Any) -> QuerySet[Resource]:
    """Return what may be asked for, wherever it is kept."""
    return Resource.objects.open()


def slots(user: Any) -> QuerySet[ResourceSlot]:
    """Return every slot; the actions refuse those of another resource."""
    return ResourceSlot.objects.all()


def active_partners(user: Any) -> QuerySet[Partner]:
    """Return the partners that work with the district now."""
    return Partner.objects.active()


def valid_areas(user: Any) -> QuerySet[Area]:
    """Return the places that are not retired; the actions ask whether the person may act there."""
    return Area.objects.valid()


class Reason(Form):
    """A reason in words, which may be left out."""

    reason = Words(most=200, required=False, help_text="理由，写进经过里。")
    example = {"reason": "居民说不用了"}


class Because(Form):
    """A reason in words."""

    reason = Words(most=200, help_text="理由，对方要看的。")
    example = {"reason": "这一片归别的街道管"}
