"""The demo district at the case study's scale: complete, consistent, invented, and the same at every run."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from datetime import datetime

import pytest
from django.core.management import CommandError
from django.db import transaction
from django.db.models import F
from django.utils.timezone import get_current_timezone, localtime

from accounts.models import User
from audit.models import Event, Job
from grids import trees
from grids.models import Area, BuildingCode, DistrictProfile, PartyOrganization, Post
from hedong.demo import load, names, sentences, shape
from partners.models import DepartmentProfile, Membership, Pairing, Partner, PropertyService, Resource, ResourceSlot
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.workflow import (
    REQUEST_OPEN,
    AllocationStatus,
    NeedStatus,
    RequestStatus,
)
from tests import demo_district
from tests.demo_district import count_rows, run
from volunteering.models import VolunteerTeam

pytestmark = pytest.mark.django_db
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")


@pytest.fixture(scope="module")
def district(django_db_setup, django_db_blocker, tmp_path_factory):
    """The whole district, loaded once for this module and rolled back behind it."""
    file = tmp_path_factory.mktemp("demo") / "accounts.json"
    with django_db_blocker.unblock(), transaction.atomic():
        run("--accounts-file", str(file))
        count_rows()
        yield file
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def requests(district):
    return list(ServiceRequest.objects.select_related("category"))


class TestCounts:
    def test_places(self, district):
        kinds = Counter(Area.objects.values_list("kind", flat=True))
        assert kinds["street"] + kinds["town"] == 11
        assert (kinds["community"], kinds["community"] + kinds["village"]) == (78, 302)
        assert (kinds["estate"], kinds["building"], kinds["grid"]) == (240, 3200, 850)
        assert BuildingCode.objects.filter(area__kind="building", valid_to=None).count() == 3200

    def test_party_tree(self, district):
        levels = Counter(PartyOrganization.objects.values_list("level", "kind"))
        assert levels["general_branch", "area"] == 78
        assert levels["group", "area"] == 1450
        assert PartyOrganization.objects.filter(level="branch", area__kind="estate").count() == 240
        assert levels["general_branch", "industry_general_branch"] == 1
        assert levels["branch", "functional_branch"] + levels["branch", "joint_branch"] == 60

    def test_partners_and_pool(self, district):
        categories = Counter(Partner.objects.values_list("category", flat=True))
        assert (categories["department"], categories["property"], categories["business"]) == (89, 60, 22)
        assert categories["welfare"] == 40
        assert categories["resident"] == 240
        assert DepartmentProfile.objects.count() == 89
        assert Pairing.objects.count() == 89
        assert PropertyService.objects.count() == 216
        assert Resource.objects.count() == 275
        assert VolunteerTeam.objects.count() == 191
        days = ResourceSlot.objects.filter(starts_at__gt=load.world.read().now).dates("starts_at", "day")
        assert (max(days) - min(days)).days >= 53

    def test_people(self, district):
        holders = Post.objects.filter(role="building_leader").values("user").distinct().count()
        assert holders == 970
        assert Membership.objects.values("partner").distinct().count() == 149

    def test_requests(self, district, requests):
        states = Counter(request.status for request in requests)
        assert states[RequestStatus.CLOSED] == 2000
        assert sum(states[state] for state in REQUEST_OPEN) == 250
        assert set(states) == set(RequestStatus.values)

    def test_every_state_of_needs_and_allocations(self, district):
        assert set(ResourceRequest.objects.values_list("status", flat=True)) == set(NeedStatus.values)
        assert set(Allocation.objects.values_list("status", flat=True)) == set(AllocationStatus.values)

    def test_demo_desk_has_open_work(self, district):
        post = Post.objects.get(user__username="community_worker")
        mine = ServiceRequest.objects.filter(scope_path__startswith=post.scope_path).open()
        assert mine.count() >= 30
        assert mine.overdue().exists()
        needs = ResourceRequest.objects.filter(scope_path__startswith=post.scope_path)
        assert needs.values("status").distinct().count() >= 5

    def test_demo_liaison_has_questions_and_promises(self, district):
        partner = Membership.objects.get(user__username="department_liaison").partner
        states = Counter(partner.allocations.values_list("status", flat=True))
        assert states["held"] >= 3
        assert states["confirmed"] >= 3


class TestShape:
    """The shape of the eighteen months, as the district's own figures would have it."""

    def share(self, requests, test) -> float:
        return sum(map(test, requests)) / len(requests)

    def test_kinds(self, requests):
        near_home = {"物业管理", "房屋设施", "市容环境", "城市管理"}
        assert 0.55 < self.share(requests, lambda r: r.category.l1 in near_home) < 0.66
        assert 0.09 < self.share(requests, lambda r: r.category.l1 == "水电气暖" and r.severity == "urgent") < 0.15

    def test_ends(self, requests):
        closed = [request for request in requests if request.status == RequestStatus.CLOSED]
        assert 0.05 < self.share(closed, lambda r: r.returns) < 0.07
        assert 0.07 < self.share(closed, lambda r: r.reopens) < 0.09
        assert 0.43 < self.share(closed, lambda r: r.rating != "none") < 0.49

    def test_seasons_and_evenings(self, requests):
        closed = [request for request in requests if request.status == RequestStatus.CLOSED]
        now = max(request.created_at for request in closed)
        months = Counter((r.created_at.year, r.created_at.month) for r in closed)
        winter = [months[key] for key in months if key[1] in (12, 1, 2)]
        spring = [months[key] for key in months if key[1] in (4, 5, 9) and key != (now.year, now.month)]
        assert sum(winter) / len(winter) > 1.15 * sum(spring) / len(spring)
        local = Counter(shape_hour(request) for request in closed)
        assert sum(local[hour] for hour in (18, 19, 20)) > 3 * sum(local[hour] for hour in (1, 2, 3))


    def test_everybody_sleeps(self, requests):
        """Nobody answers the telephone or the door at night, and only what is urgent is seen to then."""
        taken = [r for r in requests if r.recorded_by_id]
        assert {shape_hour(r) for r in taken} <= set(range(7, 22))
        seen = [localtime(r.acknowledged_at).hour for r in requests if r.acknowledged_at and r.severity != "urgent"]
        assert sum(7 <= hour < 22 for hour in seen) > 0.99 * len(seen)

    def test_heating_is_spoken_of_in_winter(self, requests):
        cold = [localtime(r.created_at) for r in requests if r.category_id == "030401"]
        assert cold
        assert all((at.month, at.day) >= (11, 15) or (at.month, at.day) <= (3, 15) for at in cold)

    def test_what_comes_out_of_a_request_helps_with_it(self, district):
        needs = ResourceRequest.objects.exclude(service_request=None).select_related("type", "service_request")
        assert needs.count() >= 10
        for need in needs:
            assert need.service_request.category_id in sentences.asking()[need.type.code], need.number
            assert need.service_request.acknowledged_at <= need.created_at


