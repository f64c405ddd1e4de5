"""What somebody needs to look at the demo: an account per role, a building's code, an open question to a liaison."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import User
from grids.models import Area
from hedong.demo.people import LIAISON_OF, Passwords
from requests_board.links import answer_url
from requests_board.models import Allocation
from requests_board.workflow import AllocationStatus


def accounts(passwords: Passwords) -> dict[str, Any]:
    """Return the demo accounts with a building's code and an open answer link."""
    found: dict[str, Any] = {
        role: {"username": role, "password": password} for role, password in passwords.plain.items()
    }
    return {"accounts": found, **doors()}


def doors() -> dict[str, str]:
    """Return a building's code and the link of a question that a liaison has not answered yet."""
    building = Area.objects.filter(kind="building").exclude(short_code="").order_by("tree_id", "lft").first()
    held = (
        Allocation.objects.filter(status=AllocationStatus.HELD)
        .select_related("partner")
        .order_by("-answer_due_at", "pk")
    )
    asked = next((one for one in held if one.partner.code == LIAISON_OF), held.first())
    return {
        "building_code": building.short_code if building else "",
        "liaison_link": settings.PUBLIC_BASE_URL.rstrip("/") + answer_url(asked) if asked else "",
    }


@transaction.atomic
def renew_passwords(passwords: Passwords) -> None:
    """Give the demo accounts new passwords, because the old ones are kept nowhere."""
    passwords.start()
    for role in passwords.plain:
        User.objects.filter(username=role).update(password=passwords.hashed(role))
