"""The pages of groups, grants and exceptions: what is typed, what is refused and how, what the events tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actions import set_active
from audit.models import Event
from clockwork.actions import load_calendar, load_policies
from clockwork.selectors import db_now
from grids import permissions, selectors, trees
from grids.actions import grants, groups
from grids.models import Area, AreaGroupPermission, AreaUserPermission, RowGrant
from requests_board.actions.requests import submit_request
from requests_board.models import ServiceRequest

pytestmark = pytest.mark.django_db

PERSON, GROUP = "admin:grids_areauserpermission", "admin:grids_areagrouppermission"
EXCEPTION, TEAM, SIGHT = "admin:grids_rowgrant", "admin:auth_group", "admin:grids_sight"


@pytest.fixture
def keeper(town, client):
    """The security administrator's browser."""
    client.force_login(town.security_admin, backend="accounts.backends.PhoneOrNameBackend")
    return client


@pytest.fixture
def team(town):
    """A group with one member."""
    group = groups.create_group("巡查组")
    groups.change_group(group, join=town.outsider)
    return group


@pytest.fixture
def row(town):
    """A request outside everybody's places but those of the far side."""
    load_calendar()
    load_policies()
    return submit_request(area=town.far_building, text="路灯不亮", phone="19900001234")


def day(days: int) -> str:
    """A day from today, as the form writes it."""
    return f"{selectors.today() + timedelta(days=days):%Y-%m-%d}"


def words(page) -> str:
    """The refusals of a page."""
    form = page.context["adminform"].form
    return " ".join(sentence for errors in form.errors.values() for sentence in errors)


def fields(page) -> set[str]:
    """The fields that were refused."""
    return set(page.context["adminform"].form.errors)


# Grants at places ---------------------------------------------------------------------------------------------------


def test_a_person_is_given_a_right_at_a_place_until_a_day(town, keeper):
    data = {"user": "outsider", "right": "view_request", "place": "槐荫小区", "until": day(0), "reason": "替班"}
    answer = keeper.post(reverse(f"{PERSON}_add"), data)
    assert answer.status_code == 302, words(answer)
    row = AreaUserPermission.objects.get()
    assert (row.user, row.content_object, row.granted_by, row.reason) == (
        town.outsider, town.estate, town.security_admin.display_name, "替班",
    )  # fmt: skip
    # The day that was named counts to its end.
    assert timedelta(0) < row.expires_at - db_now() <= timedelta(days=1)
    assert permissions.can(town.person("outsider"), "view_request", town.building)
    assert not permissions.can(town.person("outsider"), "view_request", town.community)
    event = Event.objects.get(verb="grant.given")
    assert (event.after, event.reason, event.actor_id) == ("view_request", "替班", town.security_admin.pk)
    assert keeper.get(reverse(f"{PERSON}_change", args=[row.pk])).status_code == 200
    shown = f"{selectors.today():%Y年%-m月%-d日}"
    assert shown in keeper.get(reverse(f"{PERSON}_changelist")).content.decode()


def test_who_was_trusted_with_what_is_not_told_on_the_page_of_the_place(town, keeper, client):
    trees.update_area(town.community, phone="12345", reason="新电话")
    data = {"user": "outsider", "right": "view_request", "place": "槐荫社区", "reason": "替生病的人"}
    assert keeper.post(reverse(f"{PERSON}_add"), data).status_code == 302
    row = AreaUserPermission.objects.get()
    grants.end_grant(row, actor=town.security_admin, reason="病好了")
    for verb, reason in (("grant.given", "替生病的人"), ("grant.ended", "病好了")):
        event = Event.objects.get(verb=verb)
        assert (event.target_type, event.reason) == ("grids.areauserpermission", reason)
        assert (event.scope_path, event.data["area"]) == (town.community.scope_path, town.community.pk)
    client.force_login(town.community_worker)
    told = client.get(reverse("admin:grids_area_history", args=[town.community.pk])).content.decode()
    assert "新电话" in told
    assert "替生病的人" not in told
    assert "病好了" not in told


