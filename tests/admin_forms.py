"""What a browser sends when a form of the admin is left as it was shown, with the changes that a test makes."""

from __future__ import annotations

from typing import Any

from django import forms


def sent(page: Any, **changed: Any) -> dict[str, Any]:
    """Return the form of an admin page as a browser sends it; refuses a page that shows none."""
    values: dict[str, Any] = {}
    for part in (page.context["adminform"].form, *_inline(page)):
        for bound in part:
            if not bound.field.disabled:
                values.update(_sent(bound))
    return {**values, **changed}


def _inline(page: Any) -> Any:
    for inline in page.context["inline_admin_formsets"]:
        yield inline.formset.management_form
        yield from inline.formset.forms


def _sent(bound: Any) -> dict[str, Any]:
    value, widget = bound.value(), bound.field.widget
    while hasattr(widget, "widget"):
        widget = widget.widget
    if isinstance(widget, forms.CheckboxInput):
        return {bound.html_name: "on"} if value else {}
    if isinstance(widget, forms.MultiWidget):
        parts = widget.decompress(value) if not isinstance(value, list) else value
        return {f"{bound.html_name}_{n}": widget.widgets[n].format_value(part) or "" for n, part in enumerate(parts)}
    shown = widget.format_value(value)
    if isinstance(shown, list):
        return {bound.html_name: [part for part in shown if part]}
    return {bound.html_name: "" if shown is None else shown}
