"""Wiring of the `grids` app."""

from importlib import import_module

from django.apps import AppConfig

from common import access


class GridsConfig(AppConfig):
    """Tell where: area tree, party-organisation tree, posts, scope and permission."""

    name = "grids"
    verbose_name = "区域与党组织"

    def ready(self) -> None:
        """Tell the doors which rights posts and grants give, and where."""
        from grids.permissions import held_permissions, place, within_reach
        from grids.roles import PERMISSIONS

        access.register_permission_source(held_permissions)
        access.register_place_scope(within_reach)
        import_module("grids.tables")
        access.register_place_finder(place)
        access.register_right_labels(PERMISSIONS)