def test_given_again_the_new_term_holds(town, keeper):
    data = {"user": "outsider", "right": "view_request", "place": "槐荫小区", "until": day(1), "reason": "替班"}
    keeper.post(reverse(f"{PERSON}_add"), data)
    keeper.post(reverse(f"{PERSON}_add"), {**data, "until": day(9), "reason": "再替几天"})
    row = AreaUserPermission.objects.get()
    assert row.reason == "再替几天"
    assert row.expires_at - db_now() > timedelta(days=8)


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"until": "2020-01-01"}, "until", "已经过去"),
        ({"until": "9999-12-31"}, "until", "太远"),
        ({"until": "不知道"}, "until", "日期"),
        ({"user": "nobody-here"}, "user", "没有找到这个人"),
        ({"user": "security_admin"}, "user", "不能给自己"),
        ({"user": ""}, "user", "要填"),
        ({"right": "manage_posts"}, "right", "manage_posts"),
        ({"right": "enter_admin"}, "right", "enter_admin"),
        ({"place": "没有的小区"}, "place", "没有找到这个区域"),
        ({"place": "网格"}, "place", "请在下面选一个"),
        ({"reason": "  "}, "reason", "要填"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(town, keeper, changed, field, sentence):
    data = {"user": "outsider", "right": "view_request", "place": "槐荫小区", "until": day(3), "reason": "替班"}
    page = keeper.post(reverse(f"{PERSON}_add"), {**data, **changed})
    assert page.status_code == 200
    assert fields(page) == {field}
    assert sentence in words(page)
    assert "替班" in page.content.decode() or field == "reason"
    assert not AreaUserPermission.objects.exists()


def test_several_places_that_fit_are_offered_with_what_lies_above_them(town, keeper):
    data = {"user": "outsider", "right": "view_request", "place": "网格", "until": "", "reason": "替班"}
    page = keeper.post(reverse(f"{PERSON}_add"), data).content.decode()
    assert "示例区 › 西河街道 › 河湾社区 › 河湾小区 › 第四网格" in page
    chosen = {**data, "place-chosen": str(town.far_grid.pk)}
    assert keeper.post(reverse(f"{PERSON}_add"), chosen).status_code == 302
    assert AreaUserPermission.objects.get().content_object == town.far_grid
    # What was not offered cannot be chosen by hand.
    by_hand = {**data, "place-chosen": str(town.district.pk), "right": "handle_request"}
    assert "请在下面选一个" in words(keeper.post(reverse(f"{PERSON}_add"), by_hand))


def test_a_place_is_found_by_the_names_above_it_and_by_its_code(town, keeper):
    for typed, place in (("河湾 5号楼", town.far_building), ("990001001002", town.next_community)):
        data = {"user": "outsider", "right": "view_pool", "place": typed, "until": "", "reason": "替班"}
        assert keeper.post(reverse(f"{PERSON}_add"), data).status_code == 302, typed
        assert AreaUserPermission.objects.filter(content_object=place).exists()


def test_a_retired_place_and_a_closed_account_are_refused(town, keeper):
    from grids import trees

    trees.retire_area(town.far_building)
    page = keeper.post(
        reverse(f"{PERSON}_add"),
        {"user": "outsider", "right": "view_request", "place": "5号楼", "reason": "替班"},
    )
    assert "没有找到这个区域" in words(page)
    set_active(town.outsider, active=False, actor=None)
    page = keeper.post(
        reverse(f"{PERSON}_add"),
        {"user": "outsider", "right": "view_request", "place": "1号楼", "reason": "替班"},
    )
    assert (fields(page), "已经停用" in words(page)) == ({"user"}, True)


def test_a_group_is_given_a_right_and_nobody_grants_to_their_own_group(town, keeper, team):
    data = {"group": team.pk, "right": "view_request", "place": "河湾社区", "until": "", "reason": "巡查"}
    assert keeper.post(reverse(f"{GROUP}_add"), data).status_code == 302
    assert permissions.can(town.person("outsider"), "view_request", town.far_building)
    team.user_set.add(town.security_admin)
    page = keeper.post(reverse(f"{GROUP}_add"), {**data, "place": "柳青社区"})
    assert "自己所在的组" in words(page)
    assert AreaGroupPermission.objects.count() == 1


def test_a_grant_is_ended_with_a_reason_that_is_asked_for(town, keeper):
    row = grants.grant(town.outsider, "view_request", town.estate)
    before = town.person("outsider").get_session_auth_hash()
    address, chosen = reverse(f"{PERSON}_changelist"), {"action": "end", "_selected_action": [row.pk]}
    page = keeper.post(address, chosen)
    assert (page.status_code, "槐荫小区" in page.content.decode()) == (200, True)
    chosen["confirmed"] = "yes"
    assert "原因" in keeper.post(address, {**chosen, "reason": " "}).content.decode()
    assert AreaUserPermission.objects.exists()
    told = keeper.post(address, {**chosen, "reason": "替完了"}, follow=True).content.decode()
    assert "收回了 1 条" in told
    assert not AreaUserPermission.objects.exists()
    assert not permissions.can(town.person("outsider"), "view_request", town.estate)
    assert town.person("outsider").get_session_auth_hash() != before
    assert Event.objects.get(verb="grant.ended").reason == "替完了"


# Exceptions ---------------------------------------------------------------------------------------------------------


def asked(about, **changed):
    """What the form of an exception sends."""
    return {
        "user": "outsider", "group": "", "kind": "requests_board.servicerequest", "row": about.number,
        "right": "handle_request", "until": day(3), "reason": "顶班", **changed,
    }  # fmt: skip


def test_one_request_is_opened_to_one_person_for_some_days(town, keeper, client, row):
    other = submit_request(area=town.far_building, text="井盖响", phone="19900001234")
    answer = keeper.post(reverse(f"{EXCEPTION}_add"), asked(row))
    assert answer.status_code == 302, words(answer)
    made = RowGrant.objects.get()
    assert (made.label, made.object_pk, made.user) == (row.number, str(row.pk), town.outsider)
    person = town.person("outsider")
    assert list(ServiceRequest.objects.visible_to(person)) == [row]
    assert permissions.can(person, "handle_request", row)
    assert not permissions.can(person, "handle_request", other)
    assert person.has_perm("grids.handle_request", row)
    assert not person.has_perm("grids.handle_request", other)
    client.force_login(person, backend="accounts.backends.PhoneOrNameBackend")
    page = client.get(reverse("requests_board:desk"), {"open": row.number})
    assert page.status_code == 200
    assert "路灯不亮" in page.content.decode()
    # The rest of the building is not shown beside it.
    assert "井盖响" not in page.content.decode()
    assert client.get(reverse("requests_board:desk"), {"open": other.number}).status_code == 404
    step = reverse("requests_board:request_step", args=[row.number, "take"])
    assert client.post(step, {"version": row.version}).status_code == 302
    assert ServiceRequest.objects.get(pk=row.pk).handler_user_id == person.pk
    event = Event.objects.get(verb="exception.made")
    assert (event.target_type, event.data["row"], event.scope_path) == ("grids.rowgrant", str(row.pk), row.scope_path)


def test_who_may_only_see_it_takes_no_step(town, keeper, client, row):
    keeper.post(reverse(f"{EXCEPTION}_add"), asked(row, right="view_request"))
    client.force_login(town.person("outsider"), backend="accounts.backends.PhoneOrNameBackend")
    assert client.get(reverse("requests_board:desk"), {"open": row.number}).status_code == 200
    step = reverse("requests_board:request_step", args=[row.number, "take"])
    assert client.post(step, {"version": row.version}).status_code == 403


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"until": ""}, "until", "要填"),
        ({"until": "2020-01-01"}, "until", "已经过去"),
        ({"row": "1124-NEVER"}, "row", "没有找到这一条"),
        ({"kind": "partners.partner"}, "row", "没有找到这一条"),
        ({"kind": "accounts.user"}, "kind", "accounts.user"),
        ({"right": "view_pool"}, "right", "没有这项权限"),
        ({"right": "manage_posts"}, "right", "manage_posts"),
        ({"user": "security_admin"}, "user", "不能给自己"),
        ({"user": ""}, "user", "只选一样"),
        ({"reason": ""}, "reason", "要填"),
    ],
)
def test_a_mistake_in_an_exception_is_told_at_its_field(town, keeper, row, changed, field, sentence):
    page = keeper.post(reverse(f"{EXCEPTION}_add"), asked(row, **changed))
    assert page.status_code == 200
    assert field in fields(page)
    assert sentence in words(page)
    assert not RowGrant.objects.exists()


