"""A partner's page tells how it keeps its word: counts beside each rate, in a fixed number of statements."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboards.actions import load_definitions
from dashboards.partner_selectors import word_of
from partners.models import Partner
from tests.dashboards.test_district import past

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm(pool):
    load_definitions()
    return Partner.objects.create(area=pool.town.community, category="property", name="示例物业", code="W1")


def told(user, firm):
    return {rate.label: (rate.n, rate.among, rate.few) for rate in word_of(user, firm).rates}


def test_the_rates_are_of_the_rows_that_the_person_may_see(pool, firm):
    past(pool.town.building, 5, firm, late=1)
    past(pool.town.far_building, 20, firm)
    assert told(pool.town.community_worker, firm) == {"按时办结": (4, 5, True), "问了有答复": (0, 0, True)}
    assert told(pool.town.district_official, firm)["按时办结"] == (24, 25, False)
    for name in ("system_admin", "security_admin", "outsider"):
        assert told(getattr(pool.town, name), firm) == {}, name


def test_the_page_says_so_in_a_fixed_number_of_statements(pool, firm, client):
    client.force_login(pool.town.community_worker)
    address = reverse("admin:partners_partner_change", args=[firm.pk])
    counts, pages = [], []
    for more in (0, 3, 30):
        past(pool.town.building, more, firm)
        client.get(address)
        with CaptureQueriesContext(connection) as caught:
            pages.append(client.get(address).content.decode())
        counts.append(len(caught))
    assert counts[0] == counts[1] == counts[2]
    assert "还没有" in pages[0]
    assert "3 件里有 3 件，件数少，只供参考" in pages[1]
    assert "33 件里有 33 件" in pages[2]
    client.force_login(pool.town.system_admin)
    assert "按时办结" not in client.get(address).content.decode()
