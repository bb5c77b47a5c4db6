"""The addresses of all pages; what answers there is loaded with the first page that somebody looks at."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from aiohttp import web

from nexus.auth.counters import Counters
from nexus.auth.recent_decisions import RecentDecisions
from nexus.host.host import Host
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PUBLIC
from nexus.ui.page_routes import PageRoutes, shown
from nexus.ui.rendering import Rendering
from nexus.ui.static_files import serve_static
from nexus.ui.viewer import Gate, Page, Viewer

if TYPE_CHECKING:
    from nexus.ui.pages.me import Sessions

_Handlers = Callable[[], Mapping[tuple[str, str], Page]]

_JOB: Final = "/modules/{module}/jobs/{job}"

ADDRESSES: Final = (
    ("GET", "", "Overview of the instance."),
    ("GET", "/modules", "All modules."),
    ("GET", "/modules/{module}", "One module."),
    ("GET", "/modules/{module}/pages/{page}", "A page that a module adds."),
    ("GET", "/jobs", "All jobs."),
    ("GET", _JOB, "One job."),
    ("POST", _JOB, "Run a job now."),
    ("POST", f"{_JOB}/pause", "Let a job's schedule rest."),
    ("POST", f"{_JOB}/resume", "Let a job's schedule go on."),
    ("GET", "/runs", "All runs."),
    ("GET", "/runs/retry", "Ask before many runs are done again."),
    ("POST", "/runs/retry", "Do many runs again."),
    ("GET", "/runs/cancel", "Ask before many runs are ended."),
    ("POST", "/runs/cancel", "End many runs."),
    ("GET", "/runs/{id}", "One run."),
    ("POST", "/runs/{id}/cancel", "End a run."),
    ("POST", "/runs/{id}/retry", "Do a run again."),
    ("GET", "/routes", "Routes of the host and the modules."),
    ("GET", "/health", "Health of the instance."),
    ("GET", "/audit", "The last decisions."),
    ("GET", "/settings", "Settings of the host."),
    ("GET", "/me", "Who is signed in, and what that allows."),
    ("GET", "/events", "Tells that a page has changed, as server-sent events."),
    ("GET", "/{rest:.*}", "Any other address."),
)
"""Method, path below `/ui` and summary of everything that the pages answer; those of sign-in stand in `site.py`."""


def add(
    host_routes: HostRoutes,
    host: Host,
    gate: Gate,
    rendering: Rendering,
    *,
    counters: Counters,
    decisions: RecentDecisions,
    permission: str = "admin",
    sessions: "Sessions | None" = None,
) -> None:
    """Adds every page but those of sign-in, which are to be added before: the last address here takes any.

    Args:
        host_routes: takes the routes; all of them are shown by the page of routes.
        host: what is shown.
        gate: lets signed-in people through.
        rendering: makes the pages.
        counters: tell what became of the tokens.
        decisions: the last decisions on the API and the pages.
        permission: what the API asks for.
        sessions: lists the sessions that somebody may see.
    """

    @cache
    def handlers() -> Mapping[tuple[str, str], Page]:
        from nexus.ui.page_book import PageBook  # noqa: PLC0415 - with the first look, as all that it needs
        from nexus.ui.pages import every  # noqa: PLC0415

        book = PageBook(gate)
        every.write(
            book,
            host,
            counters=counters,
            decisions=decisions,
            permission=permission,
            sessions=sessions,
            host_routes=lambda: host_routes.routes,
        )
        return book.handlers

    static = "/ui/static/{version}/{name:.+}"
    host_routes.add("GET", static, shown(serve_static, rendering), PUBLIC, "Style and script.", limited=False)
    pages = PageRoutes(host_routes, gate, rendering)
    for method, path, summary in ADDRESSES:
        pages.add(method, path, _loaded_late(handlers, (method, path)), summary)


def _loaded_late(handlers: _Handlers, address: tuple[str, str]) -> Page:
    async def page(request: web.Request, viewer: Viewer) -> web.StreamResponse:
        return await handlers()[address](request, viewer)

    return page
