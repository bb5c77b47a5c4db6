"""The outermost middleware: request id, limits, deadlines and the one place where errors become answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from aiohttp import hdrs, web
from aiohttp.payload import Payload
from aiohttp.web_request import BaseRequest

from nexus.http.bound_route import BoundRoute
from nexus.http.inflight import CURRENT, Ending, Inflight, Load
from nexus.http.keys import INFLIGHT, REQUEST_ID
from nexus.http.problem import Boundary
from nexus.http.request_ids import X_REQUEST_ID, RequestIds
from nexus.spec.errors import Problem

if TYPE_CHECKING:
    from nexus.config.scrubber import Scrubber
    from nexus.config.settings import ServerSettings
    from nexus.host.instance import ModuleInstance

_access: Final = logging.getLogger("nexus.access")

_LOGGED_FROM: Final = {"none": 1000, "errors": 500, "all": 0}
"""The lowest status that leaves a line in the access log."""

_SOCKET_CLOSE: Final[dict[Ending, int]] = {"shutdown": 1001, "expired": 4401, "timeout": 1011}
"""Close codes of a WebSocket (RFC 6455, section 7.4); 4401 is ours: the caller's token has ended."""

_SOCKET_CLOSE_S: Final = 2.0
_LEAVING_POLL_S: Final = 0.02


class Shell:
    """Runs around every request.

    Args:
        settings: bounds of `[global.server]`.
        scrubber: passes every error body.
        access_log: which requests leave a line.
    """

    def __init__(
        self,
        settings: "ServerSettings",
        scrubber: "Scrubber",
        access_log: Literal["none", "errors", "all"] = "errors",
    ) -> None:
        self.active: set[Inflight] = set()
        self.draining = False
        self._boundary = Boundary(scrubber)
        self._ids = RequestIds()
        self._limit = settings.max_concurrency
        self._timeout = settings.request_timeout
        self._logged_from = _LOGGED_FROM[access_log]
        self._closings: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Gives the answer to `request`; raises nothing but redirections and cancellation."""
        loop = self._loop
        if loop is None:
            # Kept, since asking for it is a system call on Python 3.11.
            loop = self._loop = asyncio.get_running_loop()
        route = request.match_info.route
        request_id = self._ids.of(request.headers.get(X_REQUEST_ID))
        if not isinstance(route, BoundRoute):
            return self._without_path(request, request_id)
        task = asyncio.current_task(loop)
        inflight = Inflight(request_id, route, task, loop.time())
        request[INFLIGHT] = inflight
        request[REQUEST_ID] = request_id
        CURRENT.set(inflight)
        load, active = route.load, self.active
        if route.limited and (len(active) >= self._limit or load.active >= load.limit):
            inflight.task = None
            return self._full(load, inflight)
        active.add(inflight)
        load.active += 1
        try:
            response = await handler(request)
        except asyncio.CancelledError as error:
            response = self._cancelled(request, inflight, error)
        except BaseException as error:  # noqa: BLE001 - the one boundary around strangers' code
            # A task that lets SystemExit or KeyboardInterrupt through ends the event loop, and with it the host; the
            # host's own end comes by a signal handler, never as an exception.
            response = self._boundary.answer(request, error, inflight)
            if hdrs.EXPECT in request.headers:
                # The client may leave its body out now, or send it: nobody can tell what follows on this connection.
                response.force_close()
        finally:
            active.discard(inflight)
            load.active -= 1
            # The task's context holds the record: without this, every request would be a cycle for the collector.
            inflight.task = None
        if not _is_answer(response):
            response = self._boundary.missing(f"{type(response).__name__} instead of a response", inflight)
        elif response.prepared or inflight.response is not None:
            response = self._begun(response, inflight)
        elif not 200 <= response.status < 600:
            response = self._boundary.missing(f"the status {response.status}, which ends no request", inflight)
        elif hdrs.CONTENT_LENGTH in response.headers or hdrs.TRANSFER_ENCODING in response.headers:
            _leave_framing_to_aiohttp(request, response)
        if response.status >= self._logged_from:
            _log_access(request, response, inflight, loop.time())
        return response

    def _begun(self, response: web.StreamResponse, inflight: Inflight) -> web.StreamResponse:
        first = inflight.response
        if response is first:
            return response
        if first is None:
            # aiohttp would send nothing, and the caller would wait for ever.
            return self._boundary.missing("a response that was sent before: make one for each request", inflight)
        # Two answers to one request: the second would be taken for that of the next one.
        self._boundary.log_unsendable("another response than it had begun to send", inflight)
        first.force_close()
        return first

    def _cancelled(self, request: web.Request, inflight: Inflight, error: asyncio.CancelledError) -> web.StreamResponse:
        task = inflight.task
        if inflight.ending is not None and task is not None and not task.uncancel():
            return self._boundary.ended(request, inflight.ending, inflight)
        if inflight.ending is None and task is not None and not task.cancelling():
            # What the handler waited for was cancelled, and not the request.
            return self._boundary.answer(request, error, inflight)
        raise error

    async def on_prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Adds what every answer carries, streams included; called by aiohttp."""
        self.complete(request, response)

    def complete(self, request: BaseRequest, response: web.StreamResponse) -> None:
        """Adds what every answer carries just before its head is sent."""
        headers = response.headers
        headers[hdrs.SERVER] = "nexus"
        try:
            inflight = request[INFLIGHT]
        except KeyError:
            return
        inflight.response = response
        headers[X_REQUEST_ID] = inflight.request_id
        if self.draining or (request.method == hdrs.METH_HEAD and not isinstance(response, web.Response)):
            # Also for a stream that answers HEAD: aiohttp would send what the handler writes, so nothing may follow.
            if not isinstance(response, web.WebSocketResponse):
                headers[hdrs.CONNECTION] = "close"
            response.force_close()

    def begin_drain(self) -> None:
        """Lets every further answer close its connection, and ends the streams that would never end."""
        self.draining = True
        for inflight in tuple(self.active):
            if _is_endless(inflight.response):
                self._end(inflight, "shutdown")

    def end_all(self) -> None:
        """Ends what is still in flight; what has not begun to answer is given 503."""
        for inflight in tuple(self.active):
            self._end(inflight, "shutdown")

    def look(self, loop_time: float) -> None:
        """Ends what is over its time; called several times a second by one task, so that no request needs a timer."""
        now: datetime | None = None
        for inflight in tuple(self.active):
            if inflight.response is None:
                if loop_time - inflight.started > self._timeout:
                    self._end(inflight, "timeout")
            elif self.draining and _is_endless(inflight.response):
                self._end(inflight, "shutdown")
            elif inflight.expires_at is not None:
                now = now or datetime.now(UTC)
                if now >= inflight.expires_at:
                    self._end(inflight, "expired")

    async def leave(self, instance: "ModuleInstance") -> None:
        """Returns when no request is in `instance` any more; streams that would never end are ended.

        A reload awaits it, bounded, before it stops the instance that it has replaced.
        """
        while inside := [one for one in self.active if one.route and one.route.context is instance.context]:
            for inflight in inside:
                if _is_endless(inflight.response):
                    self._end(inflight, "shutdown")
            await asyncio.sleep(_LEAVING_POLL_S)

    async def close(self) -> None:
        """Waits for the WebSockets that are being closed."""
        if self._closings:
            await asyncio.wait(self._closings, timeout=_SOCKET_CLOSE_S)

    def _end(self, inflight: Inflight, ending: Ending) -> None:
        if not isinstance(inflight.response, web.WebSocketResponse):
            inflight.end(ending)
        elif inflight.ending is None and not inflight.response.closed:
            inflight.ending = ending
            task = asyncio.create_task(_close_socket(inflight, inflight.response, ending), name="nexus-socket-close")
            self._closings.add(task)
            task.add_done_callback(self._closings.discard)

    def _full(self, load: Load, inflight: Inflight) -> web.Response:
        whose = "the module has" if load.active >= load.limit else "the host has"
        return self._boundary.refuse(
            Problem(503, f"{whose} as many requests in flight as it takes: ask again", headers={"Retry-After": "1"}),
            inflight,
        )

    async def refuse_version(self, request: web.Request) -> web.StreamResponse:
        """Answers a request of another major version of HTTP than 1 (RFC 9110, section 15.6.6)."""
        refused = Inflight(self._ids.of(request.headers.get(X_REQUEST_ID)), None, None, 0.0)
        answer = self._boundary.refuse(Problem(505, "HTTP/1.1 and HTTP/1.0 are spoken here"), refused)
        # Without a match, nothing of ours is called when the answer is prepared.
        answer.headers[hdrs.SERVER], answer.headers[X_REQUEST_ID] = "nexus", refused.request_id
        return answer

    def _without_path(self, request: web.Request, request_id: str) -> web.Response:
        # CONNECT and the like: aiohttp's router found no path to ask about, so there is nothing to decide on.
        inflight = Inflight(request_id, None, None, 0.0)
        request[INFLIGHT] = inflight
        return self._boundary.refuse(Problem(400, "the request's target is not a path"), inflight)


