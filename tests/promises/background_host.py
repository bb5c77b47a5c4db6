"""A host in a thread of its own, so that property tests can ask it from plain synchronous code over raw sockets."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nexus.testing.running_host import RunningHost, running_host

_PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back; status 0 where the connection was closed without an answer."""

    status: int
    head: bytes
    body: bytes


class BackgroundHost:
    """A running host, asked byte by byte.

    Attributes:
        host: the host; touch it only from its own loop.
        loop: its event loop, which runs in another thread.
    """

    def __init__(self, host: RunningHost, loop: asyncio.AbstractEventLoop) -> None:
        self.host = host
        self.loop = loop
        self.port = int(host.url.rpartition(":")[2])

    def send(self, request: bytes) -> RawAnswer:
        """Sends the bytes on a connection of their own and reads to its end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as connection:
            connection.sendall(request)
            received = b""
            try:
                while chunk := connection.recv(65_536):
                    received += chunk
            except ConnectionResetError:
                pass  # closed while bytes of ours were still unread
        asked_for_more = b"HTTP/1.1 100 Continue\r\n\r\n"  # comes before the answer
        head, _, body = received.removeprefix(asked_for_more).partition(b"\r\n\r\n")
        found = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        return RawAnswer(int(found[1]) if found else 0, head, body)

    def ask(self, method: str, target: str, *fields: str) -> RawAnswer:
        """Sends a request with the target as it is."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
        return self.send("\r\n".join(lines).encode("utf-8", "surrogateescape"))


@contextmanager
def background_host(*modules: object, state_dir: Path) -> Iterator[BackgroundHost]:
    """Runs a host until the block is left."""
    ready = threading.Event()
    running: list[BackgroundHost | BaseException] = []
    stop: list[asyncio.Event] = []

    async def live() -> None:
        stop.append(asyncio.Event())
        async with running_host(*modules, state_dir=state_dir, config={"modules": {"liveness": {}}}) as host:
            running.append(BackgroundHost(host, asyncio.get_running_loop()))
            ready.set()
            await stop[0].wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            running.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="background-host")
    thread.start()
    assert ready.wait(_PATIENCE)
    try:
        if isinstance(running[0], BaseException):
            raise running[0]
        yield running[0]
    finally:
        if isinstance(running[0], BackgroundHost):
            running[0].loop.call_soon_threadsafe(stop[0].set)
        thread.join(_PATIENCE)
    if isinstance(running[-1], BaseException):
        raise running[-1]
