"""The server: listens, and stops so that no request that was accepted fails."""

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from nexus.http import open_files, slow_clients
from nexus.http.application import ENTRANCE, SHELL
from nexus.http.connection import Connection, Server
from nexus.http.listener import BACKLOG, accept_waiting, listen, refuse_new
from nexus.http.request import ForeignRequest, HostRequest
from nexus.spec.errors import NexusError

if TYPE_CHECKING:
    from nexus.config.settings import ServerSettings

_IDLE_CHANCE: Final = 0.5
"""Seconds that an idle connection gets to send one more request, whose answer then tells it to close."""

_ACCEPTED_AT_ONCE: Final = 64
"""asyncio accepts as many as its backlog before any is served or refused; each has a file open by then."""

_HANDSHAKES: Final = 0.05
_POLL: Final = 0.02
_LAST_WORDS: Final = 2.0
"""Seconds for the answers of requests that were ended when the grace period was over."""


class HttpServer:
    """Serves one application on the configured address; an async context manager.

    Args:
        app: as `application.build` gave it.
        settings: of `[global.server]`.

    Raises:
        CannotListen: on entering, where the address is not to be had.
    """

    def __init__(self, app: web.Application, settings: "ServerSettings") -> None:
        self._app = app
        self._settings = settings
        self._shell = app[SHELL]
        self._runner = web.AppRunner(app, access_log=None)
        self._server: Server | None = None
        self._sockets: tuple[socket.socket, ...] = ()
        self._listeners: list[asyncio.Server] = []
        self._watch: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Address and port of each listening socket."""
        return tuple(listening.getsockname()[:2] for listening in self._sockets)

    @property
    def port(self) -> int:
        """The port listened on, which differs from the configured one where that is 0.

        Raises:
            NexusError: the server does not listen.
        """
        if not self._sockets:
            raise NexusError("the server does not listen: enter it first")
        return self.addresses[0][1]

    async def __aenter__(self) -> Self:
        self._sockets = await listen(self._settings.host, self._settings.port)
        try:
            await self._start()
        except BaseException:
            self._close_sockets()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            await self.drain(delay=0, grace=0, idle_chance=0)
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        await self._runner.cleanup()

    async def drain(self, *, delay: float, grace: float, idle_chance: float = _IDLE_CHANCE) -> None:
        """Stops serving; afterwards no connection is left.

        Every answer from now on closes its connection, and streams that would never end are ended. After `delay`
        seconds nothing is accepted any more. What is in flight gets `grace` seconds from then on.
        """
        server = self._server
        if server is None:
            return
        self._shell.begin_drain()
        await asyncio.sleep(delay)
        await self._stop_accepting(server)
        ends_at = asyncio.get_running_loop().time() + grace
        await _until(lambda: not server.connections, min(idle_chance, grace))
        await _until(lambda: _is_quiet(server), ends_at - asyncio.get_running_loop().time())
        self._shell.end_all()
        await _until(lambda: _is_quiet(server), _LAST_WORDS if self._shell.active else _POLL)
        self._server = None
        transports = server.transports
        await server.shutdown(_POLL)
        for transport in transports:
            # One that was closed waits to send the rest of an answer, for ever where its client does not read.
            transport.abort()

    async def _start(self) -> None:
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        settings = self._settings
        self._server = server = Server(
            self._app[ENTRANCE].enter,
            settings,
            max_connections=open_files.bounded(settings.max_connections),
            request_factory=_request_factory(loop, settings.max_body_bytes),
            complete=self._shell.complete,
        )
        self._watch = asyncio.create_task(slow_clients.watch(server), name="nexus-slow-clients")
        for listening in self._sockets:
            self._listeners.append(await loop.create_server(server, sock=listening, backlog=_ACCEPTED_AT_ONCE))
            listening.listen(BACKLOG)

    async def _stop_accepting(self, server: Server) -> None:
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            refuse_new(listening)
        # For handshakes that are half-way; asyncio goes on accepting meanwhile.
        await asyncio.sleep(_HANDSHAKES)
        waiting = [connection for listening in self._sockets for connection in accept_waiting(listening)]
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._close_sockets()
        for connection in waiting:
            await loop.connect_accepted_socket(server, connection)

    def _close_sockets(self) -> None:
        for listening in self._sockets:
            listening.close()
        self._sockets = ()


def _request_factory(loop: asyncio.AbstractEventLoop, max_body_bytes: int) -> Callable[..., web.Request]:
    def make(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: Connection,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.Request:
        if message.compression:
            # After the answer aiohttp reads what is left of a body to throw it away: a kilobyte here may be megabytes.
            protocol.linger_no_more()
        if message.version is not HttpVersion11 and message.version != HttpVersion10:
            # The parser also takes 0.9 and 2.0, and aiohttp would answer in kind.
            message = message._replace(version=HttpVersion10, should_close=True)
            kind: type[HostRequest] = ForeignRequest
        else:
            kind = HostRequest
        request = kind(message, payload, protocol, writer, task, loop, client_max_size=max_body_bytes)
        protocol.latest = request
        return request

    return make


def _is_quiet(server: Server) -> bool:
    for connection in server.connections:
        if isinstance(connection, Connection):
            connection.close_if_idle()
    return not server.connections


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    # aiohttp tells nobody when a connection ends, so there is nothing to wait on.
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    while not condition() and loop.time() < ends_at:  # noqa: ASYNC110
        await asyncio.sleep(_POLL)
