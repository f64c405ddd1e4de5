"""What a resident adds to a request after it was sent."""

from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction

from common import pictures
from common.errors import Invalid, StepNotAllowed
from requests_board.actions.advance import trace, write
from requests_board.models import RequestPhoto, ServiceRequest
from requests_board.permissions import require_step
from requests_board.workflow import REQUEST_OPEN

MAX_TEXT, MAX_PHOTOS = 1000, 6


def supply_more(
    request: ServiceRequest, *, actor: Any, text: str = "", photo: Any = None, phone: str = ""
) -> ServiceRequest:
    """Add words, a photo or a phone number to an open request.

    Refuse a request that is at its end, a second phone number, and more words or photos than anybody reads.
    """
    rebuilt = pictures.rebuild(photo) if photo else None
    with transaction.atomic():
        locked = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        require_step(actor, "link", locked)
        _refuse(locked, text, phone, rebuilt is not None)
        _write(locked, text, phone)
        if rebuilt:
            content, width, height = rebuilt
            row = RequestPhoto(request=locked, width=width, height=height)
            row.file.save(f"{row.pk}.jpg", ContentFile(content))
        trace(locked, "request.supplemented", actor=actor, before=locked.status)
    return locked


def _refuse(request: ServiceRequest, text: str, phone: str, has_photo: bool) -> None:
    if request.status not in REQUEST_OPEN:
        raise StepNotAllowed("这件事已经有结果了。还有问题请重新反映。")
    if phone and request.phone:
        raise Invalid("已经留过手机号了。要改请打社区电话。", field="phone")
    if len(request.text) + len(text) > MAX_TEXT:
        raise Invalid("补充得太多了，请打社区电话说。", field="more")
    if has_photo and request.photos.count() >= MAX_PHOTOS:
        raise Invalid(f"最多留 {MAX_PHOTOS} 张照片。", field="photo")


def _write(request: ServiceRequest, text: str, phone: str) -> None:
    values: dict[str, Any] = {"version": request.version + 1}
    if text := " ".join(text.split()):
        values["text"] = f"{request.text}\n补充：{text}"
    if phone:
        # The two indexes follow the number.
        values |= {"phone": phone, "phone_index": "", "phone_last4_index": ""}
    write(request, **values)
