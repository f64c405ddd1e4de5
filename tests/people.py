"""The characters of the tests: a small district, and one person for each role.

Use the `town` fixture: `town.building`, `town.community_worker`, `town.neighbour_worker` …
The five places seen from `community` (own): `building` (child), `next_community` (sibling), `street`
(parent),
`far_community` (other branch, under `far_street`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest

from common.admin.filters import forget_choices
from grids import selectors
from grids.models import Area, DistrictProfile, PartyOrganization
from tests import factories


@dataclass
class Town:
    """A district of 2 streets, 3 communities, 3 estates, 4 grids and 5 buildings, with its people."""

    district: Area
    street: Area
    far_street: Area
    community: Area
    next_community: Area
    far_community: Area
    estate: Area
    next_estate: Area
    far_estate: Area
    grid: Area
    next_grid: Area
    neighbour_grid: Area
    far_grid: Area
    building: Area
    building_two: Area
    next_grid_building: Area
    neighbour_building: Area
    far_building: Area
    committee: PartyOrganization
    general_branch: PartyOrganization
    # One person per role …
    system_admin: Any
    security_admin: Any
    auditor: Any
    district_official: Any
    street_worker: Any
    community_worker: Any
    grid_worker: Any
    building_leader: Any
    # … the same work elsewhere …
    far_street_worker: Any
    neighbour_worker: Any
    far_worker: Any
    # … and an account that holds nothing.
    outsider: Any

    def person(self, name: str) -> Any:
        """Return a person as read anew, with nothing kept from earlier questions."""
        return type(self.outsider).objects.get(pk=getattr(self, name).pk)

    @property
    def areas(self) -> dict[str, Area]:
        """Return the places by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Area)}


POSTS = {
    "system_admin": ("system_admin", "district"),
    "security_admin": ("security_admin", "district"),
    "auditor": ("auditor", "district"),
    "district_official": ("district_official", "district"),
    "street_worker": ("street_worker", "street"),
    "community_worker": ("community_worker", "community"),
    "grid_worker": ("grid_worker", "grid"),
    "building_leader": ("building_leader", "building"),
    "far_street_worker": ("street_worker", "far_street"),
    "neighbour_worker": ("community_worker", "next_community"),
    "far_worker": ("community_worker", "far_community"),
}


def _places() -> dict[str, Any]:
    made: dict[str, Any] = {"district": factories.area(None, "district", "示例区", code="990001")}

    def add(name: str, parent: str, kind: str, label: str, **more: Any) -> None:
        made[name] = factories.area(made[parent], kind, label, **more)

    add("street", "district", "street", "东街街道")
    add("far_street", "district", "street", "西河街道")
    add("community", "street", "community", "槐荫社区", code="990001001001", phone="0539-0000001")
    add("next_community", "street", "community", "柳青社区", code="990001001002", phone="0539-0000002")
    add("far_community", "far_street", "community", "河湾社区", code="990001002001", phone="0539-0000003")
    add("estate", "community", "estate", "槐荫小区", households=620)
    add("next_estate", "next_community", "estate", "柳青小区")
    add("far_estate", "far_community", "estate", "河湾小区")
    add("grid", "estate", "grid", "第一网格")
    add("next_grid", "estate", "grid", "第二网格")
    add("neighbour_grid", "next_estate", "grid", "第三网格")
    add("far_grid", "far_estate", "grid", "第四网格")
    add("building", "grid", "building", "1号楼")
    add("building_two", "grid", "building", "2号楼")
    add("next_grid_building", "next_grid", "building", "3号楼")
    add("neighbour_building", "neighbour_grid", "building", "4号楼")
    add("far_building", "far_grid", "building", "5号楼")
    made["committee"] = factories.party(None, "committee", made["district"], "示例区委")
    made["general_branch"] = factories.party(made["committee"], "general_branch", made["community"], "槐荫社区党总支")
    return made


def make_town() -> Town:
    """Make the district and its people."""
    made = _places()
    # Each place moved its elders' numbers on, so read all of them once more.
    for row in made.values():
        row.refresh_from_db()
    for name, (role, place) in POSTS.items():
        made[name] = factories.user(name)
        factories.post(made[name], role, made[place])
    made["outsider"] = factories.user("outsider")
    DistrictProfile.objects.update_or_create(
        pk=1,
        defaults={
            "site_name": "示例区合伙人平台",
            "is_demo": True,
            "demo_banner": "演示数据",
            "hotline": "0539-0000000",
        },
    )
    selectors.forget_profile()
    return Town(**made)


@pytest.fixture
def town(db: None) -> Town:
    """A small district with one person for each role."""
    return make_town()


@pytest.fixture(autouse=True)
def _fresh_profile() -> Any:
    """Let no test see the profile, or the choices of filters, that another one left in the process."""
    selectors.forget_profile()
    forget_choices()
    yield
    selectors.forget_profile()
    forget_choices()