async def _close_socket(inflight: Inflight, socket: web.WebSocketResponse, ending: Ending) -> None:
    try:
        async with asyncio.timeout(_SOCKET_CLOSE_S):
            await socket.close(code=_SOCKET_CLOSE[ending], message=ending.encode())
    except (TimeoutError, ConnectionError):
        pass
    if inflight.task is not None:
        inflight.task.cancel()


def _is_answer(returned: object) -> bool:
    # A function, since the type checker believes what handlers say they return.
    # The exact class first, since StreamResponse is abstract and asking its metaclass costs ten times as much.
    return type(returned) is web.Response or isinstance(returned, web.StreamResponse)


def _leave_framing_to_aiohttp(request: web.Request, response: web.StreamResponse) -> None:
    # A length that is not the body's makes clients wait, or take the rest of it for the next answer.
    headers = response.headers
    headers.popall(hdrs.TRANSFER_ENCODING, None)
    told = headers.get(hdrs.CONTENT_LENGTH, "")
    is_whole = isinstance(response, web.Response) and not isinstance(response.body, Payload)
    if (is_whole and request.method != hdrs.METH_HEAD) or not (told.isascii() and told.isdigit()):
        headers.popall(hdrs.CONTENT_LENGTH, None)


def _is_endless(response: web.StreamResponse | None) -> bool:
    if response is None:
        return False
    return isinstance(response, web.WebSocketResponse) or response.content_type == "text/event-stream"


def _log_access(request: web.Request, response: web.StreamResponse, inflight: Inflight, now: float) -> None:
    # The path without its query: a query may hold what should not be kept.
    _access.log(
        logging.WARNING if response.status >= 500 else logging.INFO,
        "%s %s %d",
        request.method,
        request.rel_url.raw_path,
        response.status,
        extra={
            "event": "request",
            "method": request.method,
            "status": response.status,
            "route": inflight.template,
            "duration": round(now - inflight.started, 6),
        },
    )
