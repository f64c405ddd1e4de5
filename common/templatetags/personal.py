"""Personal values in templates: masked, always; the whole value comes only through `accounts.actions.reveal`."""

from typing import Any

from django import template

from common import masks

register = template.Library()


@register.filter
def masked_phone(value: Any) -> str:
    """Show a phone number with its middle hidden."""
    return masks.mask_phone(str(value or ""))


@register.filter
def masked_name(value: Any) -> str:
    """Show the family name only."""
    return masks.mask_name(str(value or ""))


@register.filter
def masked(value: Any) -> str:
    """Show that there is a value, and nothing of it."""
    return masks.mask_text(str(value or ""))
