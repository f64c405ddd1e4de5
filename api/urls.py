"""Addresses of the machine interface."""

from django.urls import path

from api import feeds, v1, viewer

app_name = "api"
urlpatterns = [
    path("api/v1/requests/", v1.ServiceRequests.as_view(), name="requests"),
    path("api/v1/requests/<uuid:pk>/", v1.ServiceRequests.as_view(), name="request"),
    path("api/v1/resource-requests/", v1.ResourceRequests.as_view(), name="resource_requests"),
    path("api/v1/resource-requests/<uuid:pk>/", v1.ResourceRequests.as_view(), name="resource_request"),
    path("api/v1/allocations/", v1.Allocations.as_view(), name="allocations"),
    path("api/v1/allocations/<uuid:pk>/", v1.Allocations.as_view(), name="allocation"),
    path("api/v1/docs/", viewer.overview, name="docs"),
    path("api/v1/docs/<slug:code>/", viewer.one, name="docs_call"),
    path("calendar/<slug:token>.ics", feeds.calendar, name="calendar"),
]
