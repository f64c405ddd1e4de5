"""Every door of the product; what each app opens stands in its own `urls.py`."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from hedong import exports

_APPS = (
    "requests_board",
    "dashboards",
    "notifications",
    "volunteering",
    "partners",
    "grids",
    "accounts",
    "clockwork",
    "audit",
    "api",
)

# Each app writes its whole path itself ("desk/", "district/", "api/v1/…").
urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("exports/<str:code>/", exports.take, name="export"),
]
urlpatterns += [path("", include(f"{app}.urls")) for app in _APPS if find_spec(f"{app}.urls")]

handler400 = "common.views.bad_request"
handler403 = "common.views.permission_denied"
handler404 = "common.views.page_not_found"
handler500 = "common.views.server_error"
