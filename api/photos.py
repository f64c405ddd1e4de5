"""A resident's photo, for those who see the request."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from api.base import Address
from api.resources.requests import REQUESTS
from api.schema import Operation
from common import access
from common.errors import NotFound
from requests_board.models import RequestPhoto
from requests_board.views.tracking import picture


@access.needs("view_request")
class Photo(Address):
    """One photo."""

    resource = REQUESTS
    operations: ClassVar[dict[str, Operation]] = {
        "GET": Operation(
            "requests_photo", "居民诉求：一张照片",
            "照片是重新画过的，不带拍照时的位置。\n\n要有其中一项权限：查看诉求（view_request）。",
            REQUESTS.title, Serializer, media="image/jpeg",
        ),
    }  # fmt: skip

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer a picture whatever is accepted; refusals are JSON like everywhere."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request, id: UUID, photo: UUID) -> HttpResponse:
        """Answer the picture."""
        rows = REQUESTS.rows(request.user).filter(pk=id)
        found = RequestPhoto.objects.filter(pk=photo, request__in=rows).first()
        if found is None:
            raise NotFound
        return picture(found)  # type: ignore[return-value]
