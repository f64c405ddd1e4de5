"""A volunteer team belongs to a place and goes with it."""

import pytest
from django.db import IntegrityError, transaction

from grids import trees
from partners.models import Partner
from volunteering.models import ServiceType, VolunteerTeam

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(town):
    made = VolunteerTeam.objects.create(area=town.estate, name="槐荫志愿服务队")
    made.service_types.add(ServiceType.objects.create(code="01", name="助老", group="老人"))
    return made


def test_a_team_lies_where_its_place_lies_and_moves_with_it(town, team):
    assert list(VolunteerTeam.objects.within(town.community.scope_path)) == [team]
    trees.move_area(town.estate, to=town.far_community)
    assert not VolunteerTeam.objects.within(town.community.scope_path).exists()
    assert list(VolunteerTeam.objects.within(town.far_community.scope_path)) == [team]


def test_a_name_is_taken_once_in_a_place(town, team):
    with pytest.raises(IntegrityError), transaction.atomic():
        VolunteerTeam.objects.create(area=town.estate, name=team.name)
    VolunteerTeam.objects.create(area=town.next_estate, name=team.name)


def test_a_team_outlives_the_partner_it_belonged_to(town, team):
    group = Partner.objects.create(area=town.district, category="welfare", name="示例社会组织", code="G1")
    team.partner = group
    team.save(update_fields=["partner"])
    group.delete()
    team.refresh_from_db()
    assert (team.partner, [kind.name for kind in team.service_types.all()]) == (None, ["助老"])
