"""Rows of the pool at every place, photos with a real file, and an emergency order: what only the API's pages need."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image

from clockwork.selectors import db_now
from partners.models import Pairing, Partner, Resource, ResourceSlot
from requests_board.models import DispatchPolicy, RequestPhoto
from tests.access.world import World


def add(world: World) -> None:
    """Add a partner with a resource, a slot and a pairing at each place, and a photo to each request."""
    DispatchPolicy.objects.create(emergency_order="演练1号")
    made: dict[str, dict[str, Any]] = {kind: {} for kind in ("partner", "resource", "slot", "pairing", "photo")}
    for name, area in world.town.areas.items():
        _at(world, made, name, area)
    for number, name in enumerate(("ours", "theirs")):
        department = world.pool.departments[number]
        made["partner"][name] = department
        made["resource"][name] = world.pool.resources[number]
        made["slot"][name] = world.pool.slots(number)[0]
        made["pairing"][name] = Pairing.objects.filter(department=department).first() or Pairing.objects.create(
            department=department, community=world.town.next_community, valid_from="2020-01-01"
        )
    picture = BytesIO()
    Image.new("RGB", (2, 2)).save(picture, "JPEG")
    for name, request in world.rows["request"].items():
        photo = made["photo"][name] = RequestPhoto(request=request, width=2, height=2)
        photo.file.save(f"{name}.jpg", ContentFile(picture.getvalue()))
    world.rows |= made


def _at(world: World, made: dict[str, dict[str, Any]], name: str, area: Any) -> None:
    partner = made["partner"][name] = Partner.objects.create(
        area=area, category="property", name=f"合伙人{name}", code=f"P-{name}"[:20]
    )
    resource = made["resource"][name] = Resource.objects.create(
        area=area, partner=partner, type=world.pool.type, name=f"资源{name}", unit_kind="seat", unit_label="座"
    )
    starts = db_now() + timedelta(days=3)
    made["slot"][name] = ResourceSlot.objects.create(
        resource=resource, starts_at=starts, ends_at=starts + timedelta(hours=1), capacity=1
    )
    made["pairing"][name] = Pairing.objects.create(department=partner, community=area, valid_from="2020-01-01")
