"""Places in a table: found again, compared, mended by a suggestion, written in bulk and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from common.tables.sheet import sheet
from grids.models import Area, BuildingCode
from grids.trees import check

pytestmark = pytest.mark.django_db


def plan(code: str, user: Any, *rows: dict[str, str]) -> list[Any]:
    return list(sheet(code).plan(enumerate(rows, 2), user))


def words(planned: Any) -> str:
    return "".join(fault.sentence for fault in planned.faults)


def building(**cells: str) -> dict[str, str]:
    return {"community": "槐荫社区", "estate": "槐荫小区", "grid": "第一网格", **cells}


def test_new_changed_same_and_wrong(town) -> None:
    new, changed, same, wrong = plan(
        "buildings", town.community_worker,
        building(name="7号楼", households="４８"),
        building(name="1号楼", households="36"),
        building(name="2号楼", households="", sort_order="0"),
        building(name="3#"),
    )  # fmt: skip
    assert (new.verb, changed.verb, same.verb, wrong.verb) == ("new", "changed", "same", "wrong")
    assert new.values["households"] == "48"
    assert (changed.before["households"], changed.values["households"]) == ("", "36")


@pytest.mark.parametrize("typed", ["3#", "３＃", "3栋", "三号楼", "3幢", "3", "第3号楼", "槐荫小区3#楼"])
def test_an_unusual_number_is_taken_for_the_usual_one(town, typed: str) -> None:
    (wrong,) = plan("buildings", town.community_worker, {"estate": "槐荫小区", "name": typed})
    (fault,) = wrong.faults
    assert fault.suggestion == "3号楼"
    assert fault.sentence.endswith("找不到，是不是“3号楼”？")


def test_a_name_of_a_foreign_place_is_not_found(town) -> None:
    (foreign,) = plan("buildings", town.community_worker, {"estate": "河湾小区", "name": "9号楼"})
    assert "“河湾小区”找不到" in words(foreign)
    (own,) = plan("buildings", town.far_worker, {"estate": "河湾小区", "name": "9号楼"})
    assert own.verb == "new"


def test_a_nearly_right_name_is_suggested(town) -> None:
    (wrong,) = plan("buildings", town.community_worker, {"estate": "槐阴小区", "name": "9号楼"})
    assert wrong.faults[0].suggestion == "槐荫小区"


def test_doubles_within_the_file_are_found(town) -> None:
    first, second = plan("buildings", town.community_worker, building(name="8号楼"), building(name="8号楼"))
    assert (first.verb, second.verb) == ("new", "wrong")
    assert "第 2 行重复" in words(second)


def test_a_building_is_not_moved_by_a_table(town) -> None:
    (wrong,) = plan("buildings", town.community_worker, building(name="3号楼"))
    assert "第二网格" in words(wrong)


def test_write_repeat_and_undo(town) -> None:
    registry, user = sheet("buildings"), town.community_worker
    rows = [building(name=f"{number}号楼", code=f"B{number}") for number in range(11, 31)]
    rows.append(building(name="1号楼", households="60"))
    written = registry.write(plan("buildings", user, *rows), user)
    assert len(written) == 21
    assert Area.objects.filter(kind="building", parent=town.grid).count() == 22
    assert BuildingCode.objects.filter(area__name="11号楼").exists()
    assert check() == []
    assert {row.verb for row in plan("buildings", user, *rows)} == {"same"}
    assert registry.undo([(row.verb, pk, kept) for row, pk, kept in written], user) == []
    assert Area.objects.filter(parent=town.grid).count() == 2
    assert Area.objects.get(pk=town.building.pk).households is None
    assert check() == []


def test_what_is_used_since_stays(town) -> None:
    registry, user = sheet("buildings"), town.community_worker
    written = registry.write(plan("buildings", user, building(name="11号楼"), building(name="12号楼")), user)
    from tests import factories

    factories.post(town.outsider, "building_leader", Area.objects.get(name="11号楼"))
    ((pk, sentence),) = registry.undo([(row.verb, pk, kept) for row, pk, kept in written], user)
    assert (pk, "留着" in sentence) == (written[0][1], True)
    assert not Area.objects.filter(name="12号楼").exists()


def test_what_changed_since_the_preview_is_refused(town) -> None:
    from common.tables.sheet import Wrong
    from grids import trees

    registry, user = sheet("buildings"), town.community_worker
    planned = plan("buildings", user, building(name="1号楼", households="60"), building(name="40号楼"))
    trees.update_area(town.building, households=7)
    with pytest.raises(Wrong, match="第 2 行：预览以后有人改动过"):
        registry.write(planned, user)
    assert not Area.objects.filter(name="40号楼").exists()


def test_levels_codes_and_telephones(town) -> None:
    base = {"parent": "东街街道/槐荫社区", "kind": "小区", "name": "新小区"}
    grid, code, phone, unknown, fine, below = plan(
        "areas", town.street_worker,
        {**base, "parent": "东街街道", "kind": "网格", "name": "甲"},
        {**base, "code": "990001002001", "name": "乙"},
        {**base, "phone": "12-x", "name": "丙"},
        {**base, "kind": "小曲", "name": "丁"},
        base,
        {"parent": "东街街道/槐荫社区/新小区", "kind": "网格", "name": "新网格"},
    )  # fmt: skip
    assert "网格不能放在街道下面" in words(grid)
    assert "已经有别的在用" in words(code)
    assert "电话“12-x”不对" in words(phone)
    assert unknown.faults[0].suggestion == "小区"
    assert (fine.verb, below.verb) == ("new", "new")
    made = sheet("areas").write([fine, below], town.street_worker)
    assert Area.objects.get(pk=made[1][1]).parent.name == "新小区"


def test_the_person_must_keep_places(town) -> None:
    (refused,) = plan("areas", town.grid_worker, {"parent": "x", "kind": "小区", "name": "y"})
    assert refused.verb == "wrong"
    assert "负责维护它的人" in words(refused)


def test_nothing_new_is_put_above_ones_reach(town) -> None:
    own = {"parent": "示例区", "kind": "街道", "name": "东街街道"}
    same, foreign = plan("areas", town.street_worker, own, {**own, "name": "新街道"})
    assert same.verb == "same"
    assert "“示例区”找不到" in words(foreign)
