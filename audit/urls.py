"""The health doors."""

from django.urls import path

from audit import views

app_name = "audit"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("healthz/jobs", views.healthz_jobs, name="healthz_jobs"),
]
