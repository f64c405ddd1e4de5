"""The top room: it knows every app and owns what crosses them all."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from audit.registry import name_verbs
from common import access
from hedong.verbs import FACTS, VERBS


class HedongConfig(AppConfig):
    """Hold the commands that cross all apps, such as `load_demo`."""

    name = "hedong"
    verbose_name = "合伙人平台"
    default = True

    def ready(self) -> None:
        """State the rules of doors that third parties built, and tell what the verbs of the trail are called."""
        access.declare("admin", access.system_admin)
        name_verbs(VERBS, FACTS)


class HedongAdminConfig(AdminConfig):
    """Put the product's own admin site in the place of the stock one."""

    default_site = "hedong.admin_site.AdminSite"
    default = False

    def ready(self) -> None:
        """Name the icons of yes and no in Chinese: Django writes "True" and "False" into its own function."""
        from django.contrib.admin.templatetags import admin_list

        from hedong.admin_site import yes_no_icon

        super().ready()
        admin_list._boolean_icon = yes_no_icon  # type: ignore[attr-defined]  # its stubs leave the private name out
