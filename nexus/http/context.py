"""What a handler asks for about its request; public as `nexus.context`."""

from typing import Any

from aiohttp import web

from nexus.http.bound_route import BoundRoute
from nexus.http.keys import PRINCIPAL, REQUEST_ID
from nexus.spec.context import RequestContext
from nexus.spec.errors import NexusError


def context(request: web.Request) -> RequestContext[Any]:
    """Gives the module's context together with the caller and the id of `request`.

    Raises:
        NexusError: `request` was not dispatched to a route of a module.
    """
    route = request.match_info.route
    if not isinstance(route, BoundRoute) or route.context is None:
        raise NexusError(
            "there is no module behind this request: call 'nexus.context' in the handler of a module's route"
        )
    return RequestContext(module=route.context, principal=request.get(PRINCIPAL), request_id=request[REQUEST_ID])
