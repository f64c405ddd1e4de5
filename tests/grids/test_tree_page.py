"""The tree page: who sees and does what, moves with their undoing, many at once, and whatever is typed."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.urls import reverse

from audit.models import Event
from common.errors import Conflict, Invalid, NotAllowed
from grids import trees
from grids.models import Area, BuildingCode, PartyOrganization
from grids.selectors import today
from grids.trees import load, rows
from grids.trees.many import plan
from grids.views.steps import AREA_STEPS, PARTY_STEPS
from tests import factories

pytestmark = pytest.mark.django_db


def nodes(body):
    return {int(pk) for pk in re.findall(r'data-node="(\d+)"', body)}


def step(node, name):
    door = "grids:party_step" if isinstance(node, PartyOrganization) else "grids:step"
    return reverse(door, args=[node.pk, name])


# Who sees what -------------------------------------------------------------------------------------------------------


def test_one_sees_what_is_within_reach_and_above_it_names_only(town, page):
    body = page("community_worker", f"/tree/?open={town.building.pk}").content.decode()
    assert nodes(body) == {
        area.pk for area in (town.community, town.estate, town.grid, town.next_grid, town.building, town.building_two)
    }
    assert "示例区 › 东街街道" in body
    for hidden in (town.street, town.far_street, town.next_community):
        assert page("community_worker", f"/tree/?open={hidden.pk}").status_code == 404
        assert page("community_worker", f"/tree/?of={hidden.pk}", **{"HX-Request": "true"}).status_code == 404
        assert page("community_worker", step(hidden, "edit")).status_code == 404


def test_from_a_place_one_gets_to_its_local_posts_with_the_place_filled_in(town, page):
    """The form opens with place, role and today; who appoints nobody, or a place without such a post, has no link."""
    for place, role, words in (
        (town.building, "building_leader", "任命楼长"),
        (town.grid, "grid_worker", "任命网格员"),
    ):
        body = page("community_worker", f"/tree/?open={place.pk}").content.decode()
        address = f"{reverse('admin:grids_post_add')}?area={place.pk}&amp;role={role}"
        assert f'<a href="{address}">{words}</a>' in body
        form = page("community_worker", address.replace("&amp;", "&")).context["adminform"].form
        assert [form[name].value() for name in ("area", "role")] == [str(place.pk), role]
        assert form["valid_from"].value() == today()
    assert "任命" not in page("community_worker", f"/tree/?open={town.estate.pk}").content.decode()
    assert "任命" not in page("grid_worker", f"/tree/?open={town.building.pk}").content.decode()
    trees.retire_area(town.building_two)
    assert "任命" not in page("community_worker", f"/tree/?open={town.building_two.pk}").content.decode()


def test_search_finds_within_reach_shows_the_path_and_opens_it(town, page):
    body = page("street_worker", "/tree/?words=小区").content.decode()
    assert "示例区 › 东街街道 › 槐荫社区" in body
    assert f"open={town.estate.pk}" in body
    assert "河湾小区" not in body, "the other street's"
    assert "请至少写两个字" in page("street_worker", "/tree/?words=槐").content.decode()
    assert "没有找到" in page("street_worker", "/tree/?words=河湾").content.decode()


def test_without_reach_filter_the_other_street_would_show(town, page, monkeypatch):
    """Control."""
    monkeypatch.setattr("grids.tree_selectors.seen", lambda user, column="scope_path": rows.models.Q(pk__gt=0))
    assert "河湾小区" in page("street_worker", "/tree/?words=小区").content.decode()
    assert page("community_worker", f"/tree/?open={town.far_street.pk}").status_code == 200


def test_colours_say_in_words_what_is_missing(town, page):
    body = page("community_worker", f"/tree/?open={town.grid.pk}").content.decode()
    line = {pk: body[body.index(f'data-node="{pk}"') :][:400] for pk in (town.building.pk, town.building_two.pk)}
    assert "楼长在岗" in line[town.building.pk]
    assert "楼长空缺" in line[town.building_two.pk]
    assert "没有党组织" in line[town.building.pk]
    top = body[body.index(f'data-node="{town.community.pk}"') :][:400]
    # The estate, two grids and three buildings; the community has its general branch.
    assert "缺党组织 6 处" in top
    assert "缺楼长 2 栋" in top


# Who does what -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "place", "steps"),
    [
        ("street_worker", "street", {"edit", "add", "many"}),
        ("street_worker", "community", {"edit", "add", "many", "move", "code", "retire"}),
        ("community_worker", "community", {"edit", "add", "many"}),
        ("community_worker", "building", {"edit", "move", "code", "retire"}),
        ("grid_worker", "building", set()),
        ("district_official", "community", set()),
    ],
)
def test_the_page_offers_what_the_verbs_allow(town, page, who, place, steps):
    node = getattr(town, place)
    body = page(who, f"/tree/?open={node.pk}").content.decode()
    assert set(re.findall(rf"/tree/{node.pk}/(\w+)/", body)) == steps
    for name in {"edit", "add", "many", "move", "code", "retire"} - steps:
        assert page(who, step(node, name)).status_code in {403, 404}, name


def test_a_place_is_moved_ended_and_recoded_by_its_parents_keeper_alone(town):
    worker = town.person("community_worker")
    for refused in (
        lambda: trees.move_area(town.community, to=town.far_street, actor=worker),
        lambda: trees.retire_area(town.community, actor=worker),
        lambda: trees.update_area(town.community, code="1", actor=worker),
        lambda: trees.replace_short_code(town.community, actor=worker),
        lambda: trees.move_area(town.estate, to=town.next_community, actor=worker),
        lambda: trees.set_covers(town.general_branch, [town.next_grid, town.far_grid], actor=worker),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert trees.update_area(town.community, name="槐荫里社区", actor=worker).name == "槐荫里社区"
    assert trees.move_area(town.building, to=town.next_grid, actor=worker).parent_id == town.next_grid.pk


def test_the_code_is_not_asked_for_where_it_may_not_be_changed(town, page):
    form = {"name": "槐荫社区", "code": "123", "sort_order": ""}
    assert page("community_worker", step(town.community, "edit"), form).status_code == 302
    town.community.refresh_from_db()
    assert town.community.code == "990001001001"
    assert page("street_worker", step(town.community, "edit"), form).status_code == 302
    town.community.refresh_from_db()
    assert town.community.code == "123"


# Steps ---------------------------------------------------------------------------------------------------------------


def test_a_new_place_keeps_what_was_typed_when_refused(town, page):
    form = {"tier": "estate", "name": "新小区", "code": town.next_community.code, "units": "x"}
    answer = page("community_worker", step(town.community, "add"), form)
    assert answer.status_code == 422
    assert "新小区" in answer.content.decode()
    answer = page("community_worker", step(town.community, "add"), {**form, "units": ""})
    assert (answer.status_code, "这个代码已经有别的在用" in answer.content.decode()) == (422, True)
    assert page("community_worker", step(town.community, "add"), {**form, "units": "", "code": ""}).status_code == 302
    assert Area.objects.get(name="新小区").short_code
    assert trees.check() == []


def test_retire_and_restore_keep_the_sticker(town, page):
    building, old = town.building, town.building.short_code
    assert page("community_worker", step(building, "retire"), {"reason": ""}).status_code == 422
    assert page("community_worker", step(building, "retire"), {"reason": "拆了"}).status_code == 302
    assert not BuildingCode.objects.filter(area=building, valid_to=None).exists()
    assert str(building.pk) not in page("community_worker", f"/tree/?open={town.grid.pk}").content.decode()
    answer = page("community_worker", f"/tree/?open={town.grid.pk}&ended=1").content.decode()
    assert building.pk in nodes(answer)
    assert page("community_worker", step(building, "restore"), {"reason": "弄错了"}).status_code == 302
    assert BuildingCode.objects.get(area=building, valid_to=None).code == old
    assert Event.objects.filter(verb="area.restored", reason="弄错了").count() == 1


def test_a_place_with_valid_ones_below_is_refused_on_the_form(town, page):
    answer = page("community_worker", step(town.grid, "retire"), {"reason": "合并"})
    assert (answer.status_code, "请先移走或者停用它们" in answer.content.decode()) == (422, True)


def test_nothing_is_restored_under_what_has_ended(town):
    trees.retire_area(town.next_grid_building)
    trees.retire_area(town.next_grid)
    with pytest.raises(Invalid):
        trees.restore_area(town.next_grid_building)
    trees.restore_area(town.next_grid)
    assert trees.restore_area(town.next_grid_building).valid_to is None
    with pytest.raises(Conflict):
        trees.restore_area(town.next_grid)


def test_a_party_organisation_is_added_moved_and_covers(town, page):
    branch = {"tier": "branch", "name": "槐荫小区党支部", "kind": "area", "place": town.estate.pk}
    assert (
        page("community_worker", step(town.general_branch, "add"), {**branch, "place": town.far_estate.pk}).status_code
        == 422
    )
    assert page("community_worker", step(town.general_branch, "add"), branch).status_code == 302
    made = PartyOrganization.objects.get(name="槐荫小区党支部")
    covers = {"place": [town.estate.pk, town.grid.pk, town.far_grid.pk]}
    assert page("community_worker", step(made, "covers"), covers).status_code == 302
    assert set(made.covers.all()) == {town.estate, town.grid}, "what is out of reach was not offered"
    other = factories.party(town.committee, "general_branch", town.next_community, "柳青社区党总支")
    body = page("street_worker", step(made, "move")).content.decode()
    assert "柳青社区党总支" in body
    assert (
        page(
            "street_worker", step(made, "move"), {"to": other.pk, "was": town.general_branch.pk, "reason": "调整"}
        ).status_code
        == 302
    )
    event = Event.objects.get(verb="party.moved")
    assert page("street_worker", step(made, "undo"), {"event": event.pk}).status_code == 302
    made.refresh_from_db()
    assert made.parent_id == town.general_branch.pk
    assert trees.check() == []


# Many at once --------------------------------------------------------------------------------------------------------


def test_many_are_looked_at_first_and_added_in_one_go(town, page):
    town.building.refresh_from_db()
    form = {"tier": "building", "text": "1–18号楼, 每栋3单元"}
    body = page("community_worker", step(town.next_grid, "many"), form).content.decode()
    # 1, 2 and 3 stand in the estate already, two of them in the grid beside.
    assert "要添加 15 个" in body
    assert "跳过 3 个" in body
    assert not Area.objects.filter(name="18号楼").exists()
    answer = page("community_worker", step(town.next_grid, "many"), {**form, "sure": "1"})
    assert answer.status_code == 302
    made = Area.objects.filter(parent=town.next_grid, units=3)
    assert made.count() == 15
    assert len({area.short_code for area in made}) == 15
    assert BuildingCode.objects.filter(area__in=made, valid_to=None).count() == 15
    event = Event.objects.get(verb="area.many_added")
    assert (event.target_id, event.data["rows"]) == (str(town.next_grid.pk), 15)
    assert trees.check() == []
    again = page("community_worker", step(town.next_grid, "many"), {**form, "sure": "1"})
    assert (again.status_code, "这些都已经有了" in again.content.decode()) == (422, True)


def test_a_building_is_known_with_its_estates_name_and_without(town):
    trees.update_area(town.building, name="槐荫小区１号楼")
    assert [one.name for one in plan(town.next_grid, "building", "1-4号楼") if not one.there] == ["4号楼"]
    assert [one.there for one in plan(town.next_grid, "building", "槐荫小区1-4号楼")] == [True, True, True, False]


def test_how_many_at_once_is_a_setting(town, page):
    from grids import actions, selectors

    actions.update_profile(most_at_once=5)
    selectors.forget_profile()
    form = {"tier": "building", "text": "11-16号楼", "sure": "1"}
    answer = page("community_worker", step(town.grid, "many"), form)
    assert (answer.status_code, "请分几次添加" in answer.content.decode()) == (422, True)
    assert page("community_worker", step(town.grid, "many"), {**form, "text": "11-15号楼"}).status_code == 302


def test_a_failure_in_the_middle_leaves_nothing(town, monkeypatch):
    insert = load.insert_rows

    def torn(rows):
        if isinstance(rows[0], BuildingCode):
            raise ZeroDivisionError
        insert(rows)

    monkeypatch.setattr(load, "insert_rows", torn)
    with pytest.raises(ZeroDivisionError):
        trees.add_many(town.grid, kind="building", text="11-15号楼")
    assert not Area.objects.filter(name="11号楼").exists()
    assert trees.check() == []


# Whatever is typed ---------------------------------------------------------------------------------------------------

FIELDS = "name code units tier text to was event place reason kind sort_order households phone established_on"
HOSTILE = ("", "-1", "9" * 30, "²", "%s%%", "<script>alert(1)</script>", "\x00", "😀" * 50)


def test_no_address_and_no_form_ends_in_a_fault(town, page):
    for text in HOSTILE:
        value = quote(text)
        for query in (f"open={value}", f"of={value}", f"words={value}&from={value}&ended={value}&made={value}"):
            for base in ("/tree/", "/tree/party/"):
                answer = page("system_admin", f"{base}?{query}")
                assert answer.status_code < 500
                assert b"<script>alert" not in answer.content
        for node, name in [(town.community, name) for name in AREA_STEPS] + [
            (town.general_branch, name) for name in PARTY_STEPS
        ]:
            form = dict.fromkeys(FIELDS.split(), text)
            assert page("system_admin", step(node, name), form).status_code < 500, (name, text)
    for pk in (2**31, 2**63, 10**25):
        assert page("system_admin", f"/tree/?open={pk}").status_code == 404
        assert page("system_admin", f"/tree/{pk}/edit/").status_code == 404
    assert trees.check() == []