def shape_hour(request: ServiceRequest) -> int:
    return localtime(request.created_at).hour


class TestConsistency:
    def test_slots_balance(self, district):
        demo_district.slots_balance()

    def test_trees_are_sound(self, district):
        assert trees.check() == []

    def test_paths_of_rows(self, district):
        for model in (ServiceRequest, ResourceRequest, Allocation, Partner, Resource, Post):
            assert not model.objects.exclude(scope_path=F("area__scope_path")).exists(), model

    def test_trails_follow_the_tables(self, district):
        demo_district.trails_follow_the_tables()

    def test_nothing_lies_ahead(self, district):
        demo_district.nothing_lies_ahead(load.world.read().now)

    def test_moments_are_in_order(self, district):
        demo_district.moments_are_in_order()

    def test_promises_lie_in_their_window(self, district):
        demo_district.promises_lie_in_their_window()

    def test_nothing_is_over_at_once(self, district):
        demo_district.nothing_is_over_at_once(datetime.fromtimestamp(load.loaded()["until"], tz=get_current_timezone()))

    def test_what_is_looking_for_somebody_goes_on(self, district):
        looking = ResourceRequest.objects.filter(status=NeedStatus.OPEN)
        assert looking.exists()
        for need in looking:
            assert Job.objects.filter(key=f"dispatch:{need.pk}:{need.version}").exists()

    def test_decisions_keep_their_reasons(self, district):
        for row in Allocation.objects.filter(status=AllocationStatus.HELD):
            assert row.reasons["sentence"]
            assert row.reasons["factors"]
            assert row.policy_version


