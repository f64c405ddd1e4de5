"""Two doors for machines that watch over this one. They show counts and ages, nothing about people."""

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from audit.selectors import job_health
from common import access

NO_DATABASE = {"ok": False, "problems": ["数据库没有应答。"]}


@access.public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while pages can be served, 503 without a database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse(NO_DATABASE, status=503)
    return JsonResponse({"ok": True})


@access.public
@never_cache
@require_safe
def healthz_jobs(request: HttpRequest) -> HttpResponse:
    """Answer 200 while jobs are being done; 503, with the reasons, within two minutes after they are not."""
    try:
        health = job_health()
    except DatabaseError:
        return JsonResponse(NO_DATABASE, status=503)
    return JsonResponse(
        health.as_dict(), status=200 if health.ok else 503, json_dumps_params={"ensure_ascii": False}
    )
