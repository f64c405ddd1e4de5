"""The document itself: public, because it tells of doors and not of what is behind them."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from api import schema
from common import access


@access.public
@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """Answer the OpenAPI document."""
    return HttpResponse(schema.document(), content_type="application/json")
