"""The small demo district: sound whenever it is loaded, the same at every run, left alone where it must be."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import transaction
from django.utils.timezone import get_current_timezone

from accounts.models import User
from audit.models import Event, Job
from audit.registry import function_for
from grids import trees
from grids.models import Area, DistrictProfile
from hedong.demo import load
from partners.models import Resource, ResourceSlot
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.workflow import REQUEST_OPEN, REQUEST_TO_DO, NeedStatus, RequestStatus
from tests import demo_district
from tests.demo_district import run

LIVE = {
    "proposed", "held", "countered", "confirmed", "in_service", "delivered", "no_show",
    "declined", "expired", "cancelled",
}  # fmt: skip


@pytest.fixture
def at(monkeypatch):
    """Let the district be loaded at a moment of our choice."""

    def at(moment: str) -> datetime:
        now = datetime.fromisoformat(moment).replace(tzinfo=get_current_timezone())
        monkeypatch.setattr("hedong.demo.world.db_now", lambda: now)
        return now

    return at


@pytest.mark.django_db
class TestAnyMoment:
    """Whenever it is loaded, the district is complete and sound."""

    @pytest.mark.parametrize(
        "moment",
        [
            "2026-11-25T02:34:11.5",  # the middle of the night
            "2026-11-25T10:50:00",  # a working morning
            "2026-11-28T23:59:59.999999",  # a Saturday
            "2026-11-30T09:00:00",  # the very start of a week
            "2026-12-31T17:31:00",  # just after the last work of a year
            "2026-10-07T23:00:00",  # the last evening of a long holiday
            "2027-02-11T08:00:00",  # the morning after the Spring Festival
            "2028-02-29T00:00:00",  # a leap day that the calendar does not know
        ],
    )
    def test_sound(self, at, moment):
        now = at(moment)
        run("--scale", "small")
        states = Counter(ServiceRequest.objects.values_list("status", flat=True))
        assert set(states) == set(RequestStatus.values)
        assert (states["closed"], sum(states[state] for state in REQUEST_OPEN)) == (40, 20)
        assert ServiceRequest.objects.filter(status__in=REQUEST_TO_DO, due_at__lt=now).exists()
        assert set(Allocation.objects.values_list("status", flat=True)) >= LIVE
        assert set(ResourceRequest.objects.values_list("status", flat=True)) == set(NeedStatus.values)
        demo_district.slots_balance()
        demo_district.trails_follow_the_tables()
        demo_district.nothing_lies_ahead(now)
        demo_district.moments_are_in_order()
        demo_district.promises_lie_in_their_window()
        demo_district.nothing_is_over_at_once(now)


@pytest.mark.django_db
class TestSmall:
    """The small size, as journeys in a browser use it."""

    def fingerprint(self) -> dict[str, list]:
        slot = ("resource__name", "starts_at", "used")
        request = ("number", "text", "area__code", "area__name", "status", "rating", "due_at", "handler_partner__code")
        need = ("number", "type__code", "area__name", "status", "window_start", "service_request__number")
        asked = ("pk", "resource__name", "slot__starts_at", "status", "answered_at", "reasons")
        event = ("at", "actor_label", "verb", "target_id", "before", "after", "reason")
        return {
            "places": list(Area.objects.order_by("lft").values_list("kind", "name", "code", "short_code")),
            "requests": list(ServiceRequest.objects.order_by("number").values_list(*request)),
            "needs": list(ResourceRequest.objects.order_by("number").values_list(*need)),
            "allocations": list(Allocation.objects.order_by("pk").values_list(*asked)),
            "slots": list(ResourceSlot.objects.order_by("resource_id", "starts_at").values_list(*slot)),
            "pool": list(Resource.objects.order_by("pk").values_list("name", "notice_days", "contact_name")),
            "trail": list(Event.objects.filter(target_type__startswith="requests_board").values_list(*event)),
        }

    def test_same_seed_same_district(self, at):
        at("2026-11-25T10:50:00")
        found, keys = [], []
        for _ in range(2):
            with transaction.atomic():
                run("--scale", "small")
                found.append(self.fingerprint())
                keys.append(Area.objects.get(kind="district").pk)
                transaction.set_rollback(True)
        # The database hands out other keys the second time, and nothing may hang on them.
        assert keys[0] != keys[1]
        assert found[0] == found[1]
        assert len(found[0]["requests"]) == 64

    def test_streets_and_buildings(self):
        run("--scale", "small", "--history", "none")
        assert Area.objects.filter(kind="community").count() == 3
        assert Area.objects.filter(kind="building").count() == 30

    def test_history_as_jobs(self):
        out = run("--scale", "small", "--history", "later")
        assert "2 chapters" in out
        jobs = Job.objects.filter(kind=load.JOB)
        assert jobs.count() == 2
        assert not ServiceRequest.objects.filter(status="closed").exists()
        for job in jobs:
            function_for(job.kind)(job.payload)
        assert ServiceRequest.objects.filter(status="closed").count() == 40
        # A job that is done twice tells nothing twice, and nothing is left to be told.
        function_for(jobs[0].kind)(jobs[0].payload)
        assert ServiceRequest.objects.filter(status="closed").count() == 40
        assert load.chapters() == []

    def test_real_names_are_asked_for(self):
        run("--preset", "hedong", "--scale", "small", "--history", "none")
        assert Area.objects.get(kind="district").code.startswith("371312")
        assert "虚构" in DistrictProfile.objects.get().demo_banner

    def test_a_district_of_its_own_is_left_alone(self):
        trees.create_area(parent=None, kind="district", name="别的区")
        with pytest.raises(CommandError, match="换一个空的数据库"):
            run("--scale", "small")
        assert Area.objects.count() == 1

    def test_lost_passwords_are_renewed(self, tmp_path: Path):
        run("--scale", "small", "--history", "none")
        file = tmp_path / "accounts.json"
        run("--scale", "small", "--history", "none", "--accounts-file", str(file))
        told = json.loads(file.read_text(encoding="utf8"))["accounts"]["auditor"]
        assert User.objects.get(username=told["username"]).check_password(told["password"])
