"""Many rows of everything, each with related rows of its own, so that a page that asks once per row is found out."""

from __future__ import annotations

from datetime import date, timedelta

from accounts.actions import issue_token
from accounts.models import RateLimit, TokenPolicy, User
from audit.actions import beat, record
from audit.jobs import enqueue
from audit.models import ImportRun, PersonalDataRead
from clockwork.selectors import db_now
from dashboards.facts import FACTS
from dashboards.models import FactForm, MetricDefinition
from grids import trees
from grids.actions import grants, groups
from grids.models import Area, Post
from grids.trees import NewArea
from notifications.models import Notice
from partners.models import (
    DepartmentProfile,
    Membership,
    Pairing,
    Partner,
    PropertyService,
    Resource,
    ResourceBlackout,
    ResourceServedArea,
    ResourceSlot,
    ResourceType,
)
from partners.workflow import Category, MemberRole
from requests_board import models as board
from requests_board.workflow import HOLDS_CAPACITY, AllocationStatus, NeedStatus, RequestStatus
from tests.access.world import World
from volunteering.models import ServiceType, VolunteerTeam

LONG_AGO = date(2020, 1, 1)
CATEGORIES = tuple(Category)


def add(world: World, first: int, last: int) -> None:
    """Add the rows numbered `first` to `last` - 1 of every kind; no two of them share what they point at."""
    for i in range(first, last):
        building = _places(world, i)
        partner = _partner(world, i, building)
        resource = _resource(world, i, partner, building)
        asked = _requests(world, i, building, partner)
        _needs(world, i, building, resource, asked)
        _people(world, i, building)
        _set_up(world, i, building, partner)
        _about_one(world, i)
        board.DispatchRun.objects.create(key=f"run {i}", area=world.town.district)


def _places(world: World, i: int) -> Area:
    """Add a street beside the others, a community beside the worker's own, and a building with its estate in that."""
    district, street, community = world.town.district, world.town.street, world.town.community
    made = trees.load_areas(
        [
            NewArea(f"s{i}", district, "street", f"第{i}街道"),
            NewArea(f"sc{i}", f"s{i}", "community", f"街道社区{i}", code=f"88{i:010}", households=100),
            NewArea(f"c{i}", street, "community", f"第{i}社区", code=f"99{i:010}", households=100),
            NewArea(f"e{i}", community, "estate", f"第{i}小区"),
            NewArea(f"g{i}", f"e{i}", "grid", f"网格{i}"),
            NewArea(f"b{i}", f"g{i}", "building", f"{i}号楼"),
        ]
    )
    trees.create_party_organization(
        parent=world.town.general_branch, level="branch", name=f"第{i}支部", area=made[f"e{i}"], covers=[made[f"e{i}"]]
    )
    return made[f"b{i}"]


def _partner(world: World, i: int, building: Area) -> Partner:
    """Add a partner for which the liaison acts too, paired and serving like any other."""
    partner = Partner.objects.create(
        area=building, category=CATEGORIES[i % len(CATEGORIES)], name=f"第{i}合伙人", code=f"Q{i:04}",
        party_organization=building.party_organizations.first(),
    )  # fmt: skip
    DepartmentProfile.objects.create(partner=partner, group="government")
    for user in (world.users["department_liaison"], User.objects.create_user(f"crowd{i}", display_name=f"第{i}人")):
        Membership.objects.create(
            user=user, partner=partner, role=MemberRole.DEPARTMENT_LIAISON, valid_from=LONG_AGO
        )
    Pairing.objects.create(department=partner, community=world.town.community, valid_from=LONG_AGO)
    PropertyService.objects.create(partner=partner, area=building.parent.parent, valid_from=LONG_AGO)
    return partner


