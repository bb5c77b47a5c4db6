"""One connection of the host's server, and the server that makes them: bounded in number and in patience.

Nothing here runs a timer for each connection: one task looks at all of them (see `slow_clients`).
"""

import asyncio
import fcntl
import logging
import sys
import termios
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo
from aiohttp.web_request import BaseRequest

from nexus.http import parser_errors, whole_answer
from nexus.http.request import HostRequest

if TYPE_CHECKING:
    from nexus.config.settings import ServerSettings

_log: Final = logging.getLogger("nexus.http")

_ALONE: Final = 3
"""References to a request that no handler's task has kept: ours, aiohttp's, and the one that counting takes."""


class Connection(web.RequestHandler):
    """aiohttp's protocol of one connection, with its own answers to what is not HTTP, and an end for who dawdles.

    Attributes:
        latest: the request that was begun last; forgotten once the connection is idle.
    """

    __slots__ = ("_begun_at", "_opened_at", "_sent_at", "_unsent_bytes", "latest")

    def __init__(self, manager: "Server", loop: asyncio.AbstractEventLoop) -> None:
        settings = manager.settings
        super().__init__(
            manager,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # None is what aiohttp's own runner gives
            keepalive_timeout=settings.keepalive_timeout,
            max_line_size=settings.max_line_bytes,
            max_field_size=settings.max_header_bytes,
        )
        self.latest: HostRequest | None = None
        self._opened_at = loop.time()
        self._begun_at: float | None = None
        self._sent_at = 0.0
        self._unsent_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to serve, or refuses where the server has all the connections that it takes."""
        server = cast("Server", self._manager)
        if server.is_full:
            server.refused += 1
            real = cast("asyncio.Transport", transport)
            real.write(parser_errors.full())
            real.close()
            self._force_close = True
            return
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Ends; without a reference to its request, which would be a cycle for the collector."""
        latest, self.latest = self.latest, None
        is_answered = self._current_request is None
        super().connection_lost(exc)
        if latest is not None and is_answered:
            # aiohttp waits ten seconds for the rest of a body that nobody read, and a drain would wait for that.
            latest.content.feed_eof()

    def data_received(self, data: bytes) -> None:
        """Takes bytes, and notes when those of a head began to come that is not complete yet."""
        super().data_received(data)
        if self._messages:
            self._begun_at = None
        elif self._waiter is not None and self._begun_at is None:
            self._begun_at = self._loop.time()

    def resume_writing(self) -> None:
        """Goes on writing; the client has read, so it gets its time anew."""
        super().resume_writing()
        self._unsent_bytes = 0

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - holds bytes of the request
    ) -> web.StreamResponse:
        """Gives a generic problem and ends the connection after it.

        Raises:
            ConnectionError: part of an answer is out already, so none can follow.
        """
        return parser_errors.answer(request, status, exc)

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """Called where an answer's head cannot be sent (line ends in a field, say): sends a plain 500 in its place."""
        error, request = kwargs.get("exc_info"), self.latest
        if not isinstance(error, BaseException) or request is None:
            super().log_exception(*args, **kwargs)
            return
        sent = parser_errors.unsendable(request, error)
        if request.writer.output_size == 0 and self.transport is not None:
            self.transport.write(sent)

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends the answer; gives it, and whether the client has gone meanwhile."""
        server = self._manager
        if not isinstance(server, Server) or self._upgraded or not whole_answer.is_whole(resp, request):
            return await super().finish_response(request, resp, start_time)
        try:
            whole_answer.send(request, resp, server.complete)
            if self._paused:
                await self._drain_helper()
        except ConnectionError:
            return resp, True
        return resp, False

    def linger_no_more(self) -> None:
        """Closes after an answer whose request's body was not read, where aiohttp would read the rest first."""
        self._lingering_time = 0.0

    def close_if_idle(self) -> None:
        """Closes the connection where no request is being read or answered on it."""
        if self._waiter is not None and not self._messages:
            # aiohttp's `close` ends the reading task but leaves the socket open until the server's own shutdown.
            self.force_close()

    def look(self, now: float, transport: asyncio.Transport, settings: "ServerSettings") -> None:
        """Ends the connection where its client has taken too long; `now` is loop time in seconds."""
        if transport.get_write_buffer_size():
            self._look_at_writing(now, transport, settings.write_timeout)
        else:
            self._unsent_bytes = 0
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            if self.latest is not None and sys.getrefcount(self.latest) <= _ALONE:
                # aiohttp holds it until the next one comes, and with it the instance of a module that may be gone.
                self.latest.forget()
                self.latest = None
            self._look_at_head(now, waiter, settings.header_timeout)
        elif self.latest is not None and self.latest.content.total_bytes > settings.max_body_bytes:
            self._refuse_body(self.latest, settings.max_body_bytes)

    def _look_at_head(self, now: float, waiter: "asyncio.Future[None]", patience: float) -> None:
        began = self._opened_at if self._request_count == 0 else self._begun_at
        if began is None or now - began <= patience:
            return
        if self._begun_at is None:
            self.force_close()
            return
        self._messages.append((_ErrInfo(408, parser_errors.SlowHead(), ""), EMPTY_PAYLOAD))
        waiter.set_result(None)

    def _refuse_body(self, request: HostRequest, limit: int) -> None:
        # For a handler that reads piece by piece a body that told no length; aiohttp counts only where it reads all.
        body = request.content
        if not body.is_eof() and body.exception() is None:
            body.set_exception(web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=body.total_bytes))

    def _look_at_writing(self, now: float, transport: asyncio.Transport, patience: float) -> None:
        unsent = transport.get_write_buffer_size() + _bytes_in_kernel(transport)
        # Less than at the last look, or none in between: the client reads.
        if self._unsent_bytes == 0 or unsent < self._unsent_bytes:
            self._sent_at = now
        elif now - self._sent_at > patience:
            _log.info("client does not read its answer", extra={"event": "connection.stalled"})
            transport.abort()
        self._unsent_bytes = unsent


