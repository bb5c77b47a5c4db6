"""The application: one catch-all resource, the shell, the guard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web
from aiohttp.web_request import BaseRequest

from nexus.http.bound_route import BoundRoute, Match, dispatch
from nexus.http.deadlines import watch
from nexus.http.headers import Withholding
from nexus.http.host_routes import HostRoutes
from nexus.http.inflight import Load
from nexus.http.module_tables import ModuleTables
from nexus.http.request import ForeignRequest, HostRequest
from nexus.http.resource import HostResource
from nexus.http.route_table import RouteTable
from nexus.http.shell import Shell

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from nexus.host.host import Host

Guard = Callable[[web.Request, Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[web.StreamResponse]]
"""An aiohttp middleware (new style) that reads `request.match_info.route.access` and raises `Problem` to refuse."""

SHELL: Final = web.AppKey("nexus.shell", Shell)


class Entrance:
    """What the host's own server calls for each request.

    It is the way that aiohttp's application would go (resource, shell, guard, dispatcher) without its search through
    the path's parents and its cached chains, which together take as long as the host's own work. Under another server
    (aiohttp's test server) the application goes that way itself, with the same objects.

    Of a host that is not whole yet it serves what is public of the routes that are there already; every other request
    waits for `complete`. So probes are answered while the rest is being loaded, and nobody sees half a host.
    """

    def __init__(
        self, app: web.Application, resource: HostResource, shell: Shell, guard: Guard, waiting: asyncio.Event | None
    ) -> None:
        self._app = app
        self._resource = resource
        self._waiting = waiting
        self._shell = shell.middleware
        self._refuse_version = shell.refuse_version
        self._guarded = lambda request: guard(request, dispatch)

    def enter(self, request: BaseRequest) -> Awaitable[web.StreamResponse]:
        """Gives the answer to `request`; what fails in matching it is answered by the connection, as a bug.

        Raises:
            TypeError: another server than the host's own made it.
        """
        if not isinstance(request, HostRequest):
            raise TypeError("the entrance takes requests of the host's own server alone")
        if isinstance(request, ForeignRequest):
            return self._refuse_version(request)
        match = self._resource.match(request)
        if self._waiting is not None and not _is_public(match):
            return self._enter_later(request, self._waiting)
        match.add_app(self._app)
        request.matched(match)
        return self._shell(request, self._guarded)

    async def _enter_later(self, request: BaseRequest, waiting: asyncio.Event) -> web.StreamResponse:
        await waiting.wait()
        return await self.enter(request)

    def complete(self, own: RouteTable) -> None:
        """Serves all of the host's `own` routes from now on, and lets in who waited for them."""
        self._resource.serve(own)
        if self._waiting is not None:
            self._waiting.set()
            self._waiting = None


def _is_public(match: Match) -> bool:
    access = match.route.access if isinstance(match.route, BoundRoute) else None
    return access is not None and access.is_public


ENTRANCE: Final = web.AppKey("nexus.entrance", Entrance)

OWN_LOAD: Final = web.AppKey("nexus.own_load", Load)

_LOOK_EVERY: Final = 0.25
"""Seconds between two looks at deadlines: a request may be late by as much; nobody sets them finer than seconds."""


def build(host: "Host", *, routes: HostRoutes, guard: Guard, is_whole: bool = True) -> web.Application:
    """Gives the application that serves the host's own `routes` and the modules of `host`.

    Args:
        host: its modules are looked up at each request, so they may come and go.
        routes: all that are there at once; later ones are served after `complete`.
        guard: decides on every request, also on those that nothing serves.
        is_whole: False where `complete` follows, before which nothing is let in that is not public.
    """
    settings = host.settings.global_
    shell = Shell(settings.server, host.scrubber, settings.log.access)
    own_load = Load(settings.server.max_concurrency)
    tables = ModuleTables(settings.server.module_concurrency, Withholding(settings.server.trusted_proxies))
    app = web.Application(
        middlewares=[shell.middleware, cast("Middleware", guard)], client_max_size=settings.server.max_body_bytes
    )
    app[SHELL] = shell
    app[OWN_LOAD] = own_load
    resource = HostResource(
        base_path=settings.path,
        own=routes.table(own_load),
        modules=lambda: host.modules,
        tables=tables,
        own_load=own_load,
    )
    app.router.register_resource(resource)
    app[ENTRANCE] = Entrance(app, resource, shell, guard, None if is_whole else asyncio.Event())
    app.on_response_prepare.append(shell.on_prepare)
    host.add_drain(shell.leave)

    @contextlib.asynccontextmanager
    async def watched(_app: web.Application) -> AsyncIterator[None]:
        every = min(_LOOK_EVERY, settings.server.request_timeout / 4)
        task = asyncio.create_task(watch(shell, lambda: tables.drop_stale(host.modules), every), name="nexus-deadlines")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await shell.close()

    app.cleanup_ctx.append(watched)
    return app


def complete(app: web.Application, routes: HostRoutes) -> None:
    """Serves all `routes` of the host from now on, and lets in the requests that waited for them."""
    app[ENTRANCE].complete(routes.table(app[OWN_LOAD]))
