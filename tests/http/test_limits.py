import asyncio
import contextlib
import gc
import sys

import pytest
from aiohttp import web

from nexus.http.host_routes import HostRoutes
from nexus.http.inflight import Inflight
from nexus.spec.access import PROTECTED, PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import PATIENCE, parse, serving, settings
from tests.http.standin import StandInHost


class Gate:
    """A handler that holds its requests until it is opened."""

    def __init__(self) -> None:
        self.entered = 0
        self.opened = asyncio.Event()
        self.cancelled = 0

    async def handler(self, request):
        self.entered += 1
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return web.Response(text="through")

    async def until(self, count):
        async with asyncio.timeout(PATIENCE):
            while self.entered < count:
                await asyncio.sleep(0.005)


def route(path, handler, access=PUBLIC, method="GET"):
    return Route(method=method, path=path, handler=handler, access=access)


async def test_a_full_host_answers_503_and_its_probes_still_answer():
    gate, routes = Gate(), HostRoutes()
    host = StandInHost(settings({"max_concurrency": 3}))
    host.add("m", route("/x", gate.handler))

    async def alive(request):
        return web.Response()

    routes.add("GET", "/livez", alive, PUBLIC, limited=False)
    async with serving(host, routes) as running:
        held = [asyncio.create_task(running.ask("GET", "/m/m/x")) for _ in range(3)]
        await gate.until(3)

        refused = await running.ask("GET", "/m/m/x")

        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert (await running.ask("GET", "/livez")).status == 200
        gate.opened.set()
        assert [(await one).status for one in held] == [200] * 3
        assert (await running.ask("GET", "/m/m/x")).status == 200


async def test_a_full_module_takes_nothing_from_another():
    gate, other = Gate(), Gate()
    other.opened.set()
    host = StandInHost(settings({"module_concurrency": 2}))
    host.add("slow", route("/x", gate.handler))
    host.add("good", route("/x", other.handler))
    async with serving(host) as running:
        held = [asyncio.create_task(running.ask("GET", "/m/slow/x")) for _ in range(2)]
        await gate.until(2)

        assert (await running.ask("GET", "/m/slow/x")).status == 503
        assert (await running.ask("GET", "/m/good/x")).status == 200
        gate.opened.set()
        await asyncio.gather(*held)


async def test_a_request_that_takes_too_long_is_answered_504_and_cancelled():
    gate = Gate()
    host = StandInHost(settings({"request_timeout": 0.1}))
    host.add("m", route("/x", gate.handler))
    async with serving(host) as running:
        answer = await running.ask("GET", "/m/m/x")

    assert answer.status == 504
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert gate.cancelled == 1


async def test_a_body_that_does_not_come_is_given_up():
    async def read(request):
        return web.Response(body=await request.read())

    host = StandInHost(settings({"request_timeout": 0.1}))
    host.add("m", route("/x", read, method="POST"))
    async with serving(host) as running:
        got = await running.raw(b"POST /m/m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", until_eof=False)

    assert got.startswith(b"HTTP/1.1 408 ")


async def test_a_stream_may_take_longer_than_the_request_timeout():
    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(4):
            await asyncio.sleep(0.2)
            await response.write(b"x")
        return response

    host = StandInHost(settings({"request_timeout": 0.5}))
    host.add("m", route("/x", stream))
    async with serving(host) as running:
        assert (await running.ask("GET", "/m/m/x")).body == b"xxxx"


@pytest.mark.parametrize("path", ["/m/m/secret", "/m/m/nothing", "/nothing"])
async def test_a_body_that_waits_for_100_continue_is_refused_before_it_is_sent(host, running, path):
    async def read(request):
        raise AssertionError

    host.add("m", route("/secret", read, PROTECTED, "POST"))

    got = await running.raw(
        f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n".encode(),
        until_eof=False,
    )

    assert got.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close" in got


async def test_100_continue_is_sent_once_the_guard_has_let_the_request_pass(host, running):
    async def read(request):
        return web.Response(body=await request.read())

    host.add("m", route("/x", read, PROTECTED, "POST"))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(
        b"POST /m/m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
        b"Authorization: Bearer good-token\r\nConnection: close\r\n\r\n"
    )

    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    assert parse(await reader.read()).body == b"abc"
    writer.close()


async def test_another_expectation_is_not_met(host, running):
    gate = Gate()
    host.add("m", route("/x", gate.handler))

    answer = await running.target("/m/m/x", headers="Expect: miracles\r\n")

    assert answer.status == 417
    assert gate.entered == 0


async def test_a_handler_that_calls_sys_exit_ends_its_request_and_nothing_else(host, running):
    async def leave(request):
        sys.exit("gone")

    gate = Gate()
    gate.opened.set()
    host.add("m", route("/exit", leave), route("/x", gate.handler))

    assert (await running.ask("GET", "/m/m/exit")).status == 500
    assert (await running.ask("GET", "/m/m/x")).status == 200


async def test_a_request_leaves_nothing_for_the_garbage_collector(host, running):
    gate = Gate()
    gate.opened.set()
    host.add("m", route("/x", gate.handler))
    gc.collect()
    before = {id(one) for one in gc.get_objects() if isinstance(one, Inflight)}
    gc.disable()
    try:
        for _ in range(5):
            await running.target("/m/m/x")
        async with asyncio.timeout(PATIENCE):
            while [one for one in gc.get_objects() if isinstance(one, Inflight) and id(one) not in before]:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


async def test_a_client_that_leaves_is_no_error(host, running, caplog):
    left = asyncio.Event()

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1000)
                await asyncio.sleep(0.005)
        finally:
            left.set()

    host.add("m", route("/x", stream))

    with contextlib.suppress(ConnectionError):
        await running.raw(b"GET /m/m/x HTTP/1.1\r\nHost: a\r\n\r\n", until_eof=False)
    async with asyncio.timeout(PATIENCE):
        await left.wait()

    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
