"""Doors of the staff: the desk, the partners' page and the link with which a liaison answers."""

from django.urls import path

from requests_board.views import desk, desk_steps, liaison

urlpatterns = [
    path("desk/", desk.desk, name="desk"),
    path("desk/new/", desk_steps.take_in, name="take_in"),
    path("desk/need/", desk_steps.own_need, name="own_need"),
    path("desk/r/<str:number>/photo/<uuid:pk>/", desk_steps.photo, name="desk_photo"),
    path("desk/r/<str:number>/reveal/", desk_steps.reveal, name="reveal"),
    path("desk/r/<str:number>/<slug:step>/", desk_steps.request_step, name="request_step"),
    path("desk/n/<str:number>/<slug:step>/", desk_steps.need_step, name="need_step"),
    path("liaison/", liaison.board, name="liaison"),
    path("liaison/month/", liaison.month, name="liaison_month"),
    path("liaison/pool/", liaison.pool, name="liaison_pool"),
    path("liaison/a/<uuid:pk>/<slug:step>/", liaison.allocation_step, name="liaison_allocation"),
    path("liaison/r/<str:number>/<slug:step>/", liaison.request_step, name="liaison_request"),
    path("a/<str:token>/", liaison.by_link, name="answer"),
]
