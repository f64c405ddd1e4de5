"""What happens to the pool's capacity. Only the database decides who is first."""

from django.db import transaction
from django.db.models import F

from common.errors import OutOfCapacity
from partners.models import ResourceSlot


def take(slot_id: int, quantity: int) -> None:
    """Take `quantity` units of a slot by one conditional UPDATE; raise OutOfCapacity when someone was faster."""
    free = ResourceSlot.objects.filter(pk=slot_id, used__lte=F("capacity") - quantity)
    if not free.update(used=F("used") + quantity):
        raise OutOfCapacity


def give_back(slot_id: int, quantity: int) -> None:
    """Return `quantity` units to a slot; the CHECK refuses to return what was never taken."""
    ResourceSlot.objects.filter(pk=slot_id).update(used=F("used") - quantity)


@transaction.atomic
def swap(old_slot_id: int, new_slot_id: int, quantity: int) -> None:
    """Take the new slot and free the old one, in the order of their ids so that two swaps never deadlock."""
    for slot_id in sorted((old_slot_id, new_slot_id)):
        if slot_id == new_slot_id:
            take(slot_id, quantity)
        else:
            give_back(slot_id, quantity)
