"""Addresses of the machine interface: what each resource declares, and the document that tells of all of them."""

from django.urls import path

from api import feeds, photos, viewer, views
from api.base import addresses
from api.resources import allocations, catalogue, needs, notices, partners, places, requests

app_name = "api"
OFFERED = (
    requests.REQUESTS, needs.NEEDS, allocations.ALLOCATIONS, places.AREAS, places.PARTIES, partners.PARTNERS,
    partners.RESOURCES, partners.SLOTS, partners.PAIRINGS, catalogue.CATEGORIES, catalogue.TYPES,
    catalogue.DECLINE_REASONS, catalogue.NOT_ACCEPTED_REASONS, notices.NOTICES,
)  # fmt: skip
urlpatterns = [
    path("api/v1/openapi.json", views.document, name="document"),
    path("api/v1/docs/", viewer.overview, name="docs"),
    path("api/v1/docs/<slug:code>/", viewer.one, name="docs_call"),
    path("calendar/<slug:token>.ics", feeds.calendar, name="calendar"),
    *(address for resource in OFFERED for address in addresses(resource)),
    path("api/v1/requests/<uuid:id>/photos/<uuid:photo>/", photos.Photo.as_view(), name="requests_photo"),
]
