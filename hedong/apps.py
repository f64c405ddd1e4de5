"""The top room: it knows every app and owns what crosses them all."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from common import access


class HedongConfig(AppConfig):
    """Hold the commands that cross all apps, such as `load_demo`."""

    name = "hedong"
    verbose_name = "合伙人平台"
    default = True

    def ready(self) -> None:
        """State the rules of doors that third parties built."""
        access.declare("admin", access.system_admin)


class HedongAdminConfig(AdminConfig):
    """Put the product's own admin site in the place of the stock one."""

    default_site = "hedong.admin_site.AdminSite"
    default = False

    def ready(self) -> None:
        """Register the pages of grants after those of their app."""
        super().ready()
        from grids import grants_admin  # noqa: F401
