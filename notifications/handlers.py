"""What people are told of what happened on the request board. Handlers only write rows."""

from datetime import timedelta
from typing import Any

from django.urls import reverse

from audit.jobs import enqueue
from audit.models import Event
from audit.registry import subscribe
from notifications import selectors, words
from notifications.actions import ASSIGNED_JOB, tell, tell_of_assignment
from requests_board import links
from requests_board.models import Allocation, DispatchPolicy, ResourceRequest, ServiceRequest
from requests_board.workflow import AllocationStatus, Severity


def _allocation(event: Event) -> Allocation | None:
    rows = Allocation.objects.select_related(
        "resource_request__type",
        "resource_request__requested_by",
        "resource",
        "slot",
        "partner",
        "area",
        "decline_reason",
    )
    return rows.filter(pk=event.target_id).first()


def _asker(need: ResourceRequest) -> list[Any]:
    """Return who asked for the resource; where nobody is known any more, whoever looks after the place."""
    person = need.requested_by
    if person is not None and person.is_active:
        return [person]
    return selectors.people_at(need.scope_path, "evaluate_allocation")


def _need_page(need: ResourceRequest) -> str:
    return reverse("requests_board:desk") + f"?f=needs&open={need.number}"


def _others(people: list[Any], event: Event) -> list[Any]:
    """Leave out whoever did it: nobody needs to be told what they did."""
    return [person for person in people if person.pk != event.actor_id]


@subscribe("allocation.held")
def ask_the_partner(event: Event) -> None:
    """Ask the department's people, by mail with the link that needs no account; not when the asking is over already."""
    row = _allocation(event)
    if row is None or row.status != AllocationStatus.HELD:
        return
    tell(
        selectors.people_of_partner(row.partner_id),
        title=f"请答复：{words.matter(row)}",
        body="{area}，{when}。请在 {due} 前答复，一点就行。".format(
            **words.parts(row), due=words.moment(row.answer_due_at)
        ),
        url=reverse("requests_board:liaison") + f"#a-{row.pk}",
        mail_url=links.answer_url(row),
        urgent=row.resource_request.urgency == Severity.URGENT,
        event_id=event.pk,
    )


TO_COMMUNITY = {
    "allocation.countered": ("对方想改期：{matter}", "{partner}建议改到 {when}，请定一下。"),
    "allocation.confirmed": ("已落实：{matter}", "{partner}答应了，{when} 到。"),
    "allocation.declined": ("对方来不了：{matter}", "{partner}说：{reason}。正在找下一家。"),
    "allocation.expired": ("对方没有答复：{matter}", "{partner}过了期限没有答复，正在找下一家。"),
    "allocation.delivered": ("请评价：{matter}", "{partner}已经来过了，说一句好不好就行。"),
    "allocation.cancelled": ("对方取消了：{matter}", "{partner}取消了 {when} 的安排，正在找下一家。"),
}


@subscribe(*TO_COMMUNITY)
def tell_the_community(event: Event) -> None:
    """Tell whoever asked what the department answered."""
    row = _allocation(event)
    if row is None:
        return
    title, body = TO_COMMUNITY[event.verb]
    parts = words.parts(row)
    tell(
        _others(_asker(row.resource_request), event),
        title=title.format(**parts),
        body=body.format(**parts),
        url=_need_page(row.resource_request),
        urgent=row.resource_request.urgency == Severity.URGENT,
        event_id=event.pk,
    )


TO_PARTNER = {
    "allocation.counter_accepted": ("改期说定了：{matter}", "{area}同意 {when}。"),
    "allocation.counter_rejected": ("改期没有谈成：{matter}", "{area}说那个时间不行，这次就不麻烦了。"),
    "allocation.ask_withdrawn": ("不用来了：{matter}", "{area}撤回了这次需求，时段已经还给您。"),
    "allocation.cancelled": ("取消了：{matter}", "{when} {area}的安排取消了，时段已经还给您。"),
    "allocation.no_show": ("没有等到：{matter}", "{area}记下 {when} 没有人来。有特殊情况请联系社区说明。"),
}


