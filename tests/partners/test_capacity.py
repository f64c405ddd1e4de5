"""Capacity is what the database says: never below nothing, never above what there is."""

import pytest
from django.db import IntegrityError, transaction

from common.errors import OutOfCapacity
from partners import actions
from partners.models import PropertyService, ResourceSlot

pytestmark = pytest.mark.django_db


def used(*slots):
    return [ResourceSlot.objects.get(pk=slot.pk).used for slot in slots]


@pytest.fixture
def slots(pool):
    ResourceSlot.objects.filter(resource=pool.resources[0]).update(capacity=3)
    return pool.slots()[:2]


def test_units_are_taken_while_there_are_enough(slots):
    slot = slots[0]
    actions.take(slot.pk, 2)
    with pytest.raises(OutOfCapacity):
        actions.take(slot.pk, 2)
    actions.take(slot.pk, 1)
    assert used(slot) == [3]
    with pytest.raises(OutOfCapacity):
        actions.take(slot.pk, 1)
    with pytest.raises(OutOfCapacity):
        actions.take(-1, 1)


def test_what_was_never_taken_cannot_be_given_back(slots):
    actions.take(slots[0].pk, 1)
    actions.give_back(slots[0].pk, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        actions.give_back(slots[0].pk, 1)
    assert used(slots[0]) == [0]


@pytest.mark.parametrize("forward", [True, False])
def test_a_swap_takes_the_one_and_frees_the_other(slots, forward):
    old, new = slots if forward else reversed(slots)
    actions.take(old.pk, 2)
    actions.swap(old.pk, new.pk, 2)
    assert used(old, new) == [0, 2]


@pytest.mark.parametrize("forward", [True, False])
def test_a_swap_into_a_full_slot_changes_nothing(slots, forward):
    old, new = slots if forward else reversed(slots)
    actions.take(old.pk, 2)
    actions.take(new.pk, 2)
    with pytest.raises(OutOfCapacity):
        actions.swap(old.pk, new.pk, 2)
    assert used(old, new) == [2, 2]


def test_the_last_line_stands_below_the_code(slots):
    """The control: whoever goes past the action is stopped by the CHECK."""
    with pytest.raises(IntegrityError), transaction.atomic():
        ResourceSlot.objects.filter(pk=slots[0].pk).update(used=4)
    with pytest.raises(IntegrityError), transaction.atomic():
        ResourceSlot.objects.filter(pk=slots[0].pk).update(capacity=2, used=3)


def test_an_estate_has_one_property_firm_at_a_time(pool):
    estate, (first, second, _) = pool.town.estate, pool.departments
    PropertyService.objects.create(partner=first, area=estate, valid_from="2024-01-01", valid_to="2024-12-31")
    with pytest.raises(IntegrityError), transaction.atomic():
        PropertyService.objects.create(partner=second, area=estate, valid_from="2024-12-31")
    PropertyService.objects.create(partner=second, area=estate, valid_from="2025-01-01")
