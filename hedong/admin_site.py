"""The web admin (后台): whoever holds `enter_admin` comes in, through the product's own login page.

Its index is ordered by what people come for, not by how the program is built, and one box searches all of its lists.
"""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import access
from common.middleware import ask_to_sign_in

# What stands where on the index: models in their order, then whatever else their room brings along.
GROUPS: dict[str, tuple[str, ...]] = {
    "诉求与调配": (
        "requests_board.servicerequest", "requests_board.resourcerequest", "requests_board.allocation",
        "requests_board.systemfeedback",
    ),
    "地方与党组织": ("grids.area", "grids.partyorganization", "grids.buildingcode", "grids"),
    "合伙人与资源": (
        "partners.partner", "partners.resource", "partners.pairing", "partners.propertyservice", "partners",
        "volunteering.volunteerteam",
    ),
    "人员与岗位": (
        "accounts.user", "grids.post", "partners.membership", "auth.group", "grids.areagrouppermission",
        "grids.areauserpermission", "grids.rowgrant", "accounts", "auth",
    ),
    "设置": (
        "grids.districtprofile", "requests_board.requestcategory", "partners.resourcetype", "volunteering", "clockwork",
        "requests_board", "accounts.ratelimit", "accounts.tokenpolicy", "audit.importpolicy",
    ),
    "记录": ("audit",),
}  # fmt: skip
_PLACE = {name: (group, number) for group, names in GROUPS.items() for number, name in enumerate(names)}


def _place(model: Any) -> tuple[str, int]:
    meta = model._meta
    return _PLACE.get(meta.label_lower) or _PLACE.get(meta.app_label) or ("设置", len(_PLACE))


_ICONS = {True: ("icon-yes", "是"), False: ("icon-no", "否"), None: ("icon-unknown", "没有填")}


def yes_no_icon(value: bool | None) -> SafeString:
    """Return the icon of a yes or a no with its word."""
    icon, word = _ICONS[value]
    return format_html('<img src="{}" alt="{}">', static(f"admin/img/{icon}.svg"), word)


class AdminSite(admin.AdminSite):
    """The rooms of those who keep places, partners, posts and settings."""

    site_header = "合伙人平台 · 后台"
    site_title = "后台"
    index_title = "要做什么"
    empty_value_display = "—"
    # The header has a menu of all lists instead, which needs no script and takes no width.
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Count a list once: numbers beside filters and of rows without the filters are worth no statement."""
        thrifty = {"show_full_result_count": False, "show_facets": admin.ShowFacets.NEVER}
        super().register(model_or_iterable, admin_class, **{**thrifty, **options})

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may enter."""
        return access.holds(request.user, "enter_admin")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Order the lists that the person may see by what they are for; one room's page keeps its own order."""
        rooms = super().get_app_list(request, app_label)
        if app_label is not None:
            return rooms
        models = sorted(
            (model for room in rooms for model in room["models"]), key=lambda model: _place(model["model"])[1]
        )
        groups = [
            {
                "name": name,
                "app_label": f"group-{number}",
                "app_url": "",
                "models": [model for model in models if _place(model["model"])[0] == name],
            }
            for number, name in enumerate(GROUPS)
        ]
        return [group for group in groups if group["models"]]

    def get_urls(self) -> list[Any]:
        """Add the page of the search box."""
        return [path("search/", self.admin_view(self.search), name="search"), *super().get_urls()]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Search for what a column points at; the framework fails at rows that point the other way."""
        label = f"{request.GET.get('app_label', '')}.{request.GET.get('model_name', '')}"
        try:
            field: Any = apps.get_model(label)._meta.get_field(request.GET.get("field_name", ""))
        except (LookupError, ValueError, FieldDoesNotExist) as error:
            raise PermissionDenied from error
        if not field.concrete:
            raise PermissionDenied
        return super().autocomplete_view(request)

    def search(self, request: HttpRequest) -> HttpResponse:
        """Show what the search box finds, by kind."""
        # The lists and their models are there only once every app is loaded; this module is loaded before them.
        from hedong.admin_search import EACH, search

        text = request.GET.get("q", "").strip()
        context = {
            **self.each_context(request), "title": "搜索", "q": text, "groups": search(self, request, text),
            "each": EACH, "too_short": 0 < len("".join(text.split())) < 2,
        }  # fmt: skip
        return TemplateResponse(request, "admin/search.html", context)

    def password_change(  # type: ignore[override]  # Django's own page is the only one its stubs know
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the product's own page, which ends the other sessions and leaves a trace."""
        return redirect("accounts:password")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send to the product's login page, so that its lock-out and password rules hold here too."""
        return ask_to_sign_in(request)
