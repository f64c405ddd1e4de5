"""For whom a person acts: only what a membership gives, only while it lasts, read together with the posts."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from common import access
from common.errors import NotAllowed
from grids import permissions as places
from partners import permissions
from partners.models import Membership, Partner, Resource
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_liaison_acts_for_the_own_department_alone(pool):
    liaison, (ours, theirs, _) = pool.liaison(), pool.departments
    assert permissions.can_for_partner(liaison, "answer_allocation", ours.pk)
    assert not permissions.can_for_partner(liaison, "answer_allocation", theirs.pk)
    permissions.require_for_partner(liaison, "answer_allocation", ours.pk)
    with pytest.raises(NotAllowed):
        permissions.require_for_partner(liaison, "answer_allocation", theirs.pk)
    with pytest.raises(NotAllowed):
        permissions.require_for_partner(liaison, "manage_pool", ours.pk)
    assert list(Partner.objects.filter(permissions.acts_for(liaison, "answer_allocation", "pk"))) == [ours]


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"valid_to": places.Post._meta.get_field("valid_from").db_default}, True),
        ({"valid_to": F("valid_from")}, False),
        ({"valid_from": "2999-01-01"}, False),
    ],
)
def test_a_membership_holds_from_its_first_to_its_last_day(pool, changes, holds):
    Membership.objects.filter(partner=pool.departments[0]).update(**changes)
    assert permissions.can_for_partner(pool.liaison(), "answer_allocation", pool.departments[0].pk) is holds


def test_a_membership_gives_no_place(pool):
    liaison = pool.liaison()
    assert places.reach(liaison, "view_allocation") == ()
    assert not places.can(liaison, "view_allocation", pool.town.community)
    assert access.holds(liaison, "answer_allocation")


def test_a_post_gives_no_partner(pool):
    worker = pool.town.person("community_worker")
    assert permissions.partner_rights(worker) == {}
    assert permissions.partner_rights(AnonymousUser()) == {}


def test_posts_and_memberships_are_read_in_one_statement(pool):
    factories.post(pool.liaisons[0], "community_worker", pool.town.community)
    both = pool.liaison()
    with CaptureQueriesContext(connection) as caught:
        assert access.holds(both, "answer_allocation")
        assert access.holds(both, "handle_request")
        assert places.can(both, "handle_request", pool.town.building)
        assert permissions.can_for_partner(both, "answer_allocation", pool.departments[0].pk)
    assert len(caught) == 1


def test_what_changes_within_a_request_is_read_anew_when_it_is_said(pool):
    liaison = pool.liaison()
    assert access.holds(liaison, "answer_allocation")
    Membership.objects.all().delete()
    assert access.holds(liaison, "answer_allocation")
    places.forget(liaison)
    assert not access.holds(liaison, "answer_allocation")


def test_rows_are_seen_by_place_or_by_partner(pool):
    ours, theirs, _ = pool.departments
    assert set(Partner.objects.visible_to(pool.liaison())) == {ours}
    assert set(Resource.objects.visible_to(pool.liaison())) == {pool.resources[0]}
    official = pool.town.person("district_official")
    assert set(Partner.objects.visible_to(official)) >= {ours, theirs}
    assert not Partner.objects.visible_to(pool.town.person("outsider")).exists()
    Partner.objects.filter(pk=ours.pk).update(status="suspended")
    assert pool.resources[0] not in Resource.objects.open()
    assert ours not in Partner.objects.active()
