"""The only writer of the two trees: what it refuses, and that numbers and paths follow."""

from __future__ import annotations

import itertools

import pytest
from django.core.management import CommandError, call_command
from django.db import models

from audit.models import Event
from common.errors import Conflict, Invalid, NotAllowed
from grids import selectors, trees
from grids.models import Area, BuildingCode, PartyOrganization, Post
from grids.trees import levels
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("kind", "above"), list(itertools.product(levels.AREA_PARENTS, levels.AREA_PARENTS)))
def test_only_the_level_table_says_what_stands_where(kind, above):
    if above in levels.AREA_PARENTS[kind]:
        levels.check_area_level(kind, above)
    else:
        with pytest.raises(Invalid):
            levels.check_area_level(kind, above)


def test_a_building_cannot_hold_a_street(town):
    with pytest.raises(Invalid) as refused:
        trees.create_area(parent=town.building, kind="street", name="南街街道")
    assert refused.value.message == "街道不能放在楼栋下面，只能放在区下面。"
    assert not Area.objects.filter(name="南街街道").exists()


def test_a_grid_stands_straight_under_a_community_but_not_under_a_street(town):
    assert trees.create_area(parent=town.community, kind="grid", name="专属网格").level == 3
    with pytest.raises(Invalid):
        trees.create_area(parent=town.street, kind="grid", name="悬空网格")


def test_numbers_and_paths_hold_after_each_verb(town):
    assert trees.check() == []
    trees.move_area(town.grid, to=town.far_estate)
    assert trees.check() == []
    trees.move_area(town.community, to=town.far_street)
    assert trees.check() == []
    town.district.refresh_from_db()
    assert town.district.get_descendant_count() == Area.objects.count() - 1


def test_a_move_takes_every_row_of_the_place_along(town):
    before = Post.objects.get(user=town.building_leader).scope_path
    trees.move_area(town.community, to=town.far_street, reason="区划调整")
    after = Post.objects.get(user=town.building_leader).scope_path
    assert before.startswith(town.street.scope_path)
    assert after.startswith(town.far_street.scope_path)
    assert PartyOrganization.objects.get(pk=town.general_branch.pk).scope_path.startswith(town.far_street.scope_path)
    event = Event.objects.get(verb="area.moved")
    assert (event.before, event.reason) == (town.community.scope_path, "区划调整")


def test_every_table_with_a_path_has_the_index_that_scope_needs():
    for model in (Area, *trees.paths.placed_models()):
        indexes = [i for i in model._meta.indexes if i.fields == ["scope_path"]]
        assert [list(i.opclasses) for i in indexes] == [["text_pattern_ops"]], model


def test_a_move_under_itself_is_refused(town):
    with pytest.raises(Invalid) as refused:
        trees.move_party_organization(town.committee, to=town.general_branch)
    assert refused.value.field == "parent"


def test_a_second_district_keeps_its_own_tree(town):
    other = trees.create_area(parent=None, kind="district", name="另一区")
    assert other.tree_id != town.district.tree_id
    with pytest.raises(Invalid):
        trees.move_area(town.street, to=other)
    assert trees.check() == []


def test_a_code_is_used_once_among_the_valid_and_again_after_retirement(town):
    first = trees.create_area(parent=town.estate, kind="building", name="7号楼", code="B7")
    with pytest.raises(Invalid) as refused:
        trees.create_area(parent=town.estate, kind="building", name="8号楼", code="B7")
    assert refused.value.field == "code"
    trees.retire_area(first)
    assert trees.create_area(parent=town.estate, kind="building", name="8号楼", code="B7").pk


def test_a_place_with_valid_places_below_is_not_retired(town):
    with pytest.raises(Conflict):
        trees.retire_area(town.grid)
    trees.retire_area(town.building)
    assert not BuildingCode.objects.filter(area=town.building, valid_to=None).exists()
    with pytest.raises(Conflict):
        trees.retire_area(town.building)
    with pytest.raises(Invalid):
        trees.move_area(town.building_two, to=trees.retire_area(_empty_grid(town)))


def _empty_grid(town):
    return trees.create_area(parent=town.estate, kind="grid", name="空网格")


def test_rename_leaves_a_trace_with_both_names(town):
    trees.update_area(town.building, name="一号楼", reason="门牌更新")
    event = Event.objects.get(verb="area.changed")
    assert (event.before, event.after) == ("name=1号楼", "name=一号楼")
    trees.update_area(town.building, name="一号楼")
    assert Event.objects.filter(verb="area.changed").count() == 1


def test_only_the_keeper_of_places_writes(town):
    with pytest.raises(NotAllowed):
        trees.update_area(town.building, name="我的楼", actor=town.grid_worker)
    with pytest.raises(NotAllowed):
        trees.create_area(parent=town.grid, kind="building", name="新楼", actor=town.auditor)
    assert trees.update_area(town.building, name="甲楼", actor=town.system_admin).name == "甲楼"


