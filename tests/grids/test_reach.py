"""Scope by SQL equals scope by walking the tree by hand, after any moves and changes of posts and grants."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections import Counter

import hypothesis.strategies as st
import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings

from accounts.models import User
from audit.models import Event
from clockwork.actions import load_calendar, load_policies
from clockwork.selectors import db_now
from common.errors import Conflict, DomainError, Invalid, NotAllowed
from grids import actions, permissions, roles, selectors, trees
from grids.actions import grants, groups
from grids.grants_selectors import GRANTS
from grids.models import Area, Post, RowGrant
from requests_board.actions.requests import submit_request
from requests_board.models import ServiceRequest
from tests import factories

pytestmark = pytest.mark.django_db

PERMISSIONS = ("view_request", "handle_request", "reveal_contact", "view_dashboard", "settle_at_district")


class Oracle:
    """Who may do what where, from the tables as they are now, by plain Python down the parent keys."""

    def __init__(self) -> None:
        self.children: dict[int | None, list[int]] = {}
        for pk, parent in Area.objects.values_list("pk", "parent_id"):
            self.children.setdefault(parent, []).append(pk)
        self.today, self.now = selectors.today(), db_now()
        self.posts = list(Post.objects.all())
        self.granted = [row for model in GRANTS[:2] for row in model.objects.select_related("permission")]
        self.excepted = list(RowGrant.objects.all())
        self.members = set(User.groups.through.objects.values_list("user_id", "group_id"))
        self.rows = list(ServiceRequest.objects.values_list("pk", "number", "area_id"))

    def _lasts(self, user: User, row) -> bool:
        theirs = getattr(row, "user_id", None) == user.pk or (user.pk, getattr(row, "group_id", None)) in self.members
        return theirs and (row.expires_at is None or row.expires_at > self.now)

    def places(self, user: User, permission: str) -> set[int]:
        """The places where `user` holds `permission`."""
        waiting = [
            post.area_id
            for post in self.posts
            if post.user_id == user.pk
            and permission in roles.BY_CODE[post.role].permissions
            and post.valid_from <= self.today
            and (post.valid_to is None or post.valid_to >= self.today)
        ]
        waiting += [
            row.content_object_id
            for row in self.granted
            if row.permission.codename == permission and self._lasts(user, row)
        ]
        found: set[int] = set()
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += self.children.get(node, [])
        return found

    def requests(self, user: User, permission: str) -> set[str]:
        """The requests on which `user` has `permission`: of those places, and those made an exception."""
        # Whatever somebody may do with a row, they may see it.
        rights = {row.object_pk for row in self.excepted if self._lasts(user, row) and permission in (row.right, SIGHT)}
        places = self.places(user, permission)
        return {number for pk, number, area in self.rows if area in places or str(pk) in rights}


SIGHT = "view_request"


def by_sql(user: User, permission: str) -> set[int]:
    """The same places by the condition that every list uses."""
    return set(Area.objects.filter(permissions.within_reach(user, permission)).values_list("pk", flat=True))


def requests_by_sql(user: User, permission: str, rows: list[ServiceRequest]) -> set[str]:
    """The same requests by the conditions that every page uses."""
    if permission == SIGHT:
        return set(ServiceRequest.objects.visible_to(user).values_list("number", flat=True))
    return {row.number for row in rows if permissions.can(user, permission, row)}


def _places(town, *kinds):
    return [area for area in town.areas.values() if area.kind in kinds]


def _move(town, people, who: int, where: int, other: int) -> None:
    movable = _places(town, "community", "estate", "grid", "building")
    place = movable[where % len(movable)]
    # One move in four goes anywhere and is mostly refused.
    kinds = (place.parent.kind,) if who % 4 else ("street", "community", "estate", "grid")
    targets = _places(town, *kinds)
    trees.move_area(place, to=targets[other % len(targets)])


def _assign(town, people, who: int, where: int, other: int) -> None:
    area = list(town.areas.values())[where % len(town.areas)]
    fitting = [role.code for role in roles.ROLES if area.kind in role.kinds]
    if fitting:
        actions.assign_post(user=people[who % len(people)], area=area, role=fitting[other % len(fitting)])


def _end_post(town, people, who: int, where: int, other: int) -> None:
    posts = list(Post.objects.filter(user=people[who % len(people)]).order_by("pk"))
    if posts:
        actions.end_post(posts[where % len(posts)])


def _holder(people, who: int) -> User | Group:
    if who % 2:
        return people[who // 2 % len(people)]
    return Group.objects.get_or_create(name=f"组{who // 2 % 3}")[0]


def _join(town, people, who: int, where: int, other: int) -> None:
    group, user = Group.objects.get_or_create(name=f"组{where % 3}")[0], people[who % len(people)]
    coming = {"join": user} if other % 3 else {"leave": [user]}
    groups.change_group(group, **coming)


def _until(other: int):
    """A term of some days, or none."""
    return db_now() + dt.timedelta(days=1 + other % 9) if other % 2 else None


def _grant(town, people, who: int, where: int, other: int) -> None:
    place = list(town.areas.values())[where % len(town.areas)]
    right = PERMISSIONS[other // 2 % len(PERMISSIONS)]
    grants.grant(_holder(people, who), right, place, until=_until(other))


def _make_exception(town, people, who: int, where: int, other: int) -> None:
    rows = list(ServiceRequest.objects.order_by("number"))
    row, right = rows[where % len(rows)], ServiceRequest.exceptional[other % len(ServiceRequest.exceptional)]
    grants.make_exception(_holder(people, who), right, row, until=db_now() + dt.timedelta(days=2), reason="顶班")


def _end_grant(town, people, who: int, where: int, other: int) -> None:
    rows = list(GRANTS[who % len(GRANTS)].objects.order_by("pk"))
    if rows:
        grants.end_grant(rows[where % len(rows)])


def _run_out(town, people, who: int, where: int, other: int) -> None:
    """Let the term of one grant be over, and now and then let the clock's job come by."""
    rows = list(GRANTS[who % len(GRANTS)].objects.filter(expires_at__gt=Now()).order_by("pk"))
    if rows:
        row = rows[where % len(rows)]
        type(row).objects.filter(pk=row.pk).update(expires_at=Now())
    if other % 5 == 0:
        grants.expire_grants()


