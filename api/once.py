"""What every writing view of the API inherits, so that a call sent twice takes effect once."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from audit.idempotency import once


class Once:
    """Put the whole call, from who calls to the written answer, under its `Idempotency-Key`. Stands before APIView.

    `once = False` on a view whose effect must be seen each time and never be kept, such as a look behind a mask.
    """

    once = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer anew, or as before."""

        def perform() -> HttpResponse:
            response: Any = super(Once, self).dispatch(request, *args, **kwargs)  # type: ignore[misc]
            return response.render() if hasattr(response, "render") else response

        return once(request, perform) if self.once else perform()