def test_how_long_an_exception_may_last_is_the_districts_affair(town, keeper, row):
    page = keeper.post(reverse(f"{EXCEPTION}_add"), asked(row, until=day(31)))
    assert f"最晚只能给到 {day(30)}" in words(page)
    from grids.actions import update_profile

    update_profile(exception_days=60)
    assert keeper.post(reverse(f"{EXCEPTION}_add"), asked(row, until=day(60))).status_code == 302
    assert "最晚只能给到" in words(keeper.post(reverse(f"{EXCEPTION}_add"), asked(row, until=day(61))))


def test_an_exception_for_a_group_counts_for_its_members(town, keeper, team, row):
    assert keeper.post(reverse(f"{EXCEPTION}_add"), asked(row, user="", group=team.pk)).status_code == 302
    assert list(ServiceRequest.objects.visible_to(town.person("outsider"))) == [row]
    groups.change_group(team, leave=[town.outsider])
    assert not ServiceRequest.objects.visible_to(town.person("outsider")).exists()


def test_what_has_run_out_gives_nothing_and_is_removed_with_an_event(town, row):
    until = db_now() + timedelta(days=1)
    grants.make_exception(town.outsider, "handle_request", row, until=until, reason="顶班")
    grants.grant(town.outsider, "view_pool", town.estate, until=until)
    kept = grants.grant(town.outsider, "view_partner", town.estate)
    assert grants.expire_grants() == 0
    for model in (RowGrant, AreaUserPermission):
        model.objects.filter(expires_at__isnull=False).update(expires_at=db_now())
    person = town.person("outsider")
    assert permissions.held_permissions(person) == {"view_partner"}
    assert not ServiceRequest.objects.visible_to(person).exists()
    assert grants.expire_grants() == 2
    assert list(AreaUserPermission.objects.all()) == [kept]
    verbs = {"grant.expired", "exception.expired"}
    assert set(Event.objects.filter(verb__in=verbs).values_list("verb", flat=True)) == verbs
    assert grants.expire_grants() == 0


