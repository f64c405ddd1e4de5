"""The main job from the sticker to the resident's last word, in a real browser on the real stack."""

import re

import pytest
from django.db import connection

from grids.models import BuildingCode
from requests_board import links
from requests_board.models import Allocation, ResourceRequest, ServiceRequest
from requests_board.workflow import AllocationStatus
from tests.factories import PASSWORD
from tests.people import make_town
from tests.pool import make_pool
from tests.stack import wait_until

A = AllocationStatus
WORDS = "想请人来讲一次法律讲座，老人多，最好在社区讲"


@pytest.fixture
def pool(live_stack):
    made = make_pool(make_town())
    for person in (made.town.community_worker, *made.liaisons):
        person.set_password(PASSWORD)
        person.save()
    BuildingCode.objects.filter(area=made.town.building).update(code="TEST23")
    return made


def sign_in(page, base, name, door):
    page.goto(f"{base}{door}")
    page.get_by_label(re.compile("用户名|手机号")).first.fill(name)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "login" not in url)


def report(page, base):
    """Say one sentence after scanning: two taps, the box and the button."""
    page.goto(f"{base}/b/TEST23/")
    page.locator("textarea[name=text]").tap()
    page.locator("textarea[name=text]").fill(WORDS)
    page.get_by_role("button", name="提交").tap()
    page.wait_for_url(re.compile("/t/"))
    return ServiceRequest.objects.get()


def dispatch(page, base):
    """Dispatch from the list in two clicks, the row and the button; return the need."""
    page.locator("[data-list] a").first.click()
    # The row's detail takes the place of the one that opened by itself; a press in between would be lost.
    page.wait_for_load_state("networkidle")
    page.locator("#detail").get_by_role("button", name=re.compile("^请.*来$")).click()
    page.get_by_role("status").get_by_text("撤回").wait_for()
    return ResourceRequest.objects.get()


def held(need):
    """Wait for the real worker to ask a department, after the seconds for undoing."""
    found = Allocation.objects.filter(resource_request=need, status=A.HELD)
    wait_until(found.exists, 60)
    return found.get()


