"""A building with its sticker, and things said in it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from clockwork.actions import load_calendar, load_policies
from grids.models import Area, BuildingCode
from hedong import basics
from requests_board.actions import requests as verbs
from requests_board.links import tracking_url
from requests_board.models import RequestCategory, ServiceRequest
from tests.people import Town

LIGHT, LIFT = "010103", "020101"


@dataclass
class Block:
    """The building of the tests: where it is, its sticker, and who looks after it."""

    town: Town
    building: Area
    community: Area
    code: str

    def say(self, text: str = "二单元三楼的灯坏了", *, category: str = LIGHT, **more: Any) -> ServiceRequest:
        """Report something in the building."""
        kind = RequestCategory.objects.get(pk=category) if category else None
        return verbs.submit_request(**{"area": self.building, "text": text, "category": kind, **more})

    def solved(self, **more: Any) -> ServiceRequest:
        """Report something and let the community's worker do it."""
        row = verbs.take(self.say(**more), actor=self.worker)
        return verbs.resolve(row, actor=self.worker, result="换了新灯。")

    @property
    def worker(self) -> Any:
        """Return the community's worker, read anew."""
        return self.town.person("community_worker")

    def link(self, row: ServiceRequest) -> str:
        """Return the resident's link."""
        return tracking_url(row)


@pytest.fixture
def block(town: Town, settings: Any, tmp_path: Any) -> Block:
    """A building with a sticker, in a district whose tables are loaded."""
    settings.MEDIA_ROOT = tmp_path
    load_calendar()
    load_policies()
    for _, load in basics.CATALOGUES:
        load()
    code = BuildingCode.objects.get(area=town.building, valid_to=None).code
    town.building.refresh_from_db()
    return Block(town=town, building=town.building, community=town.community, code=code)


def picture(name: str = "photo.jpg", size: tuple[int, int] = (60, 40)) -> SimpleUploadedFile:
    """Return a small photo as it would be sent."""
    content = BytesIO()
    Image.new("RGB", size, "#b5121b").save(content, "JPEG")
    return SimpleUploadedFile(name, content.getvalue(), "image/jpeg")
