"""Doors for people with an account."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.sign_in, name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("password/", views.change_password, name="password"),
    path("home/", views.home, name="home"),
    path("me/", views.me, name="me"),
    path("me/calendar/", views.calendar, name="calendar"),
    path("tokens/", views.tokens_page, name="tokens"),
    path("tokens/new/", views.new_token, name="new_token"),
    path("tokens/<uuid:pk>/rotate/", views.rotate_token, name="rotate_token"),
    path("tokens/<uuid:pk>/revoke/", views.revoke_token, name="revoke_token"),
]
