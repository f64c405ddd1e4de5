"""Version 1: the rows of the main job to read, scoped like every page, newest first, in pages by key."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import access
from common.errors import Invalid, NotFound
from requests_board.models import Allocation, ResourceRequest, ServiceRequest

PAGE = 50


class Rows(APIView):
    """Answer a list, or one row by its id; rows out of scope are answered like missing ones."""

    queryset: ClassVar[QuerySet[Any]]
    fields: ClassVar[tuple[str, ...]]

    def get(self, request: Request, pk: UUID | None = None) -> Response:
        """Return one row, or up to 50 rows and the address part of the next page."""
        rows = self.queryset.all().visible_to(request.user)  # type: ignore[attr-defined]
        if pk is None:
            return Response(self._page(rows, request.query_params.get("before", "")))
        row = rows.filter(pk=pk).values(*self.fields).first()
        if row is None:
            raise NotFound
        return Response(row)

    def _page(self, rows: QuerySet[Any], before: str) -> dict[str, Any]:
        if before:
            rows = rows.filter(created_at__lt=_moment(before))
        found = list(rows.order_by("-created_at", "-id").values(*self.fields)[: PAGE + 1])
        more = found[PAGE - 1]["created_at"].isoformat() if len(found) > PAGE else None
        return {"results": found[:PAGE], "before": more}


def _moment(text: str) -> Any:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid("before 要写成带时区的时间，例如 2026-01-31T08:00:00+08:00。", field="before")
    return moment


@access.needs("view_request", "answer_allocation")
class ServiceRequests(Rows):
    """Residents' requests, without anything that tells who they are."""

    queryset = ServiceRequest.objects.all()
    fields = (
        "id", "number", "area_id", "category_id", "channel", "severity", "status", "created_at", "due_at",
        "resolved_at", "closed_at", "rating", "version",
    )  # fmt: skip


@access.needs("view_resource_request")
class ResourceRequests(Rows):
    """Communities' needs."""

    queryset = ResourceRequest.objects.all()
    fields = (
        "id", "number", "area_id", "type_id", "quantity", "window_start", "window_end", "urgency", "status",
        "created_at", "refusals", "version",
    )  # fmt: skip


@access.needs("view_allocation")
class Allocations(Rows):
    """What was proposed, held, promised and done."""

    queryset = Allocation.objects.all()
    fields = (
        "id", "resource_request_id", "resource_id", "partner_id", "slot__starts_at", "slot__ends_at", "quantity",
        "status", "answer_due_at", "created_at", "version",
    )  # fmt: skip
