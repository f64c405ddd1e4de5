"""What is kept about partners and the pool goes through actions: rights, terms, steps with a reason, stale pages."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from audit.models import Event
from common.errors import Conflict, Invalid, NotAllowed
from partners import actions
from partners.models import Membership, Pairing, Partner, Resource, ResourceServedArea, ResourceSlot
from partners.workflow import Standing
from tests.admin_forms import sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def official(pool, client):
    """The browser of the district's official, who keeps partners and the pool."""
    client.force_login(pool.town.district_official, backend="accounts.backends.PhoneOrNameBackend")
    return client


def press(client, row, step, **form):
    """Press a button of a row and confirm it."""
    lists = reverse(f"admin:partners_{row._meta.model_name}_changelist")
    chosen = {"action": step, "_selected_action": [row.pk], "confirmed": "yes", "reason": "试一试", **form}
    return client.post(lists, chosen, follow=True).content.decode()


def test_a_partner_is_suspended_and_taken_up_again_with_a_reason(pool, official):
    firm = pool.departments[0]
    change = reverse("admin:partners_partner_change", args=[firm.pk])
    assert "暂停合作" in official.get(change).content.decode()
    assert "请写一句原因" in press(official, firm, "suspend", reason=" ")
    assert "暂停了 1 条" in press(official, firm, "suspend")
    assert Partner.objects.get(pk=firm.pk).status == Standing.SUSPENDED
    event = Event.objects.get(verb="partner.standing_changed")
    assert (event.before, event.after, event.reason) == ("合作中", "暂停", "试一试")
    assert "已经是“暂停”了" in press(official, firm, "suspend")
    assert "恢复了 1 条" in press(official, firm, "restore", back="row")


def test_a_community_keeps_its_own_partners_and_no_others(pool):
    town = pool.town
    worker, here, there = town.person("community_worker"), town.estate, town.far_estate
    made = actions.keep_partner(Partner(area=here, category="business", name="小店", code="N1"), actor=worker)
    with pytest.raises(NotAllowed):
        actions.keep_partner(Partner(area=there, category="business", name="远店", code="N2"), actor=worker)
    made.area = there
    with pytest.raises(NotAllowed):
        actions.keep_partner(made, actor=worker)
    foreign = Partner.objects.create(area=there, category="business", name="别家", code="N3")
    foreign.area = here
    with pytest.raises(NotAllowed):
        actions.keep_partner(foreign, actor=worker)
    with pytest.raises(NotAllowed):
        actions.set_standing(pool.departments[0], Standing.EXITED, actor=worker)


def test_two_pairings_of_the_same_two_do_not_overlap(pool, official):
    first = Pairing.objects.get()
    form = {"department": str(first.department_id), "community": first.community_id, "valid_from": "2026-01-01"}
    page = official.post(reverse("admin:partners_pairing_add"), form)
    assert "在这段时间已经结了对" in page.content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        Pairing.objects.create(department=first.department, community=first.community, valid_from=date(2026, 1, 1))
    assert "结束了 1 条" in press(official, first, "end")
    first.refresh_from_db()
    form["valid_from"] = str(first.valid_to.replace(year=first.valid_to.year + 1))
    assert official.post(reverse("admin:partners_pairing_add"), form).status_code == 302
    assert Pairing.objects.count() == 2


def test_a_pairing_is_between_a_department_and_a_community(pool):
    firm = Partner.objects.create(area=pool.town.district, category="property", name="物业", code="P1")
    with pytest.raises(Invalid, match="部门"):
        actions.keep_pairing(Pairing(department=firm, community=pool.town.community, valid_from=date(2026, 1, 1)))
    with pytest.raises(Invalid, match="社区"):
        actions.keep_pairing(
            Pairing(department=pool.departments[1], community=pool.town.street, valid_from=date(2026, 1, 1))
        )


def test_nobody_names_themself_and_an_ended_membership_is_over_at_once(pool, official):
    town, office = pool.town, pool.departments[1]
    add = reverse("admin:partners_membership_add")
    form = {"user": "outsider", "partner": str(office.pk), "role": "department_liaison", "valid_from": "2026-01-01"}
    refused = official.post(add, {**form, "user": "district_official"})
    assert "不能给自己" in refused.content.decode()
    assert "没有找到这个账号" in official.post(add, {**form, "user": "nobody"}).content.decode()
    before = town.person("outsider").session_version
    assert official.post(add, form).status_code == 302
    made = Membership.objects.get(user=town.outsider)
    assert town.person("outsider").session_version > before
    assert "结束了 1 条" in press(official, made, "end")
    assert not Membership.objects.of(town.outsider).exists()
    assert "已经结束了" in press(official, made, "end")


def test_a_stale_page_overwrites_neither_the_row_nor_the_rows_below_it(pool, official):
    row = pool.resources[0]
    address = reverse("admin:partners_resource_change", args=[row.pk])
    early = sent(official.get(address), name="旧页")
    late = sent(official.get(address), **{"served_area_rows-TOTAL_FORMS": "1"})
    late |= {"served_area_rows-0-area": pool.town.street.pk, "served_area_rows-0-resource": str(row.pk)}
    assert official.post(address, late).status_code == 302
    assert ResourceServedArea.objects.get(resource=row).area == pool.town.street
    answer = official.post(address, early)
    assert "刚刚有别人改了这一条" in answer.content.decode()
    assert "旧页" in answer.content.decode(), "what was typed is still there"
    assert Resource.objects.get(pk=row.pk).name != "旧页"
    del early["seen"]
    assert "刚刚有别人改了这一条" in official.post(address, early).content.decode(), "without the mark it is stale"


def test_dispatch_does_not_make_the_page_of_a_slot_stale(pool, official):
    slot = pool.slots(0)[0]
    address = reverse("admin:partners_resourceslot_change", args=[slot.pk])
    form = sent(official.get(address), capacity="5")
    actions.take(slot.pk, 1)
    assert official.post(address, form).status_code == 302
    kept = ResourceSlot.objects.get(pk=slot.pk)
    assert (kept.capacity, kept.used) == (5, 1)


def test_a_slot_that_somebody_holds_stays(pool):
    held, free = pool.slots(0)[:2]
    actions.take(held.pk, 1)
    with pytest.raises(Conflict, match="已经有人约了"):
        actions.remove_slot(held)
    actions.remove_slot(free)
    assert Event.objects.filter(verb="slot.removed").count() == 1


def test_what_changed_is_told_without_the_number(pool, official):
    firm = pool.departments[0]
    address = reverse("admin:partners_partner_change", args=[firm.pk])
    assert official.post(address, sent(official.get(address), new_phone="19900001234", name="新名")).status_code == 302
    event = Event.objects.get(verb="partner.changed")
    assert "名称：新名" in event.after
    assert "联系电话：（不显示）" in event.after
    assert "19900001234" not in f"{event.before}{event.after}"