def _resource(world: World, i: int, partner: Partner, building: Area) -> Resource:
    field = ResourceType.objects.create(code=f"7{i:03}", name=f"门类{i}")
    own = ResourceType.objects.create(code=f"7{i:03}01", name=f"物资{i}", parent=field)
    made = []
    # One of the type that the world's needs ask for, one of a type of its own.
    for type in (world.pool.type, own):
        resource = Resource.objects.create(
            partner=partner, type=type, name=f"{type}·{i}", area=building, unit_kind="person_session",
            unit_label="场", whole_district=False,
        )  # fmt: skip
        ResourceServedArea.objects.create(resource=resource, area=world.town.street)
        ResourceServedArea.objects.create(resource=resource, area=building)
        ResourceBlackout.objects.create(resource=resource, first_day=LONG_AGO, last_day=LONG_AGO)
        start = db_now() + timedelta(days=1)
        ResourceSlot.objects.bulk_create(
            ResourceSlot(
                resource=resource, starts_at=start + timedelta(hours=n), ends_at=start + timedelta(hours=n + 1),
                capacity=99, used=50,
            )
            for n in range(3)
        )  # fmt: skip
        made.append(resource)
    return made[1]


def _requests(world: World, i: int, building: Area, partner: Partner) -> list[board.ServiceRequest]:
    """Add a request in each state, of a kind, place, handler and clerk of its own, and one in the world's building."""
    kind = board.RequestCategory.objects.create(
        code=f"9{i:05}", l1="物业", l2=f"类{i}", name=f"事{i}", limit_amount=5, limit_unit="working_day", quick=i + 1
    )
    clerk = User.objects.get(username=f"crowd{i}")
    reason = board.NotAcceptedReason.objects.create(code=f"r{i}", label=f"原因{i}", referral="请打 122。")
    now = db_now()
    made = []
    for n, status in enumerate((*RequestStatus, RequestStatus.SUBMITTED)):
        home = world.town.building if n == len(RequestStatus) else building
        made.append(
            board.ServiceRequest(
                number=f"Q{i:03}-{n:05}", area=home, text=f"{home}的事{i}", channel="web", category=kind,
                phone="19900001234", status=status, handler_user=clerk, recorded_by=clerk, rating="good",
                handler_partner=None if status == RequestStatus.SUBMITTED else partner, not_accepted_reason=reason,
                due_at=now - timedelta(hours=1), resolve_due_at=now + timedelta(days=1),
                accepted_at=now, resolved_at=now, closed_at=now if status == RequestStatus.CLOSED else None,
                created_at=now - timedelta(days=2),
            )
        )  # fmt: skip
    board.ServiceRequest.objects.bulk_create(made)
    for row in made:
        board.RequestEcho.objects.create(request=row, sender_key=f"s{i}")
    return made


def _needs(
    world: World, i: int, building: Area, resource: Resource, asked: list[board.ServiceRequest]
) -> None:
    """Add a need in each state, and an allocation in each state: one for each of them, and some for needs elsewhere.

    Few of them lie where the worker looks, so that the first page is not full before there are many.
    """
    now = db_now()
    source = next(row for row in asked if row.status == RequestStatus.IN_PROGRESS)
    clerk = User.objects.get(username=f"crowd{i}")
    elsewhere = len(AllocationStatus) - len(NeedStatus)
    states = [*NeedStatus, *[NeedStatus.MATCHING] * elsewhere]
    needs = [
        board.ResourceRequest(
            number=f"ZQ{i:03}-{n:05}", area=building if n < len(NeedStatus) else world.town.far_building,
            type=resource.type, status=status, requested_by=clerk, service_request=source,
            dispatch_after=now, window_start=now, window_end=now + timedelta(days=9), fulfilled_at=now,
            closed_at=now,
        )
        for n, status in enumerate(states)
    ]  # fmt: skip
    board.ResourceRequest.objects.bulk_create(needs)
    reason = board.DeclineReason.objects.create(code=f"d{i}", label=f"来不了{i}")
    slots = list(resource.slots.all())
    board.Allocation.objects.bulk_create(
        board.Allocation(
            area=need.area, resource_request=need, resource=resource, partner=resource.partner, quantity=1,
            slot=slots[n % 2], previous_slot=slots[2], status=status, held_at=now, answered_at=now,
            answer_due_at=now + timedelta(days=1), decline_reason=reason, delivered_at=now, asks=1,
        )
        for n, (need, status) in enumerate(zip(needs, AllocationStatus, strict=True))
    )  # fmt: skip
    assert len(HOLDS_CAPACITY) < slots[0].used


