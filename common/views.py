"""Refusals as people see them: one sentence and a way out, on a page, in a fragment or as JSON."""

from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from common.errors import DomainError, Invalid, NotAllowed, NotFound

TITLES = {
    400: "这个请求看不懂",
    401: "请先登录",
    403: "这里需要开通权限",
    404: "没有找到这一页",
    405: "请从页面上的按钮进",
    409: "现在办不了",
    410: "链接已过期",
    422: "有一项要改一下",
    429: "请稍等几分钟",
    500: "系统出了点问题",
    503: "请稍等半分钟",
}


def wants_json(request: HttpRequest) -> bool:
    """Tell whether the caller is a script: the API, or one that accepts JSON and no HTML."""
    accept = request.headers.get("Accept", "")
    return request.path.startswith("/api/") or ("application/json" in accept and "text/html" not in accept)


def wants_fragment(request: HttpRequest) -> bool:
    """Tell whether the answer goes into a part of a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with the error's status and sentence in the form that the caller understands."""
    if wants_json(request):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return JsonResponse(error.as_dict(), status=error.status, headers=headers)
    title = TITLES.get(error.status, TITLES[409])
    context = {
        "status": error.status,
        "title": title,
        "message": error.message,
        "code": error.code,
        "error": error,
    }
    name = "errors/fragment.html" if wants_fragment(request) else f"errors/{error.status}.html"
    template = loader.select_template([name, "errors/error.html"])
    return HttpResponse(template.render(context, request), status=error.status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Tell the person whose form lost its token how to send it again."""
    error = NotAllowed("页面打开得太久，或者浏览器没有保存 Cookie。请返回上一页，刷新后再提交一次，填过的内容还在。")
    error.code = "csrf"
    return refuse(request, error)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that cannot be read."""
    error = Invalid("浏览器发来的内容不完整。请返回上一页，刷新后再试一次。")
    error.code, error.status = "bad_request", 400
    return refuse(request, error)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a person who may not come in."""
    return refuse(request, NotAllowed())


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for an address that leads nowhere, in the same words as for a row that is not there."""
    return refuse(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when the product itself failed; asks neither database nor session."""
    code, status = "server_error", 500
    message = "不是您的问题，我们已经记下来了。请过几分钟再试；急事请直接打社区电话。"
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        # The database is away for a moment; machines and proxies may ask again.
        code, status = "away", 503
        message = "系统正在重启，没有保存。请返回上一页，过半分钟再点一次，写好的内容还在。"
    context: dict[str, Any] = {"status": status, "title": TITLES[status], "message": message, "code": code}
    if wants_json(request):
        response: HttpResponse = JsonResponse({"code": code, "message": message, "field": ""}, status=status)
    else:
        name = "errors/fragment.html" if wants_fragment(request) else "errors/500.html"
        template = loader.select_template([name, "errors/error.html"])
        response = HttpResponse(template.render(context), status=status)
    if status == 503:
        response["Retry-After"] = "30"
    return response
