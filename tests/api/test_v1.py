"""The machine interface: scoped, without personal data, and honest about what it refuses."""

import uuid

import pytest

from requests_board.actions import dispatch, requests


@pytest.fixture
def rows(pool):
    request = requests.submit_request(area=pool.town.building, text="灯坏了", phone="19900001234")
    need = pool.ask(urgency="urgent")
    return {
        "requests": str(request.pk),
        "resource-requests": str(need.pk),
        "allocations": str(dispatch.run(str(need.pk)).pk),
    }


@pytest.mark.parametrize("name", ["requests", "resource-requests", "allocations"])
def test_rows_within_scope_are_listed_and_others_are_missing(client, pool, rows, name):
    client.force_login(pool.town.community_worker)
    listed = client.get(f"/api/v1/{name}/").json()
    assert [row["id"] for row in listed["results"]] == [rows[name]]
    assert listed["before"] is None
    assert client.get(f"/api/v1/{name}/{rows[name]}/").json()["id"] == rows[name]
    client.force_login(pool.town.far_worker)
    assert client.get(f"/api/v1/{name}/").json()["results"] == []
    foreign = client.get(f"/api/v1/{name}/{rows[name]}/")
    missing = client.get(f"/api/v1/{name}/{uuid.uuid4()}/")
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_strangers_and_the_wrong_roles_are_told_so(client, pool, rows):
    answer = client.get("/api/v1/requests/")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    client.force_login(pool.town.auditor)
    assert client.get("/api/v1/requests/").status_code == 403


def test_a_partner_sees_only_what_it_was_asked(client, pool, rows):
    client.force_login(pool.liaison(0))
    assert len(client.get("/api/v1/allocations/").json()["results"]) == 1
    client.force_login(pool.liaison(1))
    assert client.get("/api/v1/allocations/").json()["results"] == []


def test_no_personal_data_goes_out(client, pool, rows):
    client.force_login(pool.town.community_worker)
    body = client.get("/api/v1/requests/").content.decode()
    assert "19900001234" not in body
    assert "灯坏了" not in body


def test_pages_go_on_where_the_last_one_ended(client, pool):
    for _ in range(51):
        requests.submit_request(area=pool.town.building, text="灯坏了")
    client.force_login(pool.town.community_worker)
    first = client.get("/api/v1/requests/").json()
    second = client.get("/api/v1/requests/", {"before": first["before"]}).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert (len(first["results"]), len(ids), len(set(ids))) == (50, 51, 51)


def test_a_senseless_page_is_refused_in_words(client, pool):
    client.force_login(pool.town.community_worker)
    answer = client.get("/api/v1/requests/", {"before": "yesterday"})
    assert (answer.status_code, answer.json()["field"]) == (422, "before")
