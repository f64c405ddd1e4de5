"""A small pool for the tests: three departments with a lecture each, their liaisons, and slots on coming days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from clockwork.actions import load_calendar, load_policies
from clockwork.selectors import db_now
from partners.models import (
    DepartmentProfile,
    Membership,
    Pairing,
    Partner,
    Resource,
    ResourceSlot,
    ResourceType,
)
from partners.workflow import Category, MemberRole, UnitKind
from requests_board.actions import needs
from requests_board.models import DeclineReason, DispatchPolicy, NotAcceptedReason, ResourceRequest
from tests import factories
from tests.people import Town


@dataclass
class Pool:
    """What the departments offer; the first one is paired with the town's community."""

    town: Town
    type: ResourceType
    other_type: ResourceType
    departments: list[Partner]
    liaisons: list[Any]
    resources: list[Resource]
    busy: DeclineReason
    not_ours: NotAcceptedReason

    def slots(self, number: int = 0) -> list[ResourceSlot]:
        """Return the slots of the n-th resource, the earliest first."""
        return list(self.resources[number].slots.order_by("starts_at"))

    def liaison(self, number: int = 0) -> Any:
        """Return the n-th department's liaison as read anew."""
        return type(self.liaisons[number]).objects.get(pk=self.liaisons[number].pk)

    def ask(self, **changes: Any) -> ResourceRequest:
        """Let the community's worker ask for one lecture within ten days."""
        now = db_now()
        values: dict[str, Any] = {
            "area": self.town.community,
            "type": self.type,
            "quantity": 1,
            "window_start": now,
            "window_end": now + timedelta(days=10),
            "actor": self.town.person("community_worker"),
            "place": "党群服务中心",
            **changes,
        }
        return needs.request_resource(**values)


def make_department(town: Town, number: int) -> tuple[Partner, Any]:
    """Make a department with one liaison."""
    partner = Partner.objects.create(
        area=town.district, category=Category.DEPARTMENT, name=f"示例部门{number}", code=f"T{number:03}"
    )
    DepartmentProfile.objects.create(partner=partner, group="government", joint_conference_member=True)
    liaison = factories.user(f"liaison{number}")
    Membership.objects.create(
        user=liaison, partner=partner, role=MemberRole.DEPARTMENT_LIAISON, valid_from="2020-01-01"
    )
    return partner, liaison


def make_resource(town: Town, partner: Partner, type: ResourceType, **fields: Any) -> Resource:
    """Make a resource with slots of capacity 1 on the five days from tomorrow."""
    capacity = fields.pop("capacity", 1)
    values = {"area": town.district, "unit_kind": UnitKind.PERSON_SESSION, "unit_label": "场", **fields}
    resource = Resource.objects.create(partner=partner, type=type, name=f"{partner.name}讲座", **values)
    morning = db_now().replace(hour=1, minute=0, second=0, microsecond=0)
    ResourceSlot.objects.bulk_create(
        ResourceSlot(
            resource=resource,
            starts_at=morning + timedelta(days=day),
            ends_at=morning + timedelta(days=day, hours=2),
            capacity=capacity,
        )
        for day in range(1, 6)
    )
    return resource


def make_pool(town: Town) -> Pool:
    """Make the three departments."""
    load_calendar()
    load_policies()
    DispatchPolicy.objects.create()
    field = ResourceType.objects.create(code="01", name="讲座")
    law = ResourceType.objects.create(code="0101", name="法律讲座", parent=field)
    health = ResourceType.objects.create(code="0102", name="健康讲座", parent=field)
    made = [make_department(town, number) for number in range(1, 4)]
    Pairing.objects.create(department=made[0][0], community=town.community, valid_from="2020-01-01")
    return Pool(
        town=town,
        type=law,
        other_type=health,
        departments=[partner for partner, _ in made],
        liaisons=[liaison for _, liaison in made],
        resources=[make_resource(town, partner, law) for partner, _ in made],
        busy=DeclineReason.objects.create(code="busy", label="那天已有安排"),
        not_ours=NotAcceptedReason.objects.create(code="other", label="归别的单位管", referral="请打 122。"),
    )


@pytest.fixture
def pool(town: Town) -> Pool:
    """The pool of the town."""
    return make_pool(town)


def ask_time_has_come(need: ResourceRequest) -> None:
    """Move the seconds for undoing into the past, by the database's clock."""
    ResourceRequest.objects.filter(pk=need.pk).update(dispatch_after=db_now() - timedelta(seconds=1))
