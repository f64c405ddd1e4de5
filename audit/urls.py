"""The health doors, and the pages of imports."""

from django.urls import path

from audit import views
from audit.imports import views as tables

app_name = "audit"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("healthz/jobs", views.healthz_jobs, name="healthz_jobs"),
    path("imports/", tables.imports, name="imports"),
    path("imports/<slug:code>/", tables.registry, name="import_registry"),
    path("imports/<slug:code>/template/", tables.import_template, name="import_template"),
    path("imports/run/<uuid:pk>/", tables.import_run, name="import_run"),
    path("imports/run/<uuid:pk>/bad/", tables.import_bad, name="import_bad"),
    path("imports/run/<uuid:pk>/step/<slug:step>/", tables.import_step, name="import_step"),
]
