"""Tokens: issued with a term and fewer rights, exchanged, revoked; a token opens no more than its owner may."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from accounts import actions, tokens
from accounts.models import ApiToken, TokenPolicy, User
from audit.models import Event
from clockwork.selectors import db_now
from common import access
from common.errors import Invalid, StepNotAllowed
from grids.permissions import reach
from partners.models import Partner, Resource
from partners.permissions import partner_rights
from requests_board.models import Allocation

pytestmark = pytest.mark.django_db
LIST = "/api/v1/requests/"
ALL = ["view_request", "handle_request", "view_allocation", "view_resource_request", "view_pool", "view_partner"]


def issue(user, permissions=("view_request",), **more):
    values = {"name": "对接热线", "days": 30, "actor": None, **more}
    return actions.issue_token(user=user, permissions=list(permissions), **values)


def narrowed(user, permissions=("view_request",), **more):
    return actions.come_in(issue(user, permissions, **more)[1], address="10.1.2.3")


def place_of(area):
    return access.Place(area.pk, area.name, area.scope_path)


def call(client, secret, path=LIST, scheme="Bearer", **headers):
    return client.get(path, headers={"Authorization": f"{scheme} {secret}"}, **headers)


# Coming in -----------------------------------------------------------------------------------------------------------


def test_a_token_opens_the_api_and_only_that(client, town):
    _, secret = issue(town.community_worker)
    assert call(client, secret).status_code == 200
    assert call(client, secret, scheme="bearer").status_code == 200
    assert call(client, secret, path="/desk/").status_code == 302
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize("secret", ["hd_wrong", "x" * 5000, "hd_" + "ä" * 10, "hd_a b"])
def test_what_is_no_token_is_told_so(client, town, secret):
    response = call(client, secret)
    assert response.status_code == 401
    assert response.json()["code"] == "bad_token"
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_nobody_is_asked_for_a_token(client, town):
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
        response = client.get(LIST, headers=headers)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, tokens.CHALLENGE)


def test_a_wrong_token_is_not_made_good_by_a_session(client, town):
    client.force_login(town.community_worker)
    assert client.get(LIST).status_code == 200
    assert call(client, "hd_wrong").status_code == 401


def test_the_token_counts_and_not_the_session_beside_it(client, town):
    client.force_login(town.district_official)
    _, secret = issue(town.grid_worker, ["view_pool"])
    assert call(client, secret).status_code == 403


def test_a_session_still_needs_its_form_key_and_a_token_does_not(town):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    _, secret = issue(town.community_worker, permissions=["handle_request"])
    answers = [client.post(LIST, "{}", "application/json", headers={"Authorization": f"Bearer {secret}"})]
    client.force_login(town.community_worker)
    answers.append(client.post(LIST, "{}", "application/json"))
    assert [(found.status_code, found.json()["code"]) for found in answers] == [(422, "malformed"), (403, "csrf")]


def test_only_a_digest_is_kept(town):
    token, secret = issue(town.community_worker)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM accounts_apitoken t")
        (kept,) = cursor.fetchone()
    assert secret.startswith("hd_")
    assert len(secret) == 46
    assert secret[tokens.HINT :] not in kept
    assert token.digest in kept
    assert secret not in "".join(str(event.data) + event.target_id for event in Event.objects.all())


def test_when_and_whence_are_noted_once_in_a_while(client, town, django_assert_num_queries):
    token, secret = issue(town.community_worker)
    actions.come_in(secret, address="10.1.2.3")
    token.refresh_from_db()
    assert token.last_network == "10.1.2.0/24"
    first = token.last_used_at
    with django_assert_num_queries(1):
        actions.come_in(secret, address="10.9.9.9")
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=db_now() - timedelta(minutes=6))
    actions.come_in(secret, address="2001:db8:1:2::")
    token.refresh_from_db()
    assert token.last_network == "2001:db8:1::/48"


# Ends ----------------------------------------------------------------------------------------------------------------


def ends():
    return {
        "expired": lambda token, town: ApiToken.objects.update(
            created_at=db_now() - timedelta(days=2), expires_at=db_now() - timedelta(seconds=1)
        ),
        "revoked": lambda token, town: actions.revoke_token(token, actor=town.security_admin),
        "account closed": lambda token, town: actions.set_active(token.user, active=False, actor=town.security_admin),
        "account closed by hand": lambda token, town: User.objects.filter(pk=token.user_id).update(is_active=False),
    }


@pytest.mark.parametrize("end", ends())
def test_a_token_that_has_ended_opens_nothing(client, town, end):
    token, secret = issue(town.community_worker)
    assert call(client, secret).status_code == 200
    ends()[end](token, town)
    assert call(client, secret).status_code == 401
    with pytest.raises(StepNotAllowed):
        actions.rotate_token(token, actor=town.security_admin)


def test_an_account_that_is_opened_again_has_no_tokens(client, town):
    _, secret = issue(town.community_worker)
    for active in (False, True):
        actions.set_active(town.community_worker, active=active, actor=town.security_admin)
    assert call(client, secret).status_code == 401


def test_a_closed_post_takes_the_tokens_rights_with_it(client, town):
    from grids.actions import end_post

    _, secret = issue(town.community_worker)
    end_post(town.community_worker.posts.get(), actor=town.security_admin)
    assert call(client, secret).status_code == 403


def test_a_fresh_token_takes_over_and_the_old_one_has_some_hours(client, town):
    token, old = issue(town.community_worker)
    fresh, new = actions.rotate_token(token, actor=town.community_worker)
    assert call(client, old).status_code == call(client, new).status_code == 200
    before, token = token, ApiToken.objects.get(pk=token.pk)
    assert fresh.expires_at == before.expires_at
    assert fresh.family == token.family
    assert token.expires_at - db_now() <= timedelta(hours=TokenPolicy.current().overlap_hours)
    assert set(Event.objects.filter(verb__startswith="token.").values_list("verb", flat=True)) == {
        "token.issued", "token.rotated",
    }  # fmt: skip


def test_exchanging_never_makes_a_token_last_longer(town):
    token, _ = issue(town.community_worker, days=1)
    ApiToken.objects.update(expires_at=db_now() + timedelta(minutes=5))
    before = ApiToken.objects.get().expires_at
    fresh, _ = actions.rotate_token(token, actor=town.community_worker)
    assert set(ApiToken.objects.values_list("expires_at", flat=True)) == {before}
    assert fresh.expires_at == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 366}, "days"),
        ({"name": " "}, "name"),
        ({"permissions": ()}, "permissions"),
        ({"permissions": ("enter_admin",)}, "permissions"),
        ({"permissions": ("manage_users",)}, "permissions"),
        ({"permissions": ("nonsense",)}, "permissions"),
    ],
)
def test_what_may_not_be_issued(town, change, field):
    with pytest.raises(Invalid) as refused:
        issue(town.community_worker, **change)
    assert refused.value.field == field


def test_the_longest_term_is_the_districts(town):
    TokenPolicy.objects.create(longest_days=10)
    with pytest.raises(Invalid, match="10"):
        issue(town.community_worker, days=11)


# Never more than the owner -------------------------------------------------------------------------------------------


def test_only_the_named_rights_are_left(town):
    user = narrowed(town.community_worker, ["view_request"])
    assert access.held(user) == {"view_request"}
    assert reach(user, "handle_request") == ()
    assert reach(user, "view_request") == (town.community.scope_path,)


def test_a_right_that_the_owner_does_not_hold_is_not_given(town):
    assert access.held(narrowed(town.building_leader, ALL)) == {"view_request"}


@pytest.mark.parametrize(
    ("owner", "place", "left"),
    [
        ("street_worker", "community", "community"),
        ("community_worker", "street", "community"),
        ("community_worker", "community", "community"),
        ("community_worker", "next_community", None),
        ("community_worker", "far_building", None),
        ("district_official", "building", "building"),
    ],
)
def test_a_place_cuts_the_reach_down(town, owner, place, left):
    user = narrowed(getattr(town, owner), place=place_of(town.areas[place]))
    assert reach(user, "view_request") == ((town.areas[left].scope_path,) if left else ())
    assert access.holds(user, "view_request") is (left is not None)


def test_a_place_that_is_gone_leaves_nothing(town):
    place = access.Place(2**40, "没有了", "/x/")
    assert access.held(narrowed(town.street_worker, ALL, place=place)) == frozenset()


def test_memberships_are_narrowed_too(pool):
    liaison = pool.liaison()
    full = narrowed(liaison, ["view_allocation", "answer_allocation"])
    assert set(partner_rights(full)) == {"view_allocation", "answer_allocation"}
    half = narrowed(liaison, ["view_allocation"])
    assert set(partner_rights(half)) == access.held(half) == {"view_allocation"}
    for user in (
        narrowed(liaison, ["view_request"]),
        narrowed(liaison, ["view_allocation"], place=place_of(pool.town.district)),
    ):
        assert partner_rights(user) == {}
        assert list(Partner.objects.visible_to(user)) == list(Resource.objects.visible_to(user)) == []
        assert list(Allocation.objects.visible_to(user)) == []
    assert Partner.objects.visible_to(half).count() == Partner.objects.visible_to(pool.liaison()).count() == 1


def test_a_first_administrators_token_is_narrowed_too(town):
    chief = User.objects.create_superuser("chief")
    user = narrowed(chief, ["manage_settings"])
    assert access.held(user) == {"manage_settings"}
    assert not user.has_perm("anything")


def test_without_narrowing_a_token_would_do_everything(town, monkeypatch):
    """The control: what holds a token back is the narrowing alone."""
    monkeypatch.setattr(access, "narrow", lambda user, narrowing: None)
    assert "handle_request" in access.held(narrowed(town.community_worker, ["view_request"]))


def test_the_trail_names_the_token(town):
    from audit.actions import record

    user = narrowed(town.community_worker)
    assert record(actor=user, verb="x.y", target=None).actor_label == "community_worker（令牌：对接热线）"


# The pages -----------------------------------------------------------------------------------------------------------


def form(**changes):
    return {"name": "对接热线", "username": "community_worker", "permissions": ["view_request"], "days": "30"} | changes


def test_the_security_administrator_issues_and_sees_it_once(client, town):
    client.force_login(town.security_admin)
    assert "请找安全管理员" not in client.get(reverse("accounts:tokens")).content.decode(), "that is who reads it"
    assert f'href="{reverse("accounts:tokens")}">‹' in client.get(reverse("accounts:new_token")).content.decode()
    page = client.post(reverse("accounts:new_token"), form(place="990001001001"))
    secret = page.context["secret"]
    assert secret in page.content.decode()
    assert page["Cache-Control"].startswith("max-age=0") or "no-store" in page["Cache-Control"]
    assert secret not in client.get(reverse("accounts:tokens")).content.decode()
    token = ApiToken.objects.get()
    assert (token.user, token.place_name, token.created_by) == (town.community_worker, "槐荫社区", town.security_admin)
    client.logout()
    assert call(client, secret).status_code == 200


def test_an_account_for_a_system_is_made_with_its_token_and_nobody_signs_in_to_it(client, town):
    client.force_login(town.security_admin)
    assert client.post(reverse("accounts:new_token"), form(username="hotline")).status_code == 422
    assert client.post(reverse("accounts:new_token"), form(username="hotline", create="on")).status_code == 200
    user = User.objects.get(username="hotline")
    assert not user.has_usable_password()
    assert user.api_tokens.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "给哪个系统"),
        ({"username": "nobody"}, "没有用户名是“nobody”的账号"),
        ({"permissions": []}, "至少选一项"),
        ({"permissions": ["enter_admin"]}, "从列出来的里面选"),
        ({"place": "123"}, "没有代码是“123”的地方"),
        ({"days": "999"}, "365"),
        ({"days": "一百"}, "整数"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_lost(client, town, change, words):
    client.force_login(town.security_admin)
    page = client.post(reverse("accounts:new_token"), form(**change))
    assert page.status_code == 422
    assert words in page.content.decode()
    assert ApiToken.objects.count() == 0
    if "name" not in change:
        assert 'value="对接热线"' in page.content.decode()


def test_each_sees_their_own_and_ends_them(client, town):
    mine, _ = issue(town.community_worker)
    other, _ = issue(town.far_worker, name="别人的")
    client.force_login(town.community_worker)
    page = client.get(reverse("accounts:tokens")).content.decode()
    assert "对接热线" in page
    assert "别人的" not in page
    assert client.post(reverse("accounts:revoke_token", args=[other.pk])).status_code == 404
    assert client.post(reverse("accounts:rotate_token", args=[other.pk])).status_code == 404
    assert client.post(reverse("accounts:rotate_token", args=[mine.pk])).status_code == 200
    assert client.post(reverse("accounts:revoke_token", args=[mine.pk])).status_code == 302
    assert ApiToken.objects.alive().filter(user=town.community_worker).count() == 1
    client.force_login(town.security_admin)
    assert "别人的" in client.get(reverse("accounts:tokens"), {"q": "别人"}).content.decode()
    assert "别人的" not in client.get(reverse("accounts:tokens"), {"q": "热线"}).content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999"])
def test_any_page_number_is_answered(client, town, page):
    client.force_login(town.security_admin)
    assert client.get(reverse("accounts:tokens"), {"page": page}).status_code == 200
