"""A row that is seen by exception: on every surface of the admin, in files and by the API, and nowhere else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.actions import come_in, issue_token
from clockwork.actions import load_calendar, load_policies
from clockwork.selectors import db_now
from common import access
from common.errors import NotAllowed
from grids import permissions
from grids.actions import grants
from grids.grants_selectors import kinds
from partners.actions import keep_partner
from partners.models import Partner
from requests_board.actions.requests import submit_request
from requests_board.models import ServiceRequest
from tests.admin_forms import sent

pytestmark = pytest.mark.django_db

PHONE, API, LIST = "19900001234", "/api/v1/requests/", "admin:requests_board_servicerequest"


@pytest.fixture
def row(town):
    """A request elsewhere."""
    load_calendar()
    load_policies()
    return submit_request(area=town.far_building, text="路灯不亮", phone=PHONE)


@pytest.fixture
def other(row, town):
    """A request at the same place."""
    return submit_request(area=town.far_building, text="井盖响", phone=PHONE)


def except_for(user, right, row):
    """Make an exception for a day."""
    return grants.make_exception(user, right, row, until=db_now() + timedelta(days=1), reason="顶班")


def sign_in(client, user):
    client.force_login(user, backend="accounts.backends.PhoneOrNameBackend")


def taken_away(client: Any, code: str, **form: str) -> str:
    """What stands in a list's file."""
    answer = client.post(reverse("export", args=[code]), {"format": "csv", **form})
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


# The admin and its files --------------------------------------------------------------------------------------------


def surfaces(client, row) -> dict[str, bool]:
    """On which surfaces of the admin a request shows."""
    change, history = (reverse(f"{LIST}_{page}", args=[row.pk]) for page in ("change", "history"))
    return {
        "list": row.number in client.get(reverse(f"{LIST}_changelist")).content.decode(),
        "search": row.text in client.get(reverse("admin:search"), {"q": row.number}).content.decode(),
        "change": client.get(change).status_code == 200,
        "history": client.get(history).status_code == 200,
        "file": row.number in taken_away(client, "admin.requests_board.servicerequest"),
        "desk": client.get(reverse("requests_board:desk"), {"open": row.number}).status_code == 200,
        "desk's file": row.number in taken_away(client, "desk"),
    }


def test_an_exception_shows_its_row_on_every_surface_and_no_other(town, client, row, other):
    sign_in(client, town.grid_worker)
    assert set(surfaces(client, row).values()) == {False}
    made = except_for(town.grid_worker, "view_request", row)
    sign_in(client, town.person("grid_worker"))
    assert set(surfaces(client, row).values()) == {True}
    assert set(surfaces(client, other).values()) == {False}
    grants.end_grant(made)
    sign_in(client, town.person("grid_worker"))
    assert set(surfaces(client, row).values()) == {False}


