"""A table does no more than its sender may do on the pages: neither going in nor when it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from clockwork.actions import load_calendar, load_policies
from common.tables.registry import ELSEWHERE, Registry
from common.tables.sheet import sheet
from grids import trees
from grids.actions import assign_post, end_post
from grids.models import Area, PartyOrganization, Post
from grids.tables.areas import RECODED
from partners.models import DepartmentProfile, Pairing, Partner
from tests import factories
from tests.tables_out.test_places import building, plan, words

pytestmark = pytest.mark.django_db

AREA = "东街街道/槐荫社区"


@pytest.fixture(autouse=True)
def _limits(db: None) -> None:
    load_calendar()
    load_policies()


def write(code: str, user: Any, *rows: dict[str, str]) -> list[tuple[str, str, Any]]:
    planned = plan(code, user, *rows)
    assert [words(row) for row in planned] == [""] * len(rows)
    return [(row.verb, pk, kept) for row, pk, kept in sheet(code).write(planned, user)]


def transfer(town: Any, place: Area) -> Any:
    """Let the community's worker work elsewhere from now on."""
    for post in Post.objects.filter(user=town.community_worker):
        end_post(post)
    assign_post(user=town.community_worker, area=place, role="community_worker")
    return town.person("community_worker")


def rows_of(town: Any) -> dict[str, list[dict[str, str]]]:
    """Return for each registry of a community a row that changes one or a new one."""
    factories.party(town.general_branch, "branch", town.community, "槐荫支部")
    factories.user("helper", display_name="帮手")
    return {
        "buildings": [building(name="71号楼"), building(name="1号楼", households="60")],
        "areas": [{"parent": f"{AREA}/槐荫小区/第一网格", "kind": "楼栋", "name": "72号楼"}],
        "party": [{"parent": "槐荫支部", "level": "党小组", "name": "一组", "area": f"{AREA}/槐荫小区"}],
        "local_posts": [{"username": "helper", "role": "网格员", "area": f"{AREA}/槐荫小区/第一网格"}],
        "partners": [{"code": "W9", "category": "商业", "name": "店", "area": AREA}],
        "requests": [{"source": "12345", "external_id": "GD1", "area": "槐荫小区1号楼", "text": "灯"}],
        "teams": [{"area": AREA, "name": "一队"}],
    }  # fmt: skip


CODES = ("buildings", "areas", "party", "local_posts", "partners", "requests", "teams")


def undone_after_transfer(town: Any, code: str) -> tuple[int, list[tuple[str, str]]]:
    written = write(code, town.community_worker, *rows_of(town)[code])
    return len(written), sheet(code).undo(written, transfer(town, town.far_community))


@pytest.mark.parametrize("code", CODES)
def test_who_works_elsewhere_by_now_takes_nothing_back(town: Any, code: str) -> None:
    count, refused = undone_after_transfer(town, code)
    assert [sentence for _, sentence in refused] == [ELSEWHERE] * count


@pytest.mark.parametrize("code", CODES)
def test_without_the_question_they_would(town: Any, monkeypatch: Any, code: str) -> None:
    monkeypatch.setattr(Registry, "_elsewhere", lambda self, verb, ids, user: set())
    assert undone_after_transfer(town, code)[1] == []


def test_what_was_moved_away_since_stays(town: Any) -> None:
    written = write("buildings", town.community_worker, building(name="71号楼"), building(name="72号楼"))
    trees.move_area(Area.objects.get(name="71号楼"), to=town.far_grid)
    refused = sheet("buildings").undo(written, town.community_worker)
    assert refused == [(written[0][1], ELSEWHERE)]
    assert not Area.objects.filter(name="72号楼").exists()


def test_the_code_of_ones_own_place_is_changed_from_above(town: Any) -> None:
    own = {"parent": "东街街道", "kind": "社区", "name": "槐荫社区"}
    renamed, recoded = (
        plan("areas", town.community_worker, {**own, **more})[0]
        for more in ({"phone": "12345"}, {"code": "990001002999"})
    )
    assert (renamed.verb, words(recoded)) == ("changed", RECODED)
    assert plan("areas", town.street_worker, {**own, "code": "990001002999"})[0].verb == "changed"
    branch = factories.party(town.committee, "branch", town.community, "槐荫支部")
    party = {"parent": town.committee.name, "level": branch.get_level_display(), "name": "槐荫支部", "area": AREA}
    same, recoded = plan("party", town.community_worker, party), plan("party", town.community_worker,
                                                                     {**party, "code": "P9"})  # fmt: skip
    assert (words(same[0]), words(recoded[0])) == ("", RECODED)


def test_an_organisation_is_put_below_ones_own_only(town: Any) -> None:
    far = factories.party(town.committee, "general_branch", town.far_community, "河湾党总支")
    new = {"level": "党支部", "name": "新支部", "area": AREA}
    foreign, above, own = (
        plan("party", town.community_worker, {**new, "parent": name})[0]
        for name in (far.name, town.committee.name, town.general_branch.name)
    )
    assert "找不到" in words(foreign)
    (numbered,) = plan("party", town.community_worker, {**new, "parent": f"（编号{far.pk}）"})
    assert "找不到" in words(numbered)
    assert far.name not in words(numbered)
    assert "不归您管" in words(above)
    assert own.verb == "new"
    assert plan("party", town.far_worker, {**new, "parent": far.name, "area": "西河街道/河湾社区"})[0].verb == "new"


def test_what_lies_above_stays_covered(town: Any) -> None:
    branch = factories.party(town.general_branch, "branch", town.community, "槐荫支部")
    trees.set_covers(branch, [town.community, town.street, town.far_community])
    row = {"parent": town.general_branch.name, "level": "党支部", "name": "槐荫支部", "area": AREA}
    write("party", town.community_worker, {**row, "covers": f"{AREA}/槐荫小区"})
    covered = set(PartyOrganization.objects.get(pk=branch.pk).covers.values_list("pk", flat=True))
    assert covered == {town.estate.pk, town.street.pk, town.far_community.pk}


def test_a_closed_account_gets_no_post(town: Any) -> None:
    held, free = factories.user("helper"), factories.user("other")
    factories.post(held, "grid_worker", town.grid)
    for person in (held, free):
        person.is_active = False
        person.save(update_fields=["is_active"])
    row = {"role": "网格员", "area": f"{AREA}/槐荫小区/第一网格"}
    same, wrong = plan("local_posts", town.community_worker, *({**row, "username": p} for p in ("helper", "other")))
    assert same.verb == "same"
    assert "“other”已经停用" in words(wrong)


def test_a_pairing_is_made_by_who_keeps_both_sides(town: Any) -> None:
    office = Partner.objects.create(area=town.district, category="department", name="区局", code="D9")
    DepartmentProfile.objects.create(partner=office, group="government")
    row = {"partner": "D9", "community": AREA, "valid_from": "2026-01-01"}
    (refused,) = plan("pairings", town.community_worker, row)
    assert "不归您管" in words(refused)
    written = write("pairings", town.district_official, row)
    (same,) = plan("pairings", town.person("community_worker"), row)
    assert same.verb == "same"
    assert sheet("pairings").undo(written, town.community_worker) == [(written[0][1], ELSEWHERE)]
    assert sheet("pairings").undo(written, town.district_official) == []
    assert not Pairing.objects.exists()
