"""Doors that write one event for each call, slowly."""

import os
import time

from django.db import transaction
from django.http import JsonResponse
from django.urls import include, path
from rest_framework.views import APIView

from audit.actions import record
from audit.idempotency import once
from common import access


@access.needs("view_request")
class Bare(APIView):
    """Write, and die before the end when the call says so."""

    def post(self, request):
        with transaction.atomic():
            event = record(actor=request.user, verb="once.tested", target=None)
            time.sleep(0.1)
            if request.headers.get("X-Die"):
                os._exit(1)
        return JsonResponse({"id": event.pk, "say": request.data.get("say", "")}, status=201)


class Guarded(Bare):
    """The same under its key."""

    def post(self, request):
        return once(request, lambda: super(Guarded, self).post(request))


urlpatterns = [
    path("api/v1/bare/", Bare.as_view()),
    path("api/v1/guarded/", Guarded.as_view()),
    path("", include("hedong.urls")),
]
