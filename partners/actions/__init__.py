"""Everything that happens to partners and to the pool; nothing else writes their tables."""

from partners.actions.capacity import give_back, swap, take
from partners.actions.people import end_membership, keep_membership
from partners.actions.registry import (
    end_pairing,
    end_property_service,
    keep_pairing,
    keep_partner,
    keep_property_service,
    keep_resource,
    keep_slot,
    keep_type,
    remove_slot,
    set_resource_status,
    set_standing,
)

__all__ = [
    "end_membership",
    "end_pairing",
    "end_property_service",
    "give_back",
    "keep_membership",
    "keep_pairing",
    "keep_partner",
    "keep_property_service",
    "keep_resource",
    "keep_slot",
    "keep_type",
    "remove_slot",
    "set_resource_status",
    "set_standing",
    "swap",
    "take",
]
