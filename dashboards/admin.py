"""What a district sets for its figures and its forms of facts, and what the picture tells on pages of the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin import Children, Panel, SettingsAdmin, panel
from dashboards import actions, partner_selectors
from dashboards.facts import FACTS
from dashboards.models import FactForm, MetricDefinition


class KeptSettingAdmin(SettingsAdmin):
    """Rows of the room's own settings."""

    def store(self, request: HttpRequest, row: Any, form: Any, children: Children, seen: str | None) -> None:
        """Keep the row."""
        actions.keep_setting(row, actor=request.user, seen=seen)


@admin.register(MetricDefinition)
class MetricDefinitionAdmin(KeptSettingAdmin):
    """How each figure is worded and aimed; which figures there are is the product's."""

    list_display = ("code", "name", "formula", "target", "least_rows", "sort_order")
    search_fields = ("code", "name", "formula")
    adds = False


@admin.register(FactForm)
class FactFormAdmin(KeptSettingAdmin):
    """Forms of facts: which facts, in which order, under which headings."""

    list_display = ("title", "code", "each", "sort_order", "active")
    list_filter = ("each", "active")
    search_fields = ("title", "code", "items")
    count_by = "active"

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Name the facts that there are beside the box; they are the product's and change with it."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "items":
            field.help_text = f"{db_field.help_text}可以写：{'、'.join(FACTS)}。"
        return field


@panel("partners.partner")
def kept_word(request: HttpRequest, partner: Any) -> Panel | None:
    """Tell a partner's own rates to whoever may see the rows behind them; nobody is compared with anybody."""
    told = partner_selectors.word_of(request.user, partner)
    return Panel("dashboards/word_of_partner.html", told) if told.rates else None