def test_whoever_moves_loses_what_was_given_by_name(town, row):
    from grids.actions import end_post

    until = db_now() + timedelta(days=1)
    grants.make_exception(town.community_worker, "view_request", row, until=until, reason="顶班")
    grants.grant(town.community_worker, "view_request", town.far_estate)
    assert permissions.can(town.person("community_worker"), "view_request", row)
    end_post(town.community_worker.posts.get())
    assert not permissions.held_permissions(town.person("community_worker"))
    assert not RowGrant.objects.exists()
    assert Event.objects.filter(verb__in=("exception.ended", "grant.ended"), reason="岗位结束").count() == 2


def test_whoever_loses_the_account_gets_nothing_back_with_it(town, team, row):
    until = db_now() + timedelta(days=1)
    grants.make_exception(town.outsider, "view_request", row, until=until, reason="顶班")
    grants.grant(team, "view_request", town.far_estate)
    set_active(town.outsider, active=False, actor=None)
    assert not ServiceRequest.objects.visible_to(town.person("outsider")).exists()
    from grids.handlers import cut_whoever_left

    cut_whoever_left(Event.objects.get(verb="account.closed"))
    set_active(town.outsider, active=True, actor=None)
    assert not permissions.held_permissions(town.person("outsider"))
    assert not ServiceRequest.objects.visible_to(town.person("outsider")).exists()


def test_all_that_a_person_holds_is_one_statement(town, team, row):
    until = db_now() + timedelta(days=1)
    grants.grant(team, "view_request", town.estate)
    for holder in (team, town.outsider):
        grants.make_exception(holder, "handle_request", row, until=until, reason="顶班")
    for name in ("outsider", "community_worker"):
        person = town.person(name)
        with CaptureQueriesContext(connection) as queries:
            permissions.reach(person, "view_request")
            permissions.excepted(person, "view_request", ServiceRequest)
            permissions.held_permissions(person)
            permissions.can(person, "handle_request", row)
        assert len(queries) == 1


# Groups -------------------------------------------------------------------------------------------------------------


def test_a_group_is_made_filled_emptied_and_dissolved(town, keeper):
    assert keeper.post(reverse(f"{TEAM}_add"), {"name": "巡查组", "reason": "夜间巡查"}).status_code == 302
    group = Group.objects.get()
    page = reverse(f"{TEAM}_change", args=[group.pk])
    joined = keeper.post(page, {"name": "夜间巡查组", "join": "outsider", "reason": "入组"})
    assert joined.status_code == 302, words(joined)
    assert list(group.user_set.all()) == [town.outsider]
    given = grants.grant(group, "view_request", town.far_estate)
    shown = keeper.get(page).content.decode()
    assert "河湾小区：查看诉求" in shown
    assert keeper.post(page, {"name": "夜间巡查组", "leave": [town.outsider.pk], "reason": "退组"}).status_code == 302
    assert not group.user_set.exists()
    groups.change_group(group, join=town.grid_worker)
    chosen = {"action": "end", "_selected_action": [group.pk], "reason": "巡查结束"}
    chosen["confirmed"] = "yes"
    assert "解散了 1 条" in keeper.post(reverse(f"{TEAM}_changelist"), chosen, follow=True).content.decode()
    assert not Group.objects.exists()
    assert not AreaGroupPermission.objects.filter(pk=given.pk).exists()
    assert not permissions.can(town.person("grid_worker"), "view_request", town.far_building)
    told = set(Event.objects.filter(verb__startswith="group.").values_list("verb", flat=True))
    assert told == {"group.created", "group.renamed", "group.joined", "group.left", "group.dissolved"}


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"join": "security_admin"}, "join", "不能把自己加进组里"),
        ({"join": "nobody-here"}, "join", "没有找到这个人"),
        ({"name": "另一组"}, "name", "已"),
        ({"name": " "}, "name", "要填"),
        ({"reason": ""}, "reason", "要填"),
    ],
)
def test_a_mistake_in_a_group_is_told_at_its_field(town, keeper, team, changed, field, sentence):
    groups.create_group("另一组")
    page = keeper.post(
        reverse(f"{TEAM}_change", args=[team.pk]), {"name": "巡查组", "join": "", "reason": "调整", **changed}
    )
    assert (page.status_code, fields(page)) == (200, {field})
    assert sentence in words(page)


