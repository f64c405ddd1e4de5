"""Doors of the district's picture."""

from django.urls import path

from dashboards import fact_views, views

app_name = "dashboards"
urlpatterns = [
    path("facts/", fact_views.facts, name="facts"),
    path("district/", views.district, name="district"),
    path("district/rows/", views.rows, name="rows"),
    path("district/metrics/", views.metrics, name="metrics"),
    path("district/needs/", views.needs, name="needs"),
    path("district/needs/<str:number>/", views.settle, name="settle"),
]
