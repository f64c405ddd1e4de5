"""Scope by SQL equals scope by walking the tree by hand, after any moves and changes of posts."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections import Counter

import hypothesis.strategies as st
import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings

from accounts.models import User
from audit.models import Event
from common.errors import Conflict, DomainError, Invalid, NotAllowed
from grids import actions, permissions, roles, selectors, trees
from grids.models import Area, AreaUserPermission, Post
from tests import factories

pytestmark = pytest.mark.django_db

PERMISSIONS = ("view_request", "handle_request", "reveal_contact", "view_dashboard", "settle_at_district")


def oracle(user: User, permission: str) -> set[int]:
    """The places where `user` holds `permission`: from each post's place down the parent keys, in plain Python."""
    children: dict[int | None, list[int]] = {}
    for pk, parent in Area.objects.values_list("pk", "parent_id"):
        children.setdefault(parent, []).append(pk)
    today = selectors.today()
    waiting = [
        post.area_id
        for post in Post.objects.filter(user=user)
        if permission in roles.BY_CODE[post.role].permissions
        and post.valid_from <= today
        and (post.valid_to is None or post.valid_to >= today)
    ]
    for group in user.groups.all():
        grants = group.areagrouppermission_set.filter(permission__codename=permission)
        waiting += grants.values_list("content_object_id", flat=True)
    found: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += children.get(node, [])
    return found


def by_sql(user: User, permission: str) -> set[int]:
    """The same places by the condition that every list uses."""
    fresh = User.objects.get(pk=user.pk)
    return set(Area.objects.filter(permissions.within_reach(fresh, permission)).values_list("pk", flat=True))


def _places(town, *kinds):
    return [area for area in town.areas.values() if area.kind in kinds]


def change(town, kind: str, who: int, where: int, other: int) -> None:
    """Take one random step; a step that is refused changes nothing."""
    people = [town.community_worker, town.grid_worker, town.street_worker, town.outsider, town.district_official]
    user, places = people[who % len(people)], list(town.areas.values())
    if kind == "move":
        movable = _places(town, "community", "estate", "grid", "building")
        place = movable[where % len(movable)]
        # One move in four goes anywhere and is mostly refused.
        kinds = (place.parent.kind,) if who % 4 else ("street", "community", "estate", "grid")
        targets = _places(town, *kinds)
        trees.move_area(place, to=targets[other % len(targets)])
    elif kind == "assign":
        area = places[where % len(places)]
        fitting = [role.code for role in roles.ROLES if area.kind in role.kinds]
        if fitting:
            actions.assign_post(user=user, area=area, role=fitting[other % len(fitting)])
    elif kind == "end":
        posts = list(Post.objects.filter(user=user).order_by("pk"))
        if posts:
            actions.end_post(posts[where % len(posts)])
    else:
        group, _ = Group.objects.get_or_create(name=f"组{where % 3}")
        step = actions.grant if other % 2 else actions.revoke
        user.groups.add(group)
        step(group, PERMISSIONS[other % len(PERMISSIONS)], places[where % len(places)])


KINDS = ("move", "move", "assign", "end", "grant")
CHANGES = ("area.moved", "post.assigned", "post.ended")


def test_sql_scope_equals_the_oracle_after_300_random_moves_and_post_changes(town):
    # Each walk goes on where the one before has ended, so a failure cannot be made smaller by walking anew.
    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
    @given(seed=st.integers(0, 2**32))
    def walk(seed):
        dice = random.Random(seed)
        for _ in range(150):
            with contextlib.suppress(DomainError):
                change(town, dice.choice(KINDS), *(dice.randrange(10**6) for _ in range(3)))
        for user in (town.community_worker, town.grid_worker, town.street_worker, town.outsider):
            for permission in PERMISSIONS:
                assert by_sql(user, permission) == oracle(user, permission)
        assert trees.check() == []

    walk()
    # Many steps are refused; what counts is what the trail tells of.
    taken = Counter(Event.objects.filter(verb__in=CHANGES).values_list("verb", flat=True))
    assert taken.total() >= 300, taken
    assert all(taken[verb] >= 20 for verb in CHANGES), taken


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
    actions.grant(group, "view_request", town.estate, actor=town.security_admin)
    assert permissions.can(town.person("outsider"), "view_request", town.building)
    assert not permissions.can(town.person("outsider"), "view_request", town.community)
    actions.revoke(group, "view_request", town.estate, actor=town.security_admin)
    assert not permissions.can(town.person("outsider"), "view_request", town.building)


def test_a_right_granted_to_one_person_holds_for_that_person(town):
    right = actions.permission_row("view_pool")
    AreaUserPermission.objects.create(user=town.outsider, permission=right, content_object=town.grid)
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
