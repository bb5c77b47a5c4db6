"""A real service to watch, and hosts that watch it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import nexus

MAX_PATIENCE = 60.0


class Service:
    """A service that answers as the test has it.

    Attributes:
        status: of `/`.
        asked: how often anything was asked.
        most: the most requests there were at once.
        crowd: how many have to be at `/gathers` before it answers.
        headers: of each request.
    """

    def __init__(self) -> None:
        self.status = 200
        self.asked = 0
        self.most = 0
        self.crowd = 0
        self.headers: list[dict[str, str]] = []
        self.let_go = asyncio.Event()
        self._now = 0
        self._app = web.Application(middlewares=[self._count])
        self._app.router.add_get("/", self._answer)
        self._app.router.add_get("/hangs", self._hang)
        self._app.router.add_get("/gathers", self._gather)
        self._app.router.add_get("/drops", self._drop)
        self._app.router.add_get("/endless", self._endless)
        self._app.router.add_get("/moved", self._move)
        self._app.router.add_get("/loop", self._loop)
        self._server = TestServer(self._app)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go.set()
        await self._server.close()

    def url(self, path: str = "/") -> str:
        return str(self._server.make_url(path))

    @web.middleware
    async def _count(self, request: web.Request, handler) -> web.StreamResponse:
        self.asked += 1
        self.headers.append(dict(request.headers))
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            return await handler(request)
        finally:
            self._now -= 1

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status, text="x")

    async def _hang(self, _: web.Request) -> web.Response:
        await self.let_go.wait()
        return web.Response()

    async def _gather(self, _: web.Request) -> web.Response:
        """Answers once `crowd` requests are here: more than are let in would never all be answered."""
        if self._now >= self.crowd:
            self.let_go.set()
        await self.let_go.wait()
        return web.Response()

    async def _drop(self, request: web.Request) -> web.Response:
        request.transport.abort()
        return web.Response()

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 65_536)

    async def _move(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/")

    async def _loop(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/loop")


class Listener(nexus.Module):
    """A module that hears what others publish."""

    def __init__(self) -> None:
        super().__init__("listener", version="1")
        self.heard: list[nexus.ModuleEvent] = []

    @nexus.hookimpl
    def nexus_module_event(self, event: nexus.ModuleEvent) -> None:
        self.heard.append(event)


class Watching:
    """A host that watches the service."""

    def __init__(self, host, listener: Listener) -> None:
        self.host = host
        self.listener = listener

    async def probe(self, *targets: str):
        """Runs the job and gives the finished run."""
        engine = self.host.host.jobs.engine
        run = await engine.trigger("uptime", "probe", {"targets": list(targets)}, by="tester")
        return await engine.wait(run.id, MAX_PATIENCE)

    async def target(self, name: str = "shop"):
        answer = await self.host.get(f"/m/uptime/targets/{name}", permissions=())
        assert answer.status == 200, answer.text
        return answer.json()

    async def targets(self):
        answer = await self.host.get("/m/uptime/targets", permissions=())
        assert answer.status == 200, answer.text
        return answer.json()

    def told(self) -> list[dict[str, object]]:
        return [dict(event.data) for event in self.listener.heard]


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as running:
        yield running


@pytest.fixture
async def watching(nexus_host):
    """Starts a host that watches the targets given: await it with them and further settings."""

    async def start(*targets: dict[str, object], **settings: object) -> Watching:
        listener = Listener()
        config = {"targets": list(targets), "failures_before_down": 1, **settings}
        host = await nexus_host(listener, config={"modules": {"uptime": {"config": config}}})
        await host.wait_for("uptime", "running")
        return Watching(host, listener)

    return start