class TestInvented:
    def test_telephones_are_of_the_reserved_block(self, district, requests):
        numbers = {request.phone for request in requests} | {user.phone for user in User.objects.all()}
        numbers |= {partner.contact_phone for partner in Partner.objects.all()}
        numbers |= {resource.contact_phone for resource in Resource.objects.all()}
        numbers |= set(Area.objects.values_list("phone", flat=True)) | {DistrictProfile.objects.get().hotline}
        numbers.discard("")
        assert len(numbers) > 1000
        assert all(str(number).startswith(names.PHONE_BLOCK) and len(str(number)) == 11 for number in numbers)
        texts = ServiceRequest.objects.values_list("text", "place_detail", "result")
        assert not any(PHONE.search(word) for row in texts for word in row)

    def test_personal_columns_are_sealed(self, district):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM requests_board_servicerequest WHERE phone <> '' AND phone NOT LIKE 'v1|%%'"
            )
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT count(*) FROM requests_board_servicerequest WHERE phone LIKE 'v1|%%'")
            assert cursor.fetchone()[0] > 500

    def test_a_number_is_found_again(self, requests):
        from common.crypto import blind_index

        one = next(request for request in requests if request.phone)
        assert one in ServiceRequest.objects.filter(phone_index=blind_index(one.phone))

    def test_codes_of_places_cannot_be_real(self, district):
        # GB/T 2260: no province begins with 9.
        codes = Area.objects.filter(kind__in=("district", "street", "town", "community", "village"))
        assert all(code.startswith("99") for code in codes.values_list("code", flat=True))

    def test_banner(self, district):
        profile = DistrictProfile.objects.get()
        assert profile.is_demo
        assert "演示数据" in profile.demo_banner

    def test_accounts(self, district):
        told = json.loads(district.read_text(encoding="utf8"))
        assert district.stat().st_mode & 0o777 == 0o600
        assert set(told["accounts"]) == {role.code for role in load_roles()}
        for role, account in told["accounts"].items():
            user = User.objects.get(username=account["username"])
            assert user.check_password(account["password"]), role
        others = User.objects.exclude(username__in=told["accounts"])
        assert not any(user.has_usable_password() for user in others)
        assert Area.objects.filter(kind="building", short_code=told["building_code"]).exists()
        assert "/a/" in told["liaison_link"]


def load_roles():
    from grids.roles import ROLES

    return ROLES


class TestRepeat:
    def counts(self) -> list[int]:
        models = (
            Area,
            PartyOrganization,
            Partner,
            Resource,
            ResourceSlot,
            User,
            Post,
            ServiceRequest,
            Allocation,
            Event,
            Job,
        )
        return [model.objects.count() for model in models]

    def test_twice_changes_nothing(self, district):
        before = self.counts()
        assert "already there" in run("--accounts-file", str(district))
        assert self.counts() == before

    def test_another_district_is_refused(self, district):
        with pytest.raises(CommandError, match="另一个演示区"):
            run("--preset", "hedong")


class TestPresets:
    def test_both_tables_have_the_same_shape(self):
        for preset in ("fictional", "hedong"):
            kinds = Counter(row["kind"] for row in sentences.rows(f"{preset}_places"))
            assert kinds["street"] + kinds["town"] == 11
            assert (kinds["community"], kinds["village"]) == (78, 224)

    def test_no_name_of_the_real_district_in_the_fictional_one(self):
        real, invented = (
            {row["name"] for row in sentences.rows(f"{preset}_places")} for preset in ("hedong", "fictional")
        )
        assert not real & invented

    def test_sentences_fit_what_they_are_about(self):
        kinds = {row["type"]: row["unit_kind"] for row in sentences.rows("pool")}
        rng = random.Random(1)
        for code, unit in kinds.items():
            for kind in ("need", "place", "village_place", "comment", "no_show", "cancel"):
                sentences.phrase(rng, kind, code, unit)
            assert sentences.decline(rng, code, unit)
        assert set(sentences.asking()) <= set(kinds)
        codes = {one.code for one in shape.mix()}
        assert {row["code"] for row in sentences.rows("refused")} <= codes

    def test_sentences_are_many(self):
        assert len(sentences.templates()) >= 80
        assert len({template.text for template in sentences.templates()}) == len(sentences.templates())
        assert {one.code for one in shape.mix()} == {row["code"] for row in sentences.rows("sentences")}
