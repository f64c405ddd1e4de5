"""Wiring of the `partners` app."""

from importlib import import_module

from django.apps import AppConfig


class PartnersConfig(AppConfig):
    """Tell with whom: the five categories, resource pool, pairings."""

    name = "partners"
    verbose_name = "合伙人"

    def ready(self) -> None:
        """Let the access registry know the rights that come from memberships."""
        from common import access
        from grids.permissions import register_holdings
        from partners.permissions import memberships, partner_permissions, told

        register_holdings(memberships, told)
        access.register_permission_source(partner_permissions)
        import_module("partners.tables")