def _people(world: World, i: int, building: Area) -> None:
    holder = User.objects.get(username=f"crowd{i}")
    Post.objects.create(user=holder, role="building_leader", area=building)
    group = groups.create_group(f"第{i}队")
    group.user_set.add(holder)
    grants.grant(group, "view_request", building)
    grants.grant(holder, "view_request", building)
    in_a_week = db_now() + timedelta(days=7)
    grants.make_exception(holder, "handle_request", building_request(building), until=in_a_week, reason="帮忙")
    for user in world.users.values():
        Notice.objects.create(recipient=user, title=f"给您的第{i}条", url="/inbox/")


def building_request(building: Area) -> board.ServiceRequest:
    """Return a request of the building."""
    return board.ServiceRequest.objects.filter(area=building).order_by("pk").first()


def _set_up(world: World, i: int, building: Area, partner: Partner) -> None:
    """Add what is only seen in the admin."""
    board.DispatchPolicy.objects.create()
    RateLimit.objects.create(code=f"q{i}", name=f"接口{i}", amount=9, seconds=60)
    TokenPolicy.objects.get_or_create(pk=1)
    holder = User.objects.get(username=f"crowd{i}")
    issue_token(user=holder, name=f"系统{i}", permissions=["view_request"], days=1, actor=None)
    board.SystemFeedback.objects.create(text=f"第{i}条意见")
    team = VolunteerTeam.objects.create(area=building, name=f"第{i}队", partner=partner)
    team.service_types.add(ServiceType.objects.create(code=f"q{i}", name=f"服务{i}", group="老人"))
    MetricDefinition.objects.create(code=f"q{i}", name=f"指标{i}", formula="数一数", source="诉求")
    # The first form of all, with a line for each estate; the figures of one place do not grow with the crowd.
    FactForm.objects.create(code=f"q{i}", title=f"第{i}张表", each="estate", items="\n".join(FACTS))
    enqueue("audit.deliver", f"crowd:{i}")
    beat(f"q{i}")
    ImportRun.objects.create(
        owner_id=world.users["community_worker"].pk, registry="x", title="区域", file_name=f"第{i}批.xlsx", digest="x"
    )
    PersonalDataRead.objects.create(
        actor_label=f"第{i}人", subject_type="x", subject_id=str(i), field="phone", purpose="回访"
    )


def _about_one(world: World, i: int) -> None:
    """Let the one request, need and allocation that the tests open have more and more to tell."""
    request, need = world.rows["request"]["building"], world.rows["raised"]["building"]
    record(verb="request.echoed", target=request, reason=f"第{i}次")
    record(verb="resource_request.opened", target=need, reason=f"第{i}次")
    now = db_now()
    resource = Resource.objects.get(name=f"物资{i}·{i}")
    board.RequestPhoto.objects.create(request=request, file=f"q{i}.jpg", width=1, height=1)
    more = board.ResourceRequest.objects.create(
        number=f"ZQ{i:03}-MORE", area=request.area, type=resource.type, status="withdrawn", service_request=request,
        dispatch_after=now, window_start=now, window_end=now + timedelta(days=9),
    )  # fmt: skip
    for row in (need, more):
        allocation = board.Allocation.objects.create(
            area=row.area, resource_request=row, resource=resource, partner=resource.partner, quantity=1,
            slot=resource.slots.first(), status="declined", held_at=now, answered_at=now,
            decline_reason=board.DeclineReason.objects.get(pk=f"d{i}"), reasons={"sentence": f"理由{i}"},
        )  # fmt: skip
        record(verb="allocation.declined", target=allocation, reason=f"第{i}次")
