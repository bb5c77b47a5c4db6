"""A route as the dispatcher serves it, and the match that aiohttp carries through the middlewares."""

from collections.abc import Awaitable
from typing import Any, Final, Literal

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import UrlMappingMatchInfo, _InfoDict
from yarl import URL

from nexus.http.headers import Withholding
from nexus.http.inflight import Load
from nexus.spec.access import Access
from nexus.spec.context import ModuleContext
from nexus.spec.errors import NexusError
from nexus.spec.route import Handler

Outcome = Literal["handler", "not_found", "method_not_allowed", "options", "unavailable", "disabled"]
"""What the dispatcher found; everything but `handler` is answered by the host itself, after the guard."""


async def serve(request: web.Request) -> web.StreamResponse:
    """Answers any matched request.

    aiohttp caches a chain of middlewares for each handler it meets. One function for all routes keeps that cache at
    one entry; a function for each route would keep modules alive in it after they were swapped out.
    """
    return await dispatch(request)


def dispatch(request: web.Request) -> Awaitable[web.StreamResponse]:
    """Gives what answers a matched request; no coroutine of its own, since each costs a part of a microsecond.

    Raises:
        NexusError: the request was not matched by the host's resource.
        web.HTTPRequestEntityTooLarge: its header tells of a body that is longer than may be.
    """
    route = request.match_info.route
    if not isinstance(route, BoundRoute):
        raise NexusError("a request reached the dispatcher without a matched route")
    if request.body_exists and route.outcome == "handler" and (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(max_size=request.client_max_size, actual_size=request.content_length or 0)
    if hdrs.EXPECT in request.headers and route.outcome == "handler":
        return _serve_expecting(request, route)
    if route.withholding is not None:
        request = route.withholding.apply(request)
    return route.call(request)


async def _serve_expecting(request: web.Request, route: "BoundRoute") -> web.StreamResponse:
    await _send_continue(request)
    if route.withholding is not None:
        request = route.withholding.apply(request)
    return await route.call(request)


async def _send_continue(request: web.Request) -> None:
    # The client holds its body back until now (RFC 9110, section 10.1.1): the guard has let the request pass.
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="the only expectation that is met is '100-continue'")
    if request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


async def _expect_nothing_yet(_request: web.Request) -> None:
    """Stands in for aiohttp's own handler, which sends `100 Continue` before any middleware has decided."""


class BoundRoute(web.AbstractRoute):
    """One method and path with everything that deciding and answering need.

    Attributes:
        access: what is asked of the caller; None means that no policy is known, which is a refusal.
        module: its name; None for the host's own routes.
        template: the path as declared, with the module's prefix, without the host's mount point.
        outcome: what the dispatcher found.
        call: what answers once the guard has let the request pass.
        load: the requests that count together against one limit.
        limited: False where the answer must come also from a full host (probes).
        context: of the module's running instance.
        withholding: what is taken from the request before `call` sees it.
    """

    def __init__(
        self,
        *,
        method: str,
        template: str,
        call: Handler,
        access: Access | None,
        outcome: Outcome = "handler",
        module: str | None = None,
        load: Load,
        limited: bool = True,
        context: ModuleContext[Any] | None = None,
        withholding: Withholding | None = None,
    ) -> None:
        super().__init__(method, serve, expect_handler=_expect_nothing_yet)
        self.template = template
        self.call = call
        self.access = access
        self.outcome: Outcome = outcome
        self.module = module
        self.load = load
        self.limited = limited
        self.context = context
        self.withholding = withholding

    @property
    def name(self) -> str | None:
        """None: routes are not named."""
        return None

    def get_info(self) -> _InfoDict:
        """Gives the template, as aiohttp's own routes do."""
        return {"path": self.template}

    def url_for(self, *_args: str, **_kwargs: str) -> URL:
        """Not to be had.

        Raises:
            NexusError: always; links are written by hand below `global.base_url`.
        """
        raise NexusError("routes have no names to build links from: write the path")


class Match(UrlMappingMatchInfo):
    """The matched route and the decoded path parameters of one request."""

    __slots__ = ()


NO_PARAMETERS: Final[dict[str, str]] = {}
"""Of a static path; `Match` copies it, so that nobody's change is seen by another request."""
