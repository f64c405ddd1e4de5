"""Doors that write one event for each call, slowly."""

import os
import time

from django.db import transaction
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from api.once import Once
from audit.actions import record
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
        return Response({"id": event.pk, "say": request.data.get("say", "")}, status=201)


class Guarded(Once, Bare):
    """The same under its key."""


urlpatterns = [
    path("api/v1/bare/", Bare.as_view()),
    path("api/v1/guarded/", Guarded.as_view()),
    path("", include("hedong.urls")),
]
