"""Every route of the host and of its modules, with what it asks of a caller."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from nexus.api.module_view import RouteView, route_views
from nexus.host.host import Host
from nexus.spec.route import Route
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.kept import kept
from nexus.ui.views.listing import listed, read_text

_ACCESS: Final = ("public", "session", "protected")


@dataclass(frozen=True, slots=True)
class OwnedRoute:
    """A route and whose it is.

    Attributes:
        module: empty for a route of the host's own.
        view: the route.
        access: `public`, `session` or `protected`.
        serving: whether its module runs.
    """

    module: str
    view: RouteView
    access: str
    serving: bool


def add(pages: PageBook, host: Host, host_routes: Callable[[], tuple[Route, ...]]) -> None:
    """Adds the page of this file; `host_routes` tells the host's own routes once all are known."""

    def found(host: Host) -> Iterator[OwnedRoute]:
        for view in route_views(host_routes(), ""):
            yield OwnedRoute("", view, "session" if view.path.startswith("/ui") else view.access, serving=True)
        for module in host.modules.values():
            for view in route_views(module.routes, f"/m/{module.name}"):
                yield OwnedRoute(module.name, view, view.access, module.serving)

    every = kept(host, lambda host: tuple(found(host)))

    async def routes(request: web.Request, viewer: Viewer) -> web.Response:
        text, access = read_text(request, "q").lower(), read_text(request, "access")
        access = access if access in _ACCESS else ""
        # The pages' own routes are many and all alike: they are shown where somebody asks for them.
        rows = [row for row in every() if _is_shown(row, access) and _has(row, text)]
        table = listed(
            rows,
            request,
            columns={
                "path": lambda row: row.view.path,
                "module": lambda row: (row.module, row.view.path),
                "access": lambda row: (_ACCESS.index(row.access), row.view.path),
            },
            default="path",
            filters=("q", "access"),
        )
        data: dict[str, Any] = {"table": table, "q": text, "access": access, "watch": "modules"}
        return render(request, "routes.html", data, viewer=viewer)

    pages.page("/routes", routes)


def _is_shown(row: OwnedRoute, access: str) -> bool:
    return row.access == access if access else row.access != "session"


def _has(row: OwnedRoute, text: str) -> bool:
    view = row.view
    return not text or any(text in each.lower() for each in (view.path, row.module, view.summary, *view.permissions))
