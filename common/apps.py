"""Wiring of the `common` app."""

from django.apps import AppConfig
from django.core import checks


class CommonConfig(AppConfig):
    """Know no domain: errors, access registry, encrypted fields, pictures."""

    name = "common"
    verbose_name = "公共"

    def ready(self) -> None:
        """Let the cipher self-test decide whether the product may start."""
        from common.admin import every_list_is_scoped, every_list_writes_by_an_action
        from common.crypto import check_crypto

        checks.register(check_crypto, checks.Tags.security)
        checks.register(every_list_is_scoped, checks.Tags.admin)
        checks.register(every_list_writes_by_an_action, checks.Tags.admin)
