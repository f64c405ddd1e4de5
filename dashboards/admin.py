"""What the picture tells on the pages of the admin: how a partner keeps its word."""

from typing import Any

from django.http import HttpRequest

from common.admin import Panel, panel
from dashboards import partner_selectors


@panel("partners.partner")
def kept_word(request: HttpRequest, partner: Any) -> Panel | None:
    """Tell a partner's own rates to whoever may see the rows behind them; nobody is compared with anybody."""
    told = partner_selectors.word_of(request.user, partner)
    return Panel("dashboards/word_of_partner.html", told) if told.rates else None
