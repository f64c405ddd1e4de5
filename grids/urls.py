"""Doors of the tree page: places and party organisations."""

from django.urls import path

from grids.tree_selectors import AREA_SIDE, PARTY_SIDE
from grids.views import steps, tree

app_name = "grids"
urlpatterns = [
    path("tree/", tree.page, {"side": AREA_SIDE}, name="tree"),
    path("tree/<int:pk>/<slug:step>/", steps.area_step, name="step"),
    path("tree/party/", tree.page, {"side": PARTY_SIDE}, name="party_tree"),
    path("tree/party/<int:pk>/<slug:step>/", steps.party_step, name="party_step"),
]