def by_sql(statement, *values):
    """Move due columns the way time would: only the database's clock counts."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def slot_is_over(allocation):
    by_sql(
        "UPDATE partners_resourceslot SET starts_at = now() - interval '3 hours', ends_at = now() - interval '1 hour'"
        " WHERE id = %s",
        allocation.slot_id,
    )


def phone(new_page, **options):
    return new_page(390, 844, has_touch=True, **options)


def test_from_the_sticker_to_the_residents_last_word(live_stack, pool, new_page):
    base = live_stack.base_url
    resident, worker, liaison = phone(new_page), new_page(), phone(new_page)
    request = report(resident, base)
    assert request.channel == "qr"
    assert request.number in resident.locator("main").inner_text()

    sign_in(worker, base, "community_worker", "/desk/")
    need = dispatch(worker, base)
    assert not Allocation.objects.filter(held_at__isnull=False).exists()
    allocation = held(need)
    assert allocation.partner == pool.departments[0]

    liaison.goto(f"{base}{links.answer_url(allocation)}")
    liaison.get_by_role("button", name="能来").tap()
    wait_until(lambda: Allocation.objects.get(pk=allocation.pk).status == A.CONFIRMED)

    slot_is_over(allocation)
    worker.goto(f"{base}/desk/?f=needs&open={need.number}")
    worker.get_by_role("button", name=re.compile("已经来过了")).click()
    worker.get_by_role("button", name=re.compile("很好")).click()
    wait_until(lambda: Allocation.objects.get(pk=allocation.pk).status == A.CLOSED)

    resident.goto(f"{base}{links.tracking_url(request)}")
    assert "示例部门1" in resident.locator("main").inner_text()
    resident.get_by_role("button", name="修好了，满意").tap()
    wait_until(lambda: ServiceRequest.objects.get(pk=request.pk).status == "closed")
    assert ServiceRequest.objects.get(pk=request.pk).rating == "good"


def test_a_decline_reaches_the_next_department_and_silence_the_one_after(live_stack, pool, new_page):
    base = live_stack.base_url
    report(phone(new_page), base)
    worker, liaison = new_page(), new_page()
    sign_in(worker, base, "community_worker", "/desk/")
    need = dispatch(worker, base)
    first = held(need)
    number = pool.departments.index(first.partner)
    sign_in(liaison, base, f"liaison{number + 1}", "/liaison/")
    liaison.get_by_text("来不了").first.click()
    liaison.get_by_text("那天已有安排").first.click()
    if liaison.get_by_role("button", name="确认来不了").count():
        liaison.get_by_role("button", name="确认来不了").click()
    wait_until(lambda: Allocation.objects.get(pk=first.pk).status == A.DECLINED)
    second = held(need)
    assert second.partner != first.partner

    by_sql("UPDATE requests_board_allocation SET answer_due_at = now() - interval '1 minute' WHERE id = %s", second.pk)
    wait_until(lambda: Allocation.objects.get(pk=second.pk).status == A.EXPIRED, 90)
    third = held(need)
    assert third.partner not in (first.partner, second.partner)
    stale = new_page()
    assert stale.goto(f"{base}{links.answer_url(second)}").status == 410


def test_undo_within_ten_seconds_leaves_nobody_asked(live_stack, pool, new_page):
    base = live_stack.base_url
    report(phone(new_page), base)
    worker = new_page()
    sign_in(worker, base, "community_worker", "/desk/")
    need = dispatch(worker, base)
    worker.get_by_role("status").get_by_role("button", name=re.compile("撤回")).click()
    wait_until(lambda: ResourceRequest.objects.get(pk=need.pk).status == "withdrawn")
    by_sql("UPDATE audit_job SET next_at = now() WHERE state = 'pending'")
    live_stack.run_jobs()
    assert not Allocation.objects.filter(held_at__isnull=False).exists()
    assert ServiceRequest.objects.get().status == "accepted"


def test_without_javascript_everything_still_works(live_stack, pool, new_page):
    base = live_stack.base_url
    request = report(phone(new_page, javascript=False), base)
    worker, liaison = new_page(javascript=False), phone(new_page, javascript=False)
    sign_in(worker, base, "community_worker", "/desk/")
    need = dispatch(worker, base)
    allocation = held(need)
    liaison.goto(f"{base}{links.answer_url(allocation)}")
    liaison.get_by_role("button", name=re.compile(r"月.*日")).first.tap()
    wait_until(lambda: Allocation.objects.get(pk=allocation.pk).status == A.COUNTERED)
    worker.goto(f"{base}/desk/?f=needs&open={need.number}")
    worker.get_by_role("button", name=re.compile("同意改到这个时间")).click()
    wait_until(lambda: Allocation.objects.get(pk=allocation.pk).status == A.CONFIRMED)
    assert ServiceRequest.objects.get(pk=request.pk).status == "in_progress"


def test_with_the_keyboard_alone(live_stack, pool, new_page):
    base = live_stack.base_url
    resident = new_page(390, 844)
    resident.goto(f"{base}/b/TEST23/")
    resident.keyboard.press("Tab")
    assert resident.evaluate("document.activeElement.getAttribute('href')") == "#main"
    for _ in range(12):
        if resident.evaluate("document.activeElement.name") == "text":
            break
        resident.keyboard.press("Tab")
    resident.keyboard.type(WORDS)
    for _ in range(12):
        if resident.evaluate("document.activeElement.textContent.trim()") == "提交":
            break
        resident.keyboard.press("Tab")
    resident.keyboard.press("Enter")
    resident.wait_for_url(re.compile("/t/"))

    worker = new_page()
    sign_in(worker, base, "community_worker", "/desk/")
    worker.keyboard.press("j")
    worker.keyboard.press("Enter")
    worker.locator("#detail [data-key='3']").wait_for()
    worker.keyboard.press("3")
    wait_until(lambda: ServiceRequest.objects.get().status == "in_progress")
