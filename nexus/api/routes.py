"""`GET /api/routes`: every route of the host and of the modules, with what it asks of a caller."""

from collections.abc import Callable

from aiohttp import web
from pydantic import Field

from nexus.api.answers import Answers
from nexus.api.module_view import RouteView, route_views
from nexus.api.resource import Resource
from nexus.host.host import Host
from nexus.spec.route import Route


class OwnedRouteView(RouteView):
    """A route and whose it is."""

    module: str | None = Field(description="Null for a route of the host's own.")


def resources(host: Host, answers: Answers, host_routes: Callable[[], tuple[Route, ...]]) -> tuple[Resource, ...]:
    """Gives the resource of this file; `host_routes` tells the host's own routes once all are known."""

    async def routes(_request: web.Request) -> web.Response:
        """List every route with its access."""
        views = _owned(None, route_views(host_routes(), ""))
        for module in host.modules.values():
            views += _owned(module.name, route_views(module.routes, f"/m/{module.name}"))
        return answers.many(views)

    return (Resource(method="GET", path="/api/routes", handler=routes, answer=OwnedRouteView, many=True),)


def _owned(module: str | None, views: list[RouteView]) -> list[OwnedRouteView]:
    return [OwnedRouteView(module=module, **view.model_dump()) for view in views]