# What one person sees -----------------------------------------------------------------------------------------------


def test_the_page_tells_what_a_person_holds_and_why_a_row_is_seen(town, keeper, team, row):
    grants.grant(team, "view_request", town.far_estate, reason="巡查")
    page = keeper.get(reverse(SIGHT), {"person": "outsider"}).content.decode()
    assert "组“巡查组”的授权" in page
    about = {"kind": "requests_board.servicerequest", "row": row.number}
    page = keeper.get(reverse(SIGHT), {"person": "outsider", **about})
    assert page.context["sees"] is True
    assert "组“巡查组”的授权：查看诉求（河湾小区）" in page.content.decode()
    page = keeper.get(reverse(SIGHT), {"person": "community_worker", **about})
    assert page.context["sees"] is False
    assert "河湾社区 › 河湾小区" in page.content.decode()
    assert "路灯不亮" not in page.content.decode(), "what the request says is not the administrator's business"


def test_the_page_answers_odd_questions(town, keeper, row):
    for query in (
        {}, {"person": ""}, {"person": "没有"}, {"person": "o" * 5000},
        {"person": "outsider", "kind": "x"}, {"person": "outsider", "kind": "partners.partner"},
        {"person": "outsider", "kind": "partners.partner", "row": "'"}, {"person": "worker"},
        {"person": "outsider", "kind": "requests_board.allocation", "row": str(row.pk)},
        {"person": "outsider", "kind": "grids.partyorganization", "row": str(row.pk)},
    ):  # fmt: skip
        assert keeper.get(reverse(SIGHT), query).status_code == 200, query


def test_only_whoever_keeps_posts_asks(town, client):
    for name in ("system_admin", "auditor", "district_official", "community_worker"):
        client.force_login(getattr(town, name), backend="accounts.backends.PhoneOrNameBackend")
        for page in (SIGHT, f"{PERSON}_changelist", f"{EXCEPTION}_add", f"{TEAM}_changelist"):
            assert client.get(reverse(page)).status_code == 403, (name, page)


def test_every_person_sees_a_row_for_a_reason_that_is_told_or_not_at_all(town, team, row):
    from grids.grants_selectors import holdings, why

    grants.grant(team, "view_request", town.street)
    grants.make_exception(town.grid_worker, "handle_request", row, until=db_now() + timedelta(days=1), reason="顶班")
    rows = [row, submit_request(area=town.building, text="水管漏", phone="19900001234")]
    names = ("outsider", "grid_worker", "community_worker", "far_worker", "district_official", "auditor")
    for name in names:
        for each in rows:
            person = town.person(name)
            answers = why(person, each, holdings(person))
            assert answers[0].yes is ServiceRequest.objects.visible_to(person).filter(pk=each.pk).exists()
            assert all(bool(answer.because) is answer.yes and "替合伙人" not in str(answer) for answer in answers)


def test_a_grant_moves_with_its_place(town):
    from grids import trees

    grants.grant(town.outsider, "view_request", town.street)
    assert permissions.can(town.person("outsider"), "view_request", town.building)
    trees.move_area(town.community, to=town.far_street)
    moved = Area.objects.get(pk=town.building.pk)
    assert not permissions.can(town.person("outsider"), "view_request", moved)
    grants.grant(town.outsider, "view_request", town.far_street)
    assert permissions.can(town.person("outsider"), "view_request", moved)


def test_the_page_of_an_exception_shows_it(town, keeper, row):
    keeper.post(reverse(f"{EXCEPTION}_add"), asked(row))
    page = keeper.get(reverse(f"{EXCEPTION}_change", args=[RowGrant.objects.get().pk])).content.decode()
    assert row.number in page
    assert "办理诉求" in page
