"""A host that listens before it is whole: what is public is served, and everything else waits."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from nexus.http.application import build, complete
from nexus.http.host_routes import HostRoutes
from nexus.http.server import HttpServer
from nexus.spec.access import PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import AUTHORIZED, Running, guard


async def told(request: web.Request) -> web.Response:
    return web.Response(text=request.path)


@pytest.fixture
async def app(host):
    host.add(
        "mod",
        Route(method="GET", path="/open", handler=told, access=PUBLIC),
        Route(method="GET", path="/closed", handler=told),
    )
    routes = HostRoutes()
    routes.add("GET", "/livez", told, PUBLIC)
    return build(host, routes=routes, guard=guard, is_whole=False)


@pytest.fixture
async def running(app, host):
    async with HttpServer(app, host.settings.global_.server) as server, aiohttp.ClientSession() as session:
        yield Running(host, server, session)


@pytest.mark.parametrize("path", ["/livez", "/m/mod/open"])
async def test_what_is_public_is_answered_before_the_host_is_whole(running, path):
    assert (await running.ask("GET", path)).status == 200


async def test_everything_else_waits_until_the_host_is_whole_and_is_then_decided(running, app):
    """Nobody is told that there is nothing where there is something a moment later, and nothing passes undecided."""
    asked = [
        asyncio.ensure_future(running.ask("GET", path, headers=headers))
        for path in ("/m/mod/closed", "/api/later", "/later", "/nothing")
        for headers in ({}, AUTHORIZED)
    ]
    async with asyncio.timeout(10):
        while len(running.server._server.connections) < len(asked):
            await asyncio.sleep(0.005)
    await running.ask("GET", "/livez")  # the requests of those connections are read by then
    assert not any(each.done() for each in asked)

    routes = HostRoutes()
    routes.add("GET", "/livez", told, PUBLIC)
    routes.add("GET", "/later", told, PUBLIC)
    routes.add("GET", "/api/later", told)
    complete(app, routes)

    assert [answer.status for answer in await asyncio.gather(*asked)] == [401, 200, 401, 200, 200, 200, 401, 404]
