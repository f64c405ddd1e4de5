"""Tell which partners a person acts for, and with which rights."""

from datetime import date
from typing import Any

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast

from common import access
from common.errors import NotAllowed
from grids.permissions import held_for
from grids.roles import BY_CODE
from partners.models import Membership


def memberships(user: Any) -> QuerySet[Any]:
    """Return what the person holds for partners, in the columns of `grids.permissions`."""
    nothing, partner = Value(""), Cast("partner_id", CharField())
    return Membership.objects.of(user).values_list("role", nothing, nothing, partner)


def told(user: Any) -> list[tuple[str, str, date | None]]:
    """Return as what, for which partner and until when the person acts."""
    held = Membership.objects.of(user).select_related("partner")
    return [(each.get_role_display(), each.partner.name, each.valid_to) for each in held]


def partner_rights(user: Any) -> dict[str, frozenset[str]]:
    """Map each right that the person holds through memberships to the ids of those partners (as text)."""
    cached = getattr(user, "_partner_rights", None)
    if cached is None:
        found: dict[str, set[str]] = {}
        if getattr(user, "is_authenticated", False):
            for role, partner_id in held_for(user):
                for permission in access.narrowed(user, BY_CODE[role].permissions):
                    found.setdefault(permission, set()).add(partner_id)
        cached = {permission: frozenset(ids) for permission, ids in found.items()}
        user._partner_rights = cached
    return cached


def partner_permissions(user: Any) -> set[str]:
    """Return the rights that the person holds for any partner."""
    return set(partner_rights(user))


def acts_for(user: Any, permission: str, field: str = "partner_id") -> Q:
    """Match rows of the partners for which the person holds `permission`."""
    return Q(**{f"{field}__in": partner_rights(user).get(permission, frozenset())})


def can_for_partner(user: Any, permission: str, partner_id: Any) -> bool:
    """Tell whether the person holds `permission` for this partner."""
    return str(partner_id) in partner_rights(user).get(permission, frozenset())


def require_for_partner(user: Any, permission: str, partner_id: Any) -> None:
    """Raise NotAllowed unless the person holds `permission` for this partner."""
    if not can_for_partner(user, permission, partner_id):
        raise NotAllowed