def _bytes_in_kernel(transport: asyncio.Transport) -> int:
    # Its buffer takes megabytes and asks for more when a third is free: a slow reader moves nothing of ours meanwhile.
    waiting = bytearray(4)
    try:
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, waiting)
    except (OSError, ValueError):
        return 0
    return int.from_bytes(waiting, sys.byteorder)


class Server(web.Server):
    """aiohttp's factory of connections, making ours.

    Args:
        handler: answers each request.
        settings: bounds of `[global.server]`.
        max_connections: the newest beyond these is refused.
        request_factory: makes the request of what was parsed.
        complete: adds what every answer carries.

    Attributes:
        refused: connections that were refused.
    """

    def __init__(
        self,
        handler: Callable[[BaseRequest], Awaitable[web.StreamResponse]],
        settings: "ServerSettings",
        *,
        max_connections: int,
        request_factory: Callable[..., web.Request],
        complete: whole_answer.Complete,
    ) -> None:
        super().__init__(handler, request_factory=request_factory)
        self.complete = complete
        self.settings = settings
        self.refused = 0
        self._max_connections = max_connections

    @property
    def is_full(self) -> bool:
        """True where one more connection would be too many."""
        return len(self._connections) >= self._max_connections

    @property
    def transports(self) -> tuple[asyncio.Transport, ...]:
        """Of all connections, also of those that are closed and wait to send what their client does not read."""
        return tuple(self._connections.values())

    def __call__(self) -> Connection:
        """Gives the protocol of a new connection."""
        return Connection(self, self._loop)

    def look(self, now: float) -> None:
        """Ends the connections whose clients take too long; `now` is loop time in seconds."""
        settings = self.settings
        for connection, transport in tuple(self._connections.items()):
            if isinstance(connection, Connection):
                connection.look(now, transport, settings)
