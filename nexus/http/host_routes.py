"""The host's own routes, which upper layers add before the application is built."""

from collections.abc import Iterable

from nexus.http.bound_route import BoundRoute
from nexus.http.inflight import Load
from nexus.http.route_table import RouteTable
from nexus.spec.access import PROTECTED, Access
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.route import Handler, Route

MODULES = "/m/"
"""Where the routes of modules begin; no route of the host's own may."""


class HostRoutes:
    """Collects routes below `global.path`, protected unless said otherwise."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], Route] = {}
        self._unlimited: set[tuple[str, str]] = set()

    def add(
        self,
        method: str,
        path: str,
        handler: Handler,
        access: Access = PROTECTED,
        summary: str = "",
        *,
        limited: bool = True,
    ) -> None:
        """Adds a route; `limited=False` lets it answer also when the host has all the requests it takes.

        Raises:
            InvalidDeclaration: the route is malformed, there already, or below the modules' prefix.
        """
        route = Route(method=method, path=path, handler=handler, access=access, summary=summary)
        if path.startswith(MODULES):
            raise InvalidDeclaration(f"route {path!r} of the host lies below {MODULES!r}: that is the modules'")
        if (method, path) in self._routes:
            raise InvalidDeclaration(f"the host has {method} {path} already: give it one handler")
        self._routes[method, path] = route
        if not limited:
            self._unlimited.add((method, path))

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route, in the order of adding."""
        return tuple(self._routes.values())

    def table(self, load: Load) -> RouteTable:
        """Gives the table that serves what has been added so far."""
        return RouteTable(self._bound(load))

    def _bound(self, load: Load) -> Iterable[tuple[str, BoundRoute]]:
        for key, route in self._routes.items():
            yield (
                route.path,
                BoundRoute(
                    method=route.method,
                    template=route.path,
                    call=route.handler,
                    access=route.access,
                    load=load,
                    limited=key not in self._unlimited,
                ),
            )