@subscribe(*TO_PARTNER)
def tell_the_partner(event: Event) -> None:
    """Tell the department's people what the community decided."""
    row = _allocation(event)
    if row is None or row.held_at is None:
        return
    title, body = TO_PARTNER[event.verb]
    parts = words.parts(row)
    tell(
        _others(selectors.people_of_partner(row.partner_id), event),
        title=title.format(**parts),
        body=body.format(**parts),
        url=reverse("requests_board:liaison"),
        event_id=event.pk,
    )


@subscribe("resource_request.raised")
def tell_the_district(event: Event) -> None:
    """Tell the district's desk that the pool could not serve a need by itself."""
    need = ResourceRequest.objects.select_related("type", "area").filter(pk=event.target_id).first()
    if need is None:
        return
    tell(
        selectors.people_at(need.scope_path, "settle_at_district"),
        title=f"请协调：{need.type} {need.quantity} 份",
        body=f"{need.area}，{words.moment(need.window_start)} 以后要用，问过 {need.refusals} 家没有落实。",
        url=reverse("dashboards:needs"),
        urgent=need.urgency == Severity.URGENT,
        event_id=event.pk,
    )


FROM_DISTRICT = {
    "resource_request.raised": ("转到区里协调：{matter}", "{area}要的资源库里没有落实，区里正在想办法。"),
    "resource_request.given_up": ("区里也没有办法：{matter}", "{area}要的这次满足不了。原因写在里面，请看一看。"),
}


@subscribe(*FROM_DISTRICT)
def tell_who_asked(event: Event) -> None:
    """Tell whoever asked that the need went to the district, and where that came to nothing."""
    need = ResourceRequest.objects.select_related("type", "area", "requested_by").filter(pk=event.target_id).first()
    if need is None:
        return
    title, body = FROM_DISTRICT[event.verb]
    parts = {"matter": f"{need.type} {need.quantity} 份", "area": str(need.area)}
    tell(
        _others(_asker(need), event),
        title=title.format(**parts),
        body=body.format(**parts),
        url=_need_page(need),
        urgent=need.urgency == Severity.URGENT,
        event_id=event.pk,
    )


@subscribe("request.assigned")
def tell_the_handler_later(event: Event) -> None:
    """Tell the partner once the seconds for undoing have passed; at once when it is urgent."""
    request = ServiceRequest.objects.filter(pk=event.target_id, handler_partner__isnull=False).first()
    if request is None:
        return
    payload = {"event": event.pk, "version": event.data.get("version", request.version)}
    if request.severity == Severity.URGENT:
        tell_of_assignment(**payload)
        return
    seconds = DispatchPolicy.current().undo_seconds
    enqueue(ASSIGNED_JOB, f"assigned:{event.pk}", payload, delay=timedelta(seconds=seconds))


BACK_TO_COMMUNITY = {
    "request.returned": ("退回来一件：{number}", "{area}。请看退回的理由，改派一下。"),
    "request.reopened": ("居民说没办好：{number}", "{area}。请再看一看，重新安排。"),
    "request.withdrawn": ("居民撤回一件：{number}", "{area}。要是已经替这件事约了资源，请看看还要不要。"),
    "request.resolved": ("办完一件：{number}", "{area}。居民打开链接能看到结果，有空回访一下。"),
}


@subscribe(*BACK_TO_COMMUNITY)
def tell_the_place(event: Event) -> None:
    """Tell the community's people what came back to them."""
    request = ServiceRequest.objects.select_related("area").filter(pk=event.target_id).first()
    if request is None:
        return
    title, body = BACK_TO_COMMUNITY[event.verb]
    parts = {"number": request.number, "area": str(request.area)}
    tell(
        _others(selectors.people_at(request.scope_path, "handle_request"), event),
        title=title.format(**parts),
        body=body.format(**parts),
        url=reverse("requests_board:desk") + f"?open={request.number}",
        event_id=event.pk,
    )
