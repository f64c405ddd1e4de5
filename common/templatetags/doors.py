"""What a template may ask about the person who looks."""

from typing import Any

from django import template

from common import access
from common.tables.sheet import sheets

register = template.Library()


@register.filter
def may(user: Any, permission: str) -> bool:
    """Tell whether the person holds `permission` anywhere, so that a page offers only doors that open."""
    return access.holds(user, permission)


@register.filter
def keeps_tables(user: Any) -> bool:
    """Tell whether the person may import into any registry."""
    return any(access.holds(user, sheet.keeps) for sheet in sheets())
