"""The set-up rooms and the refusals that staff meet, in a real browser: no page of them breaks the content policy.

The `watch` behind `new_page` fails a test for a violation, an error in the console or a request to another host;
tests/journeys/test_stack.py holds the control that it hears them.
"""

import pytest

from partners.models import Resource
from tests.factories import PASSWORD
from tests.journeys.test_staff_pages import sign_in
from tests.people import make_town
from tests.pool import make_pool

LINKS = "links => [...new Set(links.map(a => a.href))]"


@pytest.fixture
def pool(live_stack):
    """A district with partners and what they offer, whose staff signs in by password."""
    pool = make_pool(make_town())
    for person in (pool.town.system_admin, pool.town.community_worker):
        person.set_password(PASSWORD)
        person.save()
    return pool


@pytest.fixture
def rooms(live_stack, pool, new_page):
    """The index of the set-up rooms, before a system administrator."""
    page = sign_in(new_page(), live_stack.base_url, "system_admin")
    assert page.goto(f"{live_stack.base_url}/admin/").status == 200
    return page


def test_every_list_and_every_first_row_of_it_opens(rooms):
    lists = rooms.locator("#content-main th a").evaluate_all(LINKS)
    assert len(lists) > 20
    opened = 0
    for address in lists:
        assert rooms.goto(address).status == 200
        if rows := rooms.locator("#result_list th a").evaluate_all(LINKS):
            assert rooms.goto(rows[0]).status == 200
            assert rooms.locator("#content-main form").count(), rows[0]
            opened += 1
    assert opened >= 5


def test_every_form_to_add_something_opens(rooms):
    forms = rooms.locator("#content-main a.addlink").evaluate_all(LINKS)
    assert len(forms) >= 5
    for address in forms:
        assert rooms.goto(address).status == 200
        rooms.locator("#content-main form").first.wait_for()


def test_the_scripts_of_a_form_work(live_stack, rooms):
    """One more row in a table of rows, and a day from the calendar."""
    rooms.goto(f"{live_stack.base_url}/admin/partners/resource/{Resource.objects.first().pk}/change/")
    before = rooms.locator(".inline-related tr.form-row:visible").count()
    rooms.locator(".add-row a").last.click()
    assert rooms.locator(".inline-related tr.form-row:visible").count() == before + 1
    rooms.locator(".datetimeshortcuts a:visible").first.click()


def test_a_row_is_saved(live_stack, rooms, pool):
    rooms.goto(f"{live_stack.base_url}/admin/requests_board/declinereason/{pool.busy.pk}/change/")
    rooms.locator("input[name=_continue]").click()
    rooms.locator(".messagelist .success").first.wait_for()


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("community_worker", "/admin/", 403),
        ("community_worker", "/district/nothing/", 404),
        ("community_worker", "/logout/", 405),
        ("system_admin", "/admin/nothing/", 404),
    ],
)
def test_a_refusal_shows_a_way_out(live_stack, pool, new_page, who, path, status):
    page = sign_in(new_page(390, 844), live_stack.base_url, who)
    assert page.goto(live_stack.base_url + path).status == status
    assert page.locator("main h1").inner_text()
    page.locator("main a.btn").first.click()
    page.wait_for_url(lambda address: not address.endswith(path))
