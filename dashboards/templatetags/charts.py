"""Charts for templates; the drawing is in `dashboards.charts`, the markup in templates/dashboards/charts."""

from collections.abc import Sequence
from typing import Any

from django import template

from dashboards import charts

register = template.Library()


@register.inclusion_tag("dashboards/charts/bars.html")
def bar_chart(rows: Sequence[charts.Bar], caption: str, head: str = "", most: float | None = None) -> dict[str, Any]:
    """Draw bars with their words as a table, so that the figures can be read without seeing the bars."""
    return {"rows": charts.bars(rows, most=most), "caption": caption, "head": head}


@register.inclusion_tag("dashboards/charts/line.html")
def line_chart(
    values: Sequence[float], words: str, colour: str = charts.PLAIN, top: float | None = None
) -> dict[str, Any]:
    """Draw one line with its sentence for those who do not see it."""
    return {
        "line": charts.line(values, top=top),
        "words": words,
        "colour": colour,
        "w": charts.WIDTH,
        "h": charts.HEIGHT,
    }


@register.filter
def percent(value: float | None) -> str:
    """Write a share of 1 as 92.3%, and nothing counted as a dash."""
    return "—" if value is None else f"{100 * value:.1f}%"


@register.filter
def spoken(pieces: Sequence[tuple[str, str]]) -> str:
    """Write a sentence of linked pieces as plain words."""
    return "".join(text for text, _ in pieces)
