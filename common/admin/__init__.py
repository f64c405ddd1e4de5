"""The web admin's own ground: every list takes its rows from the person's reach, and every write from an action.

`scope` says who sees and keeps which rows, `forms` shows what an action refuses and notices stale pages, `steps`
are the buttons with a confirmation and a reason, `filters` offer nothing out of reach, `panels` are what other
rooms tell on a row's pages.
"""

from common.admin.filters import ReachableFilter
from common.admin.forms import Children, KeptForm
from common.admin.panels import Happened, Panel, historian, panel
from common.admin.scope import (
    ScopedAdmin,
    ScopedInline,
    SettingsAdmin,
    every_list_is_scoped,
    every_list_writes_by_an_action,
)
from common.admin.steps import confirmed

__all__ = [
    "Children",
    "Happened",
    "KeptForm",
    "Panel",
    "ReachableFilter",
    "ScopedAdmin",
    "ScopedInline",
    "SettingsAdmin",
    "confirmed",
    "every_list_is_scoped",
    "every_list_writes_by_an_action",
    "historian",
    "panel",
]
