"""What the business refuses, in words a person understands: each error carries a Chinese sentence with a
way out.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse


class DomainError(Exception):
    """Refuse a business step with a code for machines and a sentence for people."""

    code = "domain_error"
    status = 409
    default_message = "现在办不了，请刷新页面再试一次。"

    def __init__(self, message: str = "", *, field: str = "", **details: Any) -> None:
        self.message = message or self.default_message
        self.field = field
        self.details = details
        super().__init__(self.message)

    @property
    def retry_after(self) -> int:
        """Return in how many seconds another try makes sense, 0 where nobody can tell."""
        return int(self.details.get("retry_after", 0))

    def as_dict(self) -> dict[str, str]:
        """Return what an API answers: code, sentence and field."""
        return {"code": self.code, "message": self.message, "field": self.field}


class StepNotAllowed(DomainError):
    """Refuse a step that the state machine does not have from the present state."""

    code = "step_not_allowed"
    default_message = "这件事已经往前走了一步，请刷新页面看最新情况。"


class Conflict(DomainError):
    """Refuse a write that lost a race or was made on an old version."""

    code = "conflict"
    default_message = "刚刚有别人改了这一条。请刷新页面，看过最新内容再改。"


class OutOfCapacity(DomainError):
    """Refuse a hold on a slot that has no room left."""

    code = "out_of_capacity"
    default_message = "这个时段刚刚被约满了，请换一个时段。"


class NotAllowed(DomainError):
    """Refuse a person who does not hold the right at this place."""

    code = "not_allowed"
    status = 403
    default_message = "这一步要由负责的人来做。需要开通请找本单位的管理员。"


class NotSignedIn(DomainError):
    """Refuse a stranger where only signed-in people may act."""

    code = "not_signed_in"
    status = 401
    default_message = "请先登录，再接着办。"


class NotFound(DomainError):
    """Answer for rows that do not exist and for rows outside the person's scope alike."""

    code = "not_found"
    status = 404
    default_message = "没有找到这一条。请核对编号或者网址。"


class WrongDoor(DomainError):
    """Refuse to open by address what is only reached by a button."""

    code = "method_not_allowed"
    status = 405
    default_message = "这个地址不能直接打开。请回到原来的页面，再点一次按钮。"


class Invalid(DomainError):
    """Refuse input, naming the field."""

    code = "invalid"
    status = 422
    default_message = "有一项没有填对，请看看标红的地方。"


class LinkExpired(DomainError):
    """Refuse a signed link that is past its time or was replaced."""

    code = "link_expired"
    status = 410
    default_message = "这个链接已经过期。请登录后在自己的页面里办理。"


class TooMany(DomainError):
    """Refuse a sender who writes too often."""

    code = "too_many"
    status = 429
    default_message = "提交得太快了，请过几分钟再试，或者直接打社区电话。"


def api_exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer every refusal of the API as {"code", "message", "field"}; leave real failures to the 500 page.

    Reads the framework's own exceptions by their `status_code`, so that this module needs no web framework
    for APIs.
    """
    error = _as_domain_error(exception, context)
    if error is None:
        return None
    response = JsonResponse(error.as_dict(), status=error.status)
    wait = error.retry_after or int(getattr(exception, "wait", None) or -1) + 1
    if wait:
        response["Retry-After"] = str(wait)
    return response


# What the framework refuses by its status: code and sentence.
_BY_STATUS = {
    400: ("bad_request", "发来的内容读不懂，请对照接口说明。"),
    405: ("method_not_allowed", "这个地址不支持这个方法，请看 Allow。"),
    406: ("not_acceptable", "这里只能给 JSON，请把 Accept 写成 application/json。"),
    415: ("unsupported_media_type", "这里只收 JSON，请把 Content-Type 写成 application/json。"),
    429: ("too_many", "请求得太快了，请按 Retry-After 过一会儿再试。"),
}


def _as_domain_error(exception: Exception, context: dict[str, Any]) -> DomainError | None:
    if isinstance(exception, DomainError):
        return exception
    if isinstance(exception, Http404):
        return NotFound()
    if isinstance(exception, PermissionDenied):
        return NotAllowed()
    status = getattr(exception, "status_code", None)
    if status is None:
        return None
    if status in {401, 403}:
        return _unknown_or_refused(exception, context)
    return _with_status(int(status), getattr(exception, "detail", ""))


def _unknown_or_refused(exception: Exception, context: dict[str, Any]) -> DomainError:
    if str(getattr(exception, "detail", "")).startswith("CSRF"):
        error = NotAllowed("用网页会话写的时候，要带上 X-CSRFToken。")
        error.code = "csrf"
        return error
    request = context.get("request")
    known = request is not None and request.user.is_authenticated
    return NotAllowed() if known else NotSignedIn()


def _with_status(status: int, detail: Any) -> DomainError:
    if status == NotFound.status:
        return NotFound()
    code, words = _BY_STATUS.get(status, ("refused", "这个接口不支持这样调用，请对照接口说明。"))
    # Our own parser says what it could not read.
    error = DomainError(str(detail) if status == 400 and isinstance(detail, str) else words)
    error.code, error.status = code, status
    return error
