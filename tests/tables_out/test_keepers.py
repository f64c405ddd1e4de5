"""Who is offered which registry, and how often a person may send a file."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import RateLimit
from audit.imports.models import ImportRun
from common.tables.sheet import sheets

pytestmark = pytest.mark.django_db

PLACES = {"areas", "buildings", "party"}
PARTNERS = {"partners", "departments", "pairings", "teams"}
POOL = {"resources", "slots"}
EXPECTED = {
    "community_worker": PLACES | PARTNERS | {"local_posts", "requests"},
    "grid_worker": {"requests"},
    "security_admin": {"posts"},
    "district_official": PARTNERS | POOL,
    "system_admin": PLACES | PARTNERS | POOL,
}


def test_each_person_is_offered_the_registries_they_keep(town: Any, client: Any) -> None:
    for name, codes in EXPECTED.items():
        client.force_login(getattr(town, name))
        page = client.get(reverse("audit:imports")).content.decode()
        assert {one.code for one in sheets() if f'href="/imports/{one.code}/"' in page} == codes, name
        for one in (sheets()[0], sheets()[-1]):
            answer = client.get(reverse("audit:import_registry", args=[one.code]))
            assert answer.status_code == (200 if one.code in codes else 403), (name, one.code)


def test_whoever_sends_too_often_is_told_when_to_go_on(town: Any, client: Any) -> None:
    RateLimit.objects.update_or_create(code="import_upload", defaults={"name": "上传", "amount": 2, "seconds": 3600})
    client.force_login(town.community_worker)
    address = reverse("audit:import_registry", args=["buildings"])
    answers = [client.post(address, {"pasted": "小区,楼号\n槐荫小区,301号楼"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert "传得太密" in answers[-1].content.decode()
    assert ImportRun.objects.count() == 2
    # Somebody else's count is their own.
    client.force_login(town.street_worker)
    assert client.post(address, {"pasted": "小区,楼号\n槐荫小区,301号楼"}).status_code == 302
