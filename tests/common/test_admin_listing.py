"""The way down by date above a list of the admin: what it offers, and that it is read with the count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from requests_board.actions import requests
from requests_board.models import ServiceRequest

pytestmark = pytest.mark.django_db


def written(town: Any, *moments: datetime) -> None:
    for moment in moments:
        row = requests.submit_request(area=town.building, text="灯坏了")
        ServiceRequest.objects.filter(pk=row.pk).update(created_at=moment)


def ways(client: Any, **query: str) -> tuple[list[str], str]:
    page = client.get(reverse("admin:requests_board_servicerequest_changelist"), query)
    found = page.context["by_date"]
    return [way.title for way in found.get("choices", [])], found["back"].title if found.get("back") else ""


def test_years_then_months_then_days_and_back(pool: Any, client: Any) -> None:
    # The last evening of the year in London is the new year's first morning here.
    written(pool.town, datetime(2025, 11, 28, 4, tzinfo=UTC), datetime(2026, 2, 3, 4, tzinfo=UTC))
    written(pool.town, datetime(2026, 12, 31, 23, tzinfo=UTC))
    client.force_login(pool.town.community_worker)
    assert ways(client) == (["2025", "2026", "2027"], "")
    assert ways(client, created_at__year="2026") == (["2026年2月"], "所有日期")
    days = ways(client, created_at__year="2025", created_at__month="11")
    assert days == (["11月28日"], "2025年")
    one = {"created_at__year": "2025", "created_at__month": "11", "created_at__day": "28"}
    assert ways(client, **one) == (["11月28日"], "2025年11月")
    address = reverse("admin:requests_board_servicerequest_changelist")
    link = client.get(address).context["by_date"]["choices"][0].link
    assert client.get(address + link).context["cl"].result_count == 1


WRONG = ({"created_at__month": "13"}, {"created_at__year": "99999"}, {"created_at__day": "x"})


@pytest.mark.parametrize("query", WRONG)
def test_no_date_breaks_the_list(pool: Any, client: Any, query: dict[str, str]) -> None:
    written(pool.town, datetime(2026, 2, 3, 4, tzinfo=UTC))
    client.force_login(pool.town.community_worker)
    address = reverse("admin:requests_board_servicerequest_changelist")
    assert client.get(address, {"created_at__year": "2026", **query}).status_code < 500


def test_it_costs_no_statement_of_its_own(pool: Any, client: Any) -> None:
    written(pool.town, datetime(2025, 2, 3, 4, tzinfo=UTC), datetime(2026, 2, 3, 4, tzinfo=UTC))
    client.force_login(pool.town.community_worker)
    with CaptureQueriesContext(connection) as caught:
        client.get(reverse("admin:requests_board_servicerequest_changelist"))
    assert [query["sql"] for query in caught if "DATE_TRUNC" in query["sql"].upper()] == []
    assert len([query["sql"] for query in caught if "MIN(" in query["sql"]]) == 1
