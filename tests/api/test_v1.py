"""The machine interface: scoped, without personal data, and honest about what it refuses."""

import base64
import json
import uuid

import pytest
from django.test import Client

from api.shapes import Shape
from common.fields import BlindIndexField, EncryptedTextField
from requests_board.actions import dispatch, requests
from requests_board.models import ServiceRequest


@pytest.fixture
def rows(pool):
    request = requests.submit_request(area=pool.town.building, text="灯坏了", phone="19900001234")
    need = pool.ask(urgency="urgent")
    return {
        "requests": str(request.pk),
        "resource-requests": str(need.pk),
        "allocations": str(dispatch.run(str(need.pk)).pk),
    }


def post(client, address, body=None, **headers):
    return client.post(f"/api/v1/{address}", json.dumps(body or {}), content_type="application/json", headers=headers)


# Scope ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["requests", "resource-requests", "allocations"])
def test_rows_within_scope_are_listed_and_others_are_missing(client, pool, rows, name):
    client.force_login(pool.town.community_worker)
    listed = client.get(f"/api/v1/{name}/").json()
    assert [row["id"] for row in listed["results"]] == [rows[name]]
    assert listed["next"] is None
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
    listed = client.get("/api/v1/requests/").content.decode()
    single = client.get(f"/api/v1/requests/{rows['requests']}/").content.decode()
    assert "19900001234" not in listed + single
    assert "灯坏了" not in listed
    assert "灯坏了" in single


def test_no_shape_reads_a_sealed_column_nor_its_index():
    for shape in Shape.__subclasses__():
        for path in shape.paths.values():
            field = next((f for f in shape.model._meta.get_fields() if f.name == path), None)
            assert not isinstance(field, EncryptedTextField | BlindIndexField), (shape, path)


# Pages ----------------------------------------------------------------------------------------------------------------


def walked(client, address, **query):
    ids, cursor, pages = [], "", 0
    while cursor is not None:
        found = client.get(address, {**query, **({"cursor": cursor} if cursor else {})}).json()
        ids += [row["id"] for row in found["results"]]
        cursor, pages = found["next"], pages + 1
    return ids, pages


def test_pages_lose_no_row_though_all_are_equally_old(client, pool):
    for _ in range(23):
        requests.submit_request(area=pool.town.building, text="灯坏了")
    ServiceRequest.objects.update(created_at=ServiceRequest.objects.earliest("created_at").created_at)
    client.force_login(pool.town.community_worker)
    ids, pages = walked(client, "/api/v1/requests/", limit=5)
    assert (len(ids), len(set(ids)), pages) == (23, 23, 5)
    # Control: by the moment alone, nothing comes after the first page.
    last = ServiceRequest.objects.get(pk=ids[4])
    assert not ServiceRequest.objects.filter(created_at__lt=last.created_at).exists()
    assert ids == [str(pk) for pk in ServiceRequest.objects.order_by("-created_at", "-id").values_list("id", flat=True)]


