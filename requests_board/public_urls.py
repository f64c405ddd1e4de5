"""The residents' addresses: short, because they stand on stickers and are read out over the phone."""

from django.urls import path, register_converter

from requests_board.views import public, tracking


class TokenConverter:
    """What may stand in a code or link; anything else is no address of ours."""

    regex = r"[\w.-]{1,64}"

    def to_python(self, value: str) -> str:
        """Return the token as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Return the token as it is."""
        return str(value)


register_converter(TokenConverter, "token")
urlpatterns = [
    path("", public.home, name="home"),
    path("b/<token:code>/", public.building, name="building"),
    path("c/<token:code>/", public.community, name="community"),
    path("c/<token:code>/buildings/", public.buildings, name="buildings"),
    path("report/", public.report, name="report"),
    path("echo/", public.echo, name="echo"),
    path("feedback/", public.feedback, name="feedback"),
    path("size/", public.size, name="size"),
    path("remember/", public.remember, name="remember"),
    path("progress/", tracking.lookup, name="lookup"),
    path("t/<token:number>/<token:mac>/", tracking.track, name="track"),
    path("t/<token:number>/<token:mac>/answer/", tracking.answer, name="answer_request"),
    path("t/<token:number>/<token:mac>/more/", tracking.supply, name="supply"),
    path("t/<token:number>/<token:mac>/photo/<uuid:pk>/", tracking.photo, name="photo"),
]