STEPS = (_move, _move, _assign, _end_post, _join, _grant, _grant, _make_exception, _end_grant, _run_out)
CHANGES = ("area.moved", "post.assigned", "post.ended", "grant.given", "exception.made")
AFTER = ("group.joined", "group.left", "grant.ended", "grant.expired", "exception.ended", "exception.expired")


def walk(town, dice: random.Random, steps: int) -> None:
    """Take random steps; a step that is refused changes nothing."""
    people = [town.community_worker, town.grid_worker, town.street_worker, town.outsider, town.district_official]
    for _ in range(steps):
        with contextlib.suppress(DomainError), transaction.atomic():
            dice.choice(STEPS)(town, people, *(dice.randrange(10**6) for _ in range(3)))


def differences(*people: User) -> list[tuple[str, str]]:
    """Where the conditions of the pages and the oracle say different things."""
    oracle, found = Oracle(), {}
    rows = list(ServiceRequest.objects.only("number", "scope_path"))
    for user in User.objects.filter(pk__in=[person.pk for person in people]):
        for right in PERMISSIONS:
            found[user.username, right] = by_sql(user, right) == oracle.places(user, right)
        for right in ServiceRequest.exceptional:
            same = requests_by_sql(user, right, rows) == oracle.requests(user, right)
            found[user.username, f"{right} on rows"] = same
    return [key for key, same in found.items() if not same]


@pytest.fixture
def rows(town):
    """A request at every place."""
    load_calendar()
    load_policies()
    return [submit_request(area=area, text="路灯不亮", phone="19900001234") for area in town.areas.values()]


def test_sql_scope_equals_the_oracle_after_300_random_moves_posts_grants_and_expiries(town, rows):
    watched = [town.community_worker, town.grid_worker, town.street_worker, town.outsider]

    # Each walk goes on where the one before has ended, so a failure cannot be made smaller by walking anew.
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(seed=st.integers(0, 2**32))
    def after(seed):
        dice = random.Random(seed)
        walk(town, dice, 4)
        assert differences(dice.choice(watched)) == []

    after()
    assert trees.check() == []
    # Many steps are refused; what counts is what the trail tells of.
    taken = Counter(Event.objects.filter(verb__in=(*CHANGES, *AFTER)).values_list("verb", flat=True))
    assert sum(taken[verb] for verb in CHANGES) >= 300, taken
    assert all(taken[verb] >= 20 for verb in CHANGES), taken
    assert all(taken[verb] for verb in AFTER), taken


def test_the_comparison_sees_grants_that_do_not_run_out(town, rows, monkeypatch):
    grants.grant(town.outsider, "view_request", town.estate, until=db_now() + dt.timedelta(days=1))
    grants.make_exception(
        town.outsider, "handle_request", rows[0], until=db_now() + dt.timedelta(days=1), reason="顶班"
    )
    assert differences(town.outsider) == []
    for model in GRANTS:
        model.objects.update(expires_at=Now())
    assert differences(town.outsider) == []
    monkeypatch.setattr(permissions, "lasting", lambda: Q())
    assert {("outsider", "view_request"), ("outsider", "handle_request on rows")} <= set(differences(town.outsider))


