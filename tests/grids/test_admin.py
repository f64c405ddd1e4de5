"""The set-up rooms: who enters, and that every write goes through the trees and the actions."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import Event
from grids import trees
from grids.models import Area, DistrictProfile, PartyOrganization, Post
from tests.admin_forms import sent

pytestmark = pytest.mark.django_db


def sign_in(client, user):
    client.force_login(user, backend="accounts.backends.PhoneOrNameBackend")


@pytest.fixture
def keeper(town, client):
    """The system administrator's browser."""
    sign_in(client, town.system_admin)
    return client


@pytest.fixture
def first_admin(client):
    """The browser of whoever set the installation up."""
    sign_in(client, User.objects.create_superuser("root"))
    return client


def test_staff_enters_and_nobody_else(town, client):
    assert client.get("/admin/").status_code == 302
    for name in ("building_leader", "outsider"):
        sign_in(client, getattr(town, name))
        assert client.get("/admin/").status_code == 403, name
    for name in ("system_admin", "security_admin", "auditor", "district_official", "community_worker", "grid_worker"):
        sign_in(client, getattr(town, name))
        page = client.get("/admin/")
        assert page.status_code == 200, name
        assert "要做什么" in page.content.decode()


def test_the_admin_has_no_login_page_of_its_own(client):
    answer = client.get("/admin/login/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("accounts:login"))


def area_form(**changed):
    return {
        "name": "9号楼",
        "tier": "building",
        "above": "",
        "code": "",
        "phone": "",
        "households": "",
        "managing_authority": "",
        "sort_order": "0",
        **changed,
    }


def test_a_place_is_added_through_the_trees(town, keeper):
    answer = keeper.post(reverse("admin:grids_area_add"), area_form(above=town.grid.pk))
    assert answer.status_code == 302
    made = Area.objects.get(name="9号楼")
    assert made.scope_path == f"{town.grid.scope_path}{made.pk}/"
    assert Event.objects.get(verb="area.created", target_id=str(made.pk)).actor_id == town.system_admin.pk
    assert trees.check() == []


def test_a_wrong_level_is_explained_at_the_field(town, keeper):
    answer = keeper.post(reverse("admin:grids_area_add"), area_form(above=town.street.pk))
    assert answer.status_code == 200
    assert "楼栋不能放在街道下面" in answer.content.decode()


def test_a_place_is_renamed_and_moved_through_the_trees(town, keeper):
    address = reverse("admin:grids_area_change", args=[town.building.pk])
    data = sent(keeper.get(address), name="一号楼", above=town.next_grid.pk, households="12")
    answer = keeper.post(address, data)
    assert answer.status_code == 302
    moved = Area.objects.get(pk=town.building.pk)
    assert (moved.name, moved.households, moved.parent_id) == ("一号楼", 12, town.next_grid.pk)
    assert trees.check() == []


def test_the_page_of_a_place_shows_its_level_and_keeps_it(town, keeper):
    address = reverse("admin:grids_area_change", args=[town.building.pk])
    page = keeper.get(address)
    assert page.status_code == 200
    assert page.context["adminform"].form.fields["tier"].disabled
    assert keeper.post(address, sent(page, tier="street")).status_code == 302
    assert Area.objects.get(pk=town.building.pk).kind == "building"
    committee = reverse("admin:grids_partyorganization_change", args=[town.committee.pk])
    assert keeper.get(committee).status_code == 200


def test_places_are_retired_by_an_action_and_refusals_are_told(town, keeper):
    chosen = {"action": "retire", "_selected_action": [town.building.pk, town.estate.pk]}
    asked = keeper.post(reverse("admin:grids_area_changelist"), chosen)
    assert "要办的有 2 条" in asked.content.decode()
    assert Area.objects.get(pk=town.building.pk).valid_to is None, "nothing happens before it is confirmed"
    chosen["confirmed"] = "yes"
    asked = keeper.post(reverse("admin:grids_area_changelist"), chosen)
    assert "请写一句原因" in asked.content.decode()
    chosen["reason"] = "楼已拆除"
    page = keeper.post(reverse("admin:grids_area_changelist"), chosen, follow=True).content.decode()
    assert "停用了 1 条" in page
    assert "下面还有" in page
    assert Event.objects.get(verb="area.retired").reason == "楼已拆除"
    assert Area.objects.get(pk=town.building.pk).valid_to is not None


def test_places_are_never_deleted(town, keeper):
    answer = keeper.post(reverse("admin:grids_area_delete", args=[town.building.pk]), {"post": "yes"})
    assert answer.status_code == 403


def test_a_party_organisation_is_added_changed_and_retired(town, keeper):
    data = {
        "name": "第一支部",
        "tier": "branch",
        "above": town.general_branch.pk,
        "kind": "area",
        "area": town.grid.pk,
        "covers": f"{town.grid.pk},{town.next_grid.pk}",
        "code": "",
        "established_on": "",
    }
    assert keeper.post(reverse("admin:grids_partyorganization_add"), data).status_code == 302
    made = PartyOrganization.objects.get(name="第一支部")
    assert set(made.covers.all()) == {town.grid, town.next_grid}
    change = reverse("admin:grids_partyorganization_change", args=[made.pk])
    data = sent(keeper.get(change), covers=str(town.grid.pk), name="一支部")
    assert keeper.post(change, data).status_code == 302
    made.refresh_from_db()
    assert (made.name, list(made.covers.all())) == ("一支部", [town.grid])
    chosen = {"action": "retire", "_selected_action": [made.pk], "confirmed": "yes", "reason": "撤并"}
    keeper.post(reverse("admin:grids_partyorganization_changelist"), chosen)
    made.refresh_from_db()
    assert made.valid_to is not None
    assert trees.check() == []


def test_the_system_administrator_sees_no_posts(town, keeper):
    assert keeper.get(reverse("admin:grids_post_changelist")).status_code == 403
    assert keeper.get(reverse("admin:grids_post_add")).status_code == 403


def test_posts_are_given_and_ended_through_the_actions(town, first_admin):
    data = {"user": town.outsider.username, "role": "community_worker", "area": town.community.pk}
    answer = first_admin.post(reverse("admin:grids_post_add"), {**data, "valid_from": "2026-01-01"})
    assert answer.status_code == 302
    post = Post.objects.get(user=town.outsider)
    chosen = {"action": "end", "_selected_action": [post.pk], "confirmed": "yes", "reason": "调走"}
    first_admin.post(reverse("admin:grids_post_changelist"), chosen)
    assert not Post.objects.current().filter(pk=post.pk).exists()
    assert Event.objects.filter(verb__in=("post.assigned", "post.ended")).count() == 2


def test_streets_and_communities_appoint_their_own_people_and_nobody_else(town, client):
    sign_in(client, town.community_worker)
    add = reverse("admin:grids_post_add")
    offered = [code for code, _ in client.get(add).context["adminform"].form.fields["role"].choices]
    assert offered == ["", "grid_worker", "building_leader"]

    def give(**changed):
        data = {"user": town.outsider.username, "role": "grid_worker", "area": town.grid.pk, "valid_from": "2026-01-01"}
        return client.post(add, {**data, **changed})

    assert give(area=town.neighbour_grid.pk).status_code == 200, "a grid of another community is not there"
    assert give(role="community_worker", area=town.community.pk).status_code == 200
    assert "不能给自己" in give(user=town.community_worker.username).content.decode()
    assert not Post.objects.filter(user=town.outsider).exists()
    assert give().status_code == 302
    assert f"{town.grid.name} 网格员" in client.get(add).content.decode(), "the message says what was given, and where"
    post = Post.objects.get(user=town.outsider)
    chosen = {"action": "end", "confirmed": "yes", "reason": "换人"}
    lists = reverse("admin:grids_post_changelist")
    far = Post.objects.get(user=town.far_worker)
    street = Post.objects.get(user=town.street_worker)
    client.post(lists, {**chosen, "_selected_action": [far.pk, street.pk]})
    assert Post.objects.current().filter(pk__in=(far.pk, street.pk)).count() == 2
    client.post(lists, {**chosen, "_selected_action": [post.pk]})
    assert not Post.objects.current().filter(pk=post.pk).exists()


def test_who_keeps_a_place_from_its_own_node_down_neither_moves_nor_retires_that_node(town, client):
    sign_in(client, town.community_worker)
    own = reverse("admin:grids_area_change", args=[town.community.pk])
    page = client.get(own)
    assert page.context["adminform"].form.fields["above"].disabled
    data = sent(page, name="槐荫新社区", above=town.far_street.pk)
    assert client.post(own, data).status_code == 302
    kept = Area.objects.get(pk=town.community.pk)
    assert (kept.name, kept.parent_id) == ("槐荫新社区", town.street.pk)
    chosen = {"action": "retire", "confirmed": "yes", "reason": "并了", "_selected_action": [town.community.pk]}
    assert "负责的人" in client.post(reverse("admin:grids_area_changelist"), chosen, follow=True).content.decode()
    assert Area.objects.get(pk=town.community.pk).valid_to is None
    building = reverse("admin:grids_area_change", args=[town.building.pk])
    data = sent(client.get(building), above=town.neighbour_grid.pk)
    assert client.post(building, data).status_code == 200, "a foreign place is no choice"
    assert client.post(building, {**data, "above": town.next_grid.pk}).status_code == 302
    assert Area.objects.get(pk=town.building.pk).parent_id == town.next_grid.pk


def test_a_stale_page_overwrites_nothing(town, keeper):
    address = reverse("admin:grids_area_change", args=[town.estate.pk])
    early = sent(keeper.get(address), households="700")
    assert keeper.post(address, sent(keeper.get(address), households="650")).status_code == 302
    answer = keeper.post(address, early)
    assert answer.status_code == 200
    assert "刚刚有别人改了这一条" in answer.content.decode()
    assert 'value="700"' in answer.content.decode(), "what was typed is still there"
    assert Area.objects.get(pk=town.estate.pk).households == 650


def test_the_profile_of_the_district_is_written_by_its_action(town, keeper):
    address = reverse("admin:grids_districtprofile_change", args=[1])
    data = sent(keeper.get(address), site_name="新名称", most_at_once="300", exception_days="30")
    answer = keeper.post(address, data)
    assert answer.status_code == 302
    assert DistrictProfile.objects.get().site_name == "新名称"
    assert Event.objects.filter(verb="district.profile_changed").exists()


def test_the_list_of_places_tells_where_a_party_organisation_is_still_missing(town, keeper):
    address = reverse("admin:grids_area_changelist")

    def shown(**query):
        with CaptureQueriesContext(connection) as queries:
            page = keeper.get(address, query)
        return set(page.context["cl"].queryset), len(queries), page.content.decode()

    shown()  # what is only asked once
    every, plain, page = shown()
    assert "应建尽建" in page
    assert every == set(town.areas.values())
    missing, asked, _ = shown(party="missing")
    covered, asked_too, _ = shown(party="covered")
    assert covered == {town.community}
    assert missing == {area for area in every - covered if area.kind not in ("district", "street")}
    assert asked == asked_too == plain
    assert shown(party="missing", kind__exact="grid")[0] == {area for area in every if area.kind == "grid"}


@pytest.mark.parametrize(
    "model", [model for model in admin.site._registry if model._meta.app_label == "grids"], ids=str
)
def test_every_list_opens_with_bare_rows(town, first_admin, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    assert first_admin.get(reverse(name)).status_code == 200
    assert first_admin.get(reverse(name), {"q": "楼"}).status_code == 200


def test_a_rows_history_tells_of_every_door(town, keeper):
    """Not of the admin's forms alone; and of this row alone."""
    trees.retire_area(town.building, actor=town.system_admin, reason="拆了")
    page = keeper.get(reverse("admin:grids_area_history", args=[town.building.pk])).content.decode()
    for words in ("停用区域", "在用", "已停用", "拆了"):
        assert words in page
    page = keeper.get(reverse("admin:grids_area_history", args=[town.far_building.pk])).content.decode()
    assert "停用区域" not in page


def test_whoever_only_looks_reads_where_a_place_stands(town, client):
    sign_in(client, town.auditor)
    page = client.get(reverse("admin:grids_area_change", args=[town.building.pk])).content.decode()
    assert "Above" not in page
    assert "Tier" not in page
    assert "上级" in page
    assert town.building.get_kind_display() in page