@pytest.mark.parametrize(
    "cursor",
    ["x", "yesterday", "WyJ4Il0", base64.urlsafe_b64encode(b'["2026-01-01","a"]').decode(), "9" * 400, "²",
     base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00","7d1f0a5e-3c1b-4e7a-9a53-0f5f3f6f2b11"]').decode(),
     base64.urlsafe_b64encode(b"[" * 90).decode(), base64.urlsafe_b64encode(b"null").decode()],
)  # fmt: skip
def test_a_senseless_cursor_is_refused_in_words(client, pool, cursor):
    client.force_login(pool.town.community_worker)
    answer = client.get("/api/v1/requests/", {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid", "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=gone", "status"), ("area=x", "area"), ("area=²", "area"), ("area=-1", "area"), ("limit=0", "limit"),
        ("limit=201", "limit"), ("created_from=2026-01-01", "created_from"), ("colour=red", "colour"),
        ("status=closed&status=accepted", "status"), ("format=xml", "format"), ("before=2026-01-01", "before"),
    ],
)  # fmt: skip
def test_a_filter_that_nobody_knows_is_refused_by_name(client, pool, query, field):
    client.force_login(pool.town.community_worker)
    answer = client.get(f"/api/v1/requests/?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["message"]


def test_filters_keep_what_they_say(client, pool):
    near = requests.submit_request(area=pool.town.building, text="灯坏了")
    far = requests.submit_request(area=pool.town.building_two, text="灯坏了", severity="urgent")
    client.force_login(pool.town.community_worker)

    def found(**query):
        return [row["id"] for row in client.get("/api/v1/requests/", query).json()["results"]]

    assert found(area=pool.town.building.pk) == [str(near.pk)]
    assert set(found(area=pool.town.grid.pk)) == {str(near.pk), str(far.pk)}
    assert found(severity="urgent") == [str(far.pk)]
    assert found(number=near.number) == [str(near.pk)]
    assert found(created_from="2199-01-01T00:00:00+08:00") == []
    assert len(found(created_before="2199-01-01T00:00:00+08:00")) == 2


# One row --------------------------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_sent_again(client, pool, rows):
    client.force_login(pool.town.community_worker)
    address = f"/api/v1/requests/{rows['requests']}/"
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert post(client, f"requests/{rows['requests']}/accept/").status_code == 200
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_write_on_an_old_version_is_refused_and_changes_nothing(client, pool, rows):
    client.force_login(pool.town.community_worker)
    seen = client.get(f"/api/v1/requests/{rows['requests']}/")["ETag"]
    done = post(client, f"requests/{rows['requests']}/accept/", **{"If-Match": seen})
    assert (done.status_code, done.json()["version"]) == (200, 2)
    late = post(client, f"requests/{rows['requests']}/take/", **{"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    for fresh in ('"2"', done["ETag"], '"1", "2"'):
        answer = post(client, f"requests/{rows['requests']}/classify/", {"category": "x"}, **{"If-Match": fresh})
        assert answer.status_code == 422
    assert ServiceRequest.objects.get(pk=rows["requests"]).status == "accepted"


def test_a_row_in_another_lock_order_is_compared_as_well(client, pool, rows):
    client.force_login(pool.liaison(0))
    for seen, status in (('"99"', 412), ('"2"', 200)):
        assert post(client, f"allocations/{rows['allocations']}/confirm/", **{"If-Match": seen}).status_code == status


def test_a_session_with_its_form_key_writes_under_a_key_of_the_call(pool):
    client = Client(enforce_csrf_checks=True)
    client.force_login(pool.town.community_worker)
    client.cookies["csrftoken"] = "a" * 32
    body = json.dumps({"text": "灯坏了", "area": pool.town.building.pk})
    headers = {"X-CSRFToken": "a" * 32, "Idempotency-Key": "the-first-call"}
    first, second = (client.post("/api/v1/requests/", body, "application/json", headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code, second.content) == (201, 201, first.content)
    form = client.post("/api/v1/requests/", {"text": "灯坏了"}, headers=headers)
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")


# What another system took in first ------------------------------------------------------------------------------------


def taken_in(client, area, **more):
    body = {"text": "灯坏了", "area": area.pk, "source": "12345", "external_id": "GD number 1", **more}
    return post(client, "requests/", body)


def test_what_another_system_took_in_is_taken_in_once_and_found_by_its_number(client, pool):
    client.force_login(pool.town.community_worker)
    first = taken_in(client, pool.town.building)
    again = taken_in(client, pool.town.building, text="改过的话", source=" １２３４５ ")
    assert (first.status_code, again.status_code, again.content) == (201, 200, first.content)
    assert again["Location"] == first["Location"]
    assert (again.json()["channel"], again.json()["source"], again.json()["text"]) == ("import", "12345", "灯坏了")
    found = client.get("/api/v1/requests/", {"source": "12345", "external_id": "GD number 1"}).json()["results"]
    assert [row["id"] for row in found] == [first.json()["id"]]
    assert client.get("/api/v1/requests/", {"external_id": "GD"}).json()["results"] == []
    assert taken_in(client, pool.town.building, external_id="GD2").status_code == 201


def test_a_number_that_is_known_elsewhere_or_is_but_half_is_refused(client, pool):
    client.force_login(pool.town.far_worker)
    assert taken_in(client, pool.town.far_building).status_code == 201
    client.force_login(pool.town.community_worker)
    elsewhere = taken_in(client, pool.town.building)
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (409, "external_id")
    for half, field in (({"external_id": ""}, "external_id"), ({"source": " "}, "source")):
        answer = taken_in(client, pool.town.building, **half)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid", field)
    assert ServiceRequest.objects.count() == 1
