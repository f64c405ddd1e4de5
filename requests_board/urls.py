"""Every door of the request board."""

from requests_board import desk_urls, public_urls

app_name = "requests_board"
urlpatterns = [*public_urls.urlpatterns, *desk_urls.urlpatterns]
