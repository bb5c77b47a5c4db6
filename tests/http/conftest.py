import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from nexus.config.settings import HostSettings
from nexus.http.application import build
from nexus.http.host_routes import HostRoutes
from nexus.http.server import HttpServer
from nexus.spec.errors import Problem
from tests.http.standin import StandInHost

PATIENCE = 30.0  # seconds; what goes well takes milliseconds, and a busy machine may stand still for a while
TOKEN = "good-token"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    access = request.match_info.route.access  # type: ignore[attr-defined]
    if access is None or not (access.is_public or request.headers.get("Authorization") == f"Bearer {TOKEN}"):
        raise Problem(401, "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
    return await handler(request)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Running:
    def __init__(self, host: StandInHost, server: HttpServer, session: aiohttp.ClientSession) -> None:
        self.host, self.server, self.session = host, server, session
        self.port = server.port
        self.url = f"http://127.0.0.1:{self.port}"

    async def ask(self, method: str, path: str, **kwargs: Any) -> Answer:
        async with self.session.request(method, self.url + path, allow_redirects=False, **kwargs) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def raw(self, sent: bytes, *, until_eof: bool = True) -> bytes:
        """Sends bytes as they are and gives what comes back until the server closes, or the end of one head."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(sent)
            async with asyncio.timeout(PATIENCE):
                return await reader.read() if until_eof else await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def target(self, target: str, method: str = "GET", headers: str = "") -> Answer:
        """Asks for a request target exactly as written, which a client library would normalise."""
        sent = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        return parse(await self.raw(sent.encode("utf-8", "surrogateescape")))


def parse(got: bytes) -> Answer:
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), headers, body)


def settings(server: dict[str, Any] | None = None, **more: Any) -> HostSettings:
    return HostSettings.model_validate({"global": {"server": {"port": 0, **(server or {})}, **more}})


@contextlib.asynccontextmanager
async def serving(
    host: StandInHost, routes: HostRoutes | None = None, guarded_by: Any = guard
) -> AsyncIterator[Running]:
    app = build(host, routes=routes or HostRoutes(), guard=guarded_by)  # type: ignore[arg-type]
    async with HttpServer(app, host.settings.global_.server) as server, aiohttp.ClientSession() as session:
        yield Running(host, server, session)


@pytest.fixture
def host() -> StandInHost:
    return StandInHost(settings())


@pytest.fixture
async def running(host: StandInHost) -> AsyncIterator[Running]:
    async with serving(host) as it:
        yield it