def test_access_moves_with_the_place_at_once(town):
    assert permissions.can(town.person("street_worker"), "handle_request", town.building)
    trees.move_area(town.community, to=town.far_street)
    moved = Area.objects.get(pk=town.building.pk)
    assert not permissions.can(town.person("street_worker"), "handle_request", moved)
    assert permissions.can(town.person("far_street_worker"), "handle_request", moved)
    assert permissions.can(town.person("community_worker"), "handle_request", moved)


def test_a_sibling_whose_key_begins_alike_is_outside(town):
    # "/1/2/" must not reach "/1/20/": the closing slash keeps them apart.
    town.outsider.__dict__["_reach"] = {"view_request": ("/1/2/",)}
    row = Area(scope_path="/1/20/")
    assert not permissions.can(town.outsider, "view_request", row)


def test_a_term_counts_its_first_and_last_day(town):
    today = selectors.today()
    day = dt.timedelta(days=1)
    cases = [(today, today, True), (today + day, None, False), (today - 9 * day, today - day, False)]
    for number, (start, end, holds) in enumerate(cases):
        user = factories.user(f"term{number}")
        factories.post(user, "community_worker", town.community, valid_from=start, valid_to=end)
        assert permissions.can(user, "view_request", town.community) is holds


def test_reach_is_one_statement_and_is_read_once(town):
    user = town.person("community_worker")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        permissions.reach(user, "view_request")
        permissions.can(user, "handle_request", town.building)
        permissions.within_reach(user, "view_pool")
    assert len(queries) == 1


def test_nobody_and_the_dismissed_reach_nothing(town):
    assert permissions.reach(AnonymousUser(), "view_request") == ()
    user = town.person("district_official")
    user.is_active = False
    assert permissions.reach(user, "view_request") == ()
    assert not Area.objects.filter(permissions.within_reach(town.outsider, "view_request")).exists()


def test_a_row_without_a_path_is_nobodys(town):
    assert not permissions.can(town.system_admin, "enter_admin", Area(scope_path=""))


def test_the_first_administrator_sets_up_but_sees_no_requests(town):
    root = User.objects.create_superuser("root")
    assert permissions.can(root, "manage_places", town.building)
    assert permissions.can(root, "manage_posts", town.building)
    assert permissions.reach(root, "view_request") == ()


def test_a_group_grant_on_a_place_holds_below_it_and_ends_with_it(town):
    group = Group.objects.create(name="巡查组")
    town.outsider.groups.add(group)
    given = grants.grant(group, "view_request", town.estate, actor=town.security_admin, reason="巡查")
    assert permissions.can(town.person("outsider"), "view_request", town.building)
    assert not permissions.can(town.person("outsider"), "view_request", town.community)
    grants.end_grant(given, actor=town.security_admin, reason="巡查完了")
    assert not permissions.can(town.person("outsider"), "view_request", town.building)


def test_a_right_granted_to_one_person_holds_for_that_person(town):
    grants.grant(town.outsider, "view_pool", town.grid)
    assert permissions.can(town.person("outsider"), "view_pool", town.building)
    assert not permissions.can(town.person("building_leader"), "view_pool", town.building)


def test_a_post_stands_on_its_kind_of_place_only(town):
    with pytest.raises(Invalid):
        actions.assign_post(user=town.outsider, area=town.building, role="community_worker")
    with pytest.raises(Invalid):
        actions.assign_post(user=town.outsider, area=town.district, role="department_liaison")
    with pytest.raises(Conflict):
        actions.assign_post(user=town.community_worker, area=town.community, role="community_worker")


def test_posts_are_given_by_another_security_administrator(town):
    with pytest.raises(NotAllowed):
        actions.assign_post(
            user=town.security_admin, area=town.community, role="community_worker", actor=town.security_admin
        )
    with pytest.raises(NotAllowed):
        actions.assign_post(user=town.outsider, area=town.community, role="community_worker", actor=town.system_admin)
    post = actions.assign_post(
        user=town.outsider, area=town.community, role="community_worker", actor=town.security_admin
    )
    event = Event.objects.get(verb="post.assigned")
    assert (event.target_id, event.after) == (str(post.pk), "community_worker")
    assert event.actor_id == town.security_admin.pk


def test_the_end_of_a_post_ends_its_rights_and_sessions_at_once(town, client):
    client.force_login(town.community_worker, backend="accounts.backends.PhoneOrNameBackend")
    before = User.objects.get(pk=town.community_worker.pk).get_session_auth_hash()
    post = Post.objects.get(user=town.community_worker)
    actions.end_post(post, actor=town.security_admin, reason="调离")
    assert permissions.reach(town.person("community_worker"), "view_request") == ()
    assert User.objects.get(pk=town.community_worker.pk).get_session_auth_hash() != before
    with pytest.raises(Conflict):
        actions.end_post(post, actor=town.security_admin)
