"""What the tests of the tree page share."""

from __future__ import annotations

import pytest

from clockwork.actions import load_calendar, load_policies
from requests_board.actions import requests
from tests import factories


@pytest.fixture
def page(town, client):
    """Return a function that signs somebody in and opens an address, or sends a form to it."""

    signed_in = ""

    def ask(who, address, form=None, **headers):
        nonlocal signed_in
        if who != signed_in:
            client.force_login(getattr(town, who), backend="accounts.backends.PhoneOrNameBackend")
            signed_in = who
        return client.get(address, headers=headers) if form is None else client.post(address, form)

    return ask


@pytest.fixture
def both_streets(town):
    """The street's worker, who holds the other street, too."""
    factories.post(town.street_worker, "street_worker", town.far_street)
    return town


@pytest.fixture
def request_in(town):
    """Return a function that sends a resident's request from a place."""
    load_calendar()
    load_policies()
    return lambda place: requests.submit_request(area=place, text="灯坏了", phone="19900001234")
