"""Doors of the inbox."""

from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read-all/", views.read_all, name="read_all"),
    path("inbox/mail/", views.mail_address, name="mail_address"),
    path("inbox/<int:pk>/", views.open_notice, name="open"),
]
