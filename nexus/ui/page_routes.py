"""Adds pages to the host's routes: each behind the gate, and each error as a page of its own."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from nexus.http.host_routes import HostRoutes
from nexus.http.problem import phrase
from nexus.spec.access import PUBLIC
from nexus.spec.errors import Problem
from nexus.ui.rendering import RENDERING, Rendering, render
from nexus.ui.viewer import Gate, Page, Viewer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger("nexus.ui")

_ADVICE: Final = {
    400: "Go back, and send it again as the page offers it.",
    403: "Ask whoever looks after this host for the role, or sign in as somebody who has it.",
    404: "It may have been renamed, or is no longer kept.",
    409: "Look at how it stands now, and decide again.",
    422: "Go back, correct what is told above, and send it again.",
    503: "It is tried again by itself; reload this page in a moment.",
}


class PageRoutes:
    """Adds pages and actions.

    Args:
        routes: of the host; those of pages are public to its guard, which knows tokens alone, and behind `gate`.
        gate: lets signed-in people through.
        rendering: makes the pages.
    """

    def __init__(self, routes: HostRoutes, gate: Gate, rendering: Rendering) -> None:
        self._routes = routes
        self._gate = gate
        self._rendering = rendering

    def add(self, method: str, path: str, page: Page, summary: str) -> None:
        """Adds what answers at `path`, below `/ui`: `GET` a page for every viewer, `POST` an action for admins."""
        through = self._gate.page if method == "GET" else self._gate.action
        self._routes.add(method, f"/ui{path}", shown(through(_shown_to(page)), self._rendering), PUBLIC, summary)


def shown(handler: Handler, rendering: Rendering) -> Handler:
    """Gives a handler that makes pages by `rendering`, and whose errors are pages."""

    async def answer(request: web.Request) -> web.StreamResponse:
        request[RENDERING] = rendering
        rendering.note_beginning(request)
        try:
            return await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - the one boundary of the pages
            return refusal(request, error, None)

    return answer


def _shown_to(page: Page) -> Page:
    async def answer(request: web.Request, viewer: Viewer) -> web.StreamResponse:
        try:
            return await page(request, viewer)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - as above; who looks keeps the way to the other pages
            return refusal(request, error, viewer)

    return answer


def refusal(request: web.Request, error: Exception, viewer: Viewer | None) -> web.Response:
    """Gives the page that says what went wrong; of a bug, nothing but the request's id."""
    if isinstance(error, Problem):
        status, detail = error.status, error.detail
    else:
        logger.error("page failed", exc_info=error, extra={"event": "ui.failed", "method": request.method})
        status, detail = 500, "The host has a fault of its own here; its log has more under the request's id."
    data = {"status": status, "title": phrase(status), "detail": detail, "advice": _ADVICE.get(status, "")}
    response = render(request, "error.html", data, viewer=viewer, status=status)
    if isinstance(error, Problem):
        response.headers.update({name: value for name, value in error.headers.items() if name == "Retry-After"})
    return response