def test_a_partner_is_kept_by_exception_and_no_other(town, client):
    load_policies()
    ours, theirs = (
        Partner.objects.create(area=town.far_estate, category="welfare", name=name, code=name)
        for name in ("向阳社", "晨光社")
    )
    except_for(town.community_worker, "manage_partner", ours)
    sign_in(client, town.person("community_worker"))
    page = client.get(reverse("admin:partners_partner_change", args=[ours.pk]))
    answer = client.post(page.request["PATH_INFO"], sent(page, name="向阳公益社"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    kept = Partner.objects.get(pk=ours.pk)
    assert kept.name == "向阳公益社"
    # By exception it is kept where it lies.
    kept.area = town.estate
    with pytest.raises(NotAllowed):
        keep_partner(kept, actor=town.person("community_worker"))
    assert Partner.objects.get(pk=ours.pk).area_id == town.far_estate.pk
    assert client.get(reverse("admin:partners_partner_change", args=[theirs.pk])).status_code == 302


def test_numbers_leave_in_full_only_for_the_row_that_was_given(town, client, row):
    """The registry's file keeps to places; of the rows there, an exception opens the number of one."""
    shown, masked = (
        submit_request(area=town.building, text="水管漏", phone=phone) for phone in (PHONE, "19900005678")
    )
    for each in (shown, masked, row):
        ServiceRequest.objects.filter(pk=each.pk).update(source="12345", external_id=each.number)
    sign_in(client, town.grid_worker)
    asked = {"format": "csv", "full": "1", "purpose": "回访"}
    assert client.post(reverse("export", args=["sheet.requests"]), asked).status_code == 403
    for each in (shown, row):
        except_for(town.grid_worker, "reveal_contact", each)
    sign_in(client, town.person("grid_worker"))
    file = taken_away(client, "sheet.requests", full="1", purpose="回访")
    assert (PHONE in file, "199****5678" in file, row.number in file) == (True, True, False)
    # Whoever may see the number finds the row by it.
    found = client.get(reverse("requests_board:desk"), {"q": PHONE}).content.decode()
    assert (shown.number in found, row.number in found) == (True, True)
    assert masked.number not in client.get(reverse("requests_board:desk"), {"q": "19900005678"}).content.decode()


def test_no_list_without_a_place_opens_by_an_exception():
    """Whoever holds a right anywhere sees all rows that lie nowhere: one request must not open them."""
    rights = {right for model in kinds().values() for right in model.exceptional}
    for one in admin.site._registry.values():
        if one.place == "":
            assert not rights & {*one.looks, *one.keeps}, one


# The API and its tokens ---------------------------------------------------------------------------------------------


def listed(client, headers=None) -> set[str]:
    answer = client.get(API, headers=headers or {})
    assert answer.status_code in (200, 403)
    return {row["number"] for row in answer.json().get("results", ())}


def test_the_api_knows_exceptions_as_the_pages_do(town, client, row, other):
    sign_in(client, town.outsider)
    assert client.get(API).status_code == 403
    except_for(town.outsider, "handle_request", row)
    sign_in(client, town.person("outsider"))
    assert listed(client) == {row.number}
    assert client.get(f"{API}{row.pk}/").status_code == 200
    assert client.get(f"{API}{other.pk}/").status_code == 404
    answers = [
        client.post(f"{API}{each.pk}/accept/", json.dumps({}), content_type="application/json",
                    headers={"Idempotency-Key": f"exception-{each.pk}"}).status_code
        for each in (row, other)
    ]  # fmt: skip
    assert answers[1] == 404
    assert answers[0] not in (401, 403, 404)


@pytest.mark.parametrize(
    ("rights", "place", "seen", "handled"),
    [
        (("view_request", "handle_request"), None, True, True),
        (("view_request", "handle_request"), "far_building", True, True),
        (("view_request", "handle_request"), "far_street", True, True),
        (("view_request", "handle_request"), "community", False, False),
        (("view_request",), None, True, False),
        (("view_request",), "community", False, False),
        (("view_pool",), None, False, False),
    ],
)
def test_a_token_leaves_of_an_exception_what_it_leaves_of_all_rights(town, client, row, rights, place, seen, handled):
    except_for(town.grid_worker, "handle_request", row)
    own = submit_request(area=town.building, text="水管漏", phone=PHONE)
    area = getattr(town, place) if place else None
    where = access.Place(area.pk, area.name, area.scope_path) if area else None
    _, secret = issue_token(
        user=town.person("grid_worker"), name="对接", permissions=list(rights), days=1, place=where, actor=None
    )
    assert (row.number in listed(client, {"Authorization": f"Bearer {secret}"})) is seen
    user = come_in(secret, address="10.1.2.3")
    assert ServiceRequest.objects.visible_to(user).filter(pk=row.pk).exists() is seen
    assert permissions.can(user, "handle_request", row) is handled
    assert permissions.can(user, "handle_request", own) is ("handle_request" in rights and place in (None, "community"))


def test_an_exception_that_a_key_does_not_cut_would_be_noticed(town, row, monkeypatch):
    except_for(town.grid_worker, "handle_request", row)
    where = access.Place(town.community.pk, town.community.name, town.community.scope_path)
    _, secret = issue_token(
        user=town.person("grid_worker"), name="对接", permissions=["view_request"], days=1, place=where, actor=None
    )
    monkeypatch.setattr(access, "narrowed_paths", lambda user, paths: list(paths))
    assert ServiceRequest.objects.visible_to(come_in(secret, address="10.1.2.3")).filter(pk=row.pk).exists()