def test_a_lost_sticker_gets_a_new_code(town):
    old = town.building.short_code
    new = trees.replace_short_code(town.building)
    assert BuildingCode.objects.get(code=old).valid_to is not None
    assert Area.objects.get(pk=town.building.pk).short_code == new != old


@pytest.mark.parametrize("verb", ["save", "delete"])
def test_tree_rows_are_not_written_past_the_lock(town, verb):
    with pytest.raises(TypeError):
        getattr(town.building, verb)()


def test_a_load_numbers_old_and_new_together(town):
    rows = [trees.NewArea("e", town.next_community, "estate", "新小区")]
    rows += [trees.NewArea(f"g{i}", "e", "grid", f"网格{i}") for i in range(5)]
    rows += [trees.NewArea(f"b{i}", f"g{i % 5}", "building", f"{i}号楼") for i in range(50)]
    made = trees.load_areas(rows)
    parties = [trees.NewParty("b", town.general_branch, "branch", "支部", made["g0"].pk)]
    parties += [trees.NewParty(i, "b", "group", f"{i}组", made[f"b{i}"].pk) for i in range(10)]
    trees.load_party_organizations(parties)
    assert trees.check() == []
    assert made["e"].get_descendant_count() == 55
    assert len({area.short_code for area in made.values() if area.short_code}) == 51
    assert Event.objects.filter(verb__in=("area.loaded", "party.loaded")).count() == 2


@pytest.mark.parametrize(
    "rows",
    [
        [("x", "nobody", "estate")],
        [("x", None, "estate")],
        [("x", None, "district"), ("x", None, "district")],
    ],
    ids=["unknown parent", "wrong level", "key twice"],
)
def test_a_wrong_load_leaves_nothing(rows):
    with pytest.raises(Invalid):
        trees.load_areas([trees.NewArea(key, parent, kind, "名") for key, parent, kind in rows])
    assert not Area.objects.exists()


def test_check_tree_finds_and_mends_each_kind_of_damage(town, capsys):
    raw = models.QuerySet(Area)
    raw.filter(pk=town.building.pk).update(lft=9000, rght=9001)
    raw.filter(pk=town.far_grid.pk).update(scope_path="/1/")
    Post.objects.filter(user=town.grid_worker).update(scope_path="/2/")
    found = {(fault.table, fault.what) for fault in trees.check()}
    assert found == {
        ("grids_area", "mptt numbers"),
        ("grids_area", "scope_path"),
        ("grids_post", "scope_path"),
    }
    with pytest.raises(CommandError):
        call_command("check_tree")
    call_command("check_tree", fix=True)
    assert "一致" in capsys.readouterr().out
    assert trees.check() == []


def test_check_tree_names_a_wrong_level_and_leaves_it_to_people(town):
    models.QuerySet(Area).filter(pk=town.building.pk).update(kind="estate")
    trees.fix()
    assert [(fault.what, fault.examples) for fault in trees.check()] == [
        ("level under a wrong parent", (town.building.pk,))
    ]


def test_a_full_save_of_an_old_copy_does_not_bring_an_old_path_back(town):
    post = Post.objects.get(user=town.building_leader)
    trees.move_area(town.community, to=town.far_street)
    post.valid_to = None
    post.save()
    assert trees.check() == []


def test_should_be_established_lists_what_no_organisation_covers(town):
    def places(*, covered):
        return set(selectors.party_coverage(Area.objects.within(town.community.scope_path), covered=covered))

    buildings = {town.building, town.building_two, town.next_grid_building}
    assert places(covered=False) == {town.estate, town.grid, town.next_grid} | buildings
    assert places(covered=True) == {town.community}
    branch = factories.party(town.general_branch, "branch", town.grid, covers=[town.grid, town.next_grid])
    group = factories.party(branch, "group", town.building)
    assert places(covered=False) == {town.estate, town.building_two, town.next_grid_building}
    assert places(covered=True) == {town.community, town.grid, town.next_grid, town.building}
    trees.retire_party_organization(group)
    assert town.building in places(covered=False)
    trees.retire_area(town.building_two)
    assert town.building_two not in places(covered=False), "what is retired needs none"


def test_names_read_as_people_say_them(town):
    assert selectors.full_name(town.building) == "槐荫社区 槐荫小区1号楼"
    assert selectors.full_name(town.street) == "东街街道"
    assert selectors.path_names(town.grid) == ["示例区", "东街街道", "槐荫社区", "槐荫小区", "第一网格"]
    assert town.building.ancestor("street") == town.street
    assert town.street.ancestor("community") is None
