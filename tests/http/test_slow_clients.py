"""Clients that dawdle, or come in numbers: each is bounded, and nobody else notices."""

import asyncio
import contextlib
import gc
import gzip
import socket
import weakref

import pytest
from aiohttp import web

from nexus.spec.access import PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import PATIENCE, parse, serving, settings
from tests.http.standin import StandInHost

HEAD = b"GET /m/m/x HTTP/1.1\r\nHost: localhost\r\n"
KEPT = web.RequestKey("kept", object)
REQUEST = HEAD + b"\r\n"


async def fine(request):
    return web.Response(text="fine")


def route(handler, method="GET"):
    return Route(method=method, path="/x", handler=handler, access=PUBLIC)


def host_with(handler=fine, method="GET", **server):
    host = StandInHost(settings(server))
    host.add("m", route(handler, method))
    return host


@contextlib.asynccontextmanager
async def connection(running, *, window=None):
    """Reader and writer; `window` bytes are all that the client's kernel takes before somebody reads."""
    client = socket.socket()
    if window is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", running.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=window or 2**16)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def drip(writer, data, pause=0.02):
    with contextlib.suppress(ConnectionError):
        for part in data:
            writer.write(bytes([part]) if isinstance(part, int) else part)
            await writer.drain()
            await asyncio.sleep(pause)


async def answer_on(reader):
    """One answer, whatever becomes of the connection while more is sent on it."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        return parse(head + await reader.readexactly(int(parse(head).headers["Content-Length"])))


async def end_of(reader):
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()
    return b""


async def test_a_connection_that_sends_nothing_is_closed():
    async with serving(host_with(header_timeout=0.1)) as running, connection(running) as (reader, _):
        assert await end_of(reader) == b""


@pytest.mark.parametrize("before", [b"", REQUEST], ids=["first", "kept-alive"])
async def test_a_head_that_drips_is_answered_408(before):
    async with serving(host_with(header_timeout=0.1)) as running, connection(running) as (reader, writer):
        if before:
            writer.write(before)
            await reader.readuntil(b"fine")
        dripping = asyncio.create_task(drip(writer, HEAD * 9))
        answer = await answer_on(reader)
        dripping.cancel()

    assert answer.status == 408
    assert "header_timeout" in answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


async def test_a_connection_that_is_kept_alive_may_be_silent_for_longer_than_a_head_may_take():
    async with serving(host_with(header_timeout=0.3)) as running, connection(running) as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"fine")
            await asyncio.sleep(0.5)
        assert not reader.at_eof()


async def test_a_body_that_drips_is_answered_408_and_the_handler_is_cancelled():
    cancelled = asyncio.Event()

    async def read(request):
        try:
            return web.Response(body=await request.read())
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with (
        serving(host_with(read, "POST", request_timeout=0.1)) as running,
        connection(running) as (reader, writer),
    ):
        writer.write(HEAD.replace(b"GET", b"POST") + b"Content-Length: 1000\r\n\r\n")
        dripping = asyncio.create_task(drip(writer, b"x" * 999))
        answer = await answer_on(reader)
        dripping.cancel()

    assert answer.status == 408
    assert "request_timeout" in answer.json["detail"]
    assert cancelled.is_set()


async def test_a_body_that_the_handler_leaves_unread_is_not_the_clients_fault():
    async def hold(request):
        await asyncio.sleep(9)

    async with (
        serving(host_with(hold, "POST", request_timeout=0.1, max_body_bytes=10**8)) as running,
        connection(running) as (reader, writer),
    ):
        writer.write(HEAD.replace(b"GET", b"POST") + b"Content-Length: 9000000\r\n\r\n" + b"x" * 8_000_000)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).startswith(b"HTTP/1.1 504 ")


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def open_connections(running):
    return len(running.server._server.connections)


async def whole(request):
    return web.Response(body=b"x" * 20_000_000)


async def just_below_the_buffer(request):
    """Small enough that nobody waits for it to be sent; many of them fill what the kernel takes."""
    return web.Response(body=b"x" * 60_000)


async def endless(request):
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 100_000)


@pytest.mark.parametrize("handler", [whole, just_below_the_buffer, endless], ids=lambda it: it.__name__)
async def test_a_client_that_does_not_read_its_answer_is_cut_off(handler, caplog):
    host = host_with(handler, write_timeout=0.1, keepalive_timeout=0.2)
    async with serving(host) as running, connection(running, window=4096) as (_, writer):
        writer.write(REQUEST * 200)
        await until(lambda: open_connections(running) == 1)
        await until(lambda: open_connections(running) == 0)

    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_a_client_that_reads_slowly_gets_the_whole_answer():
    async def answer(request):
        return web.Response(body=b"x" * 6_000_000)

    host = host_with(answer, write_timeout=0.5)
    async with serving(host) as running, connection(running, window=200_000) as (reader, writer):
        writer.write(HEAD + b"Connection: close\r\n\r\n")
        got = b""
        async with asyncio.timeout(PATIENCE):
            while part := await reader.read(300_000):
                got += part
                await asyncio.sleep(0.04)

    assert len(parse(got).body) == 6_000_000


async def test_one_connection_too_many_is_told_so_and_the_others_serve_on():
    async with serving(host_with(max_connections=2)) as running:
        async with connection(running) as (first, one), connection(running) as (second, two):
            for reader, writer in ((first, one), (second, two)):
                writer.write(REQUEST)
                await reader.readuntil(b"fine")

            refused = parse(await running.raw(REQUEST))

            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
            assert refused.headers["Content-Type"].startswith("application/problem+json")
            assert refused.json["request_id"] == refused.headers["X-Request-ID"]
            one.write(REQUEST)
            await first.readuntil(b"fine")
        await until(lambda: open_connections(running) == 0)
        assert (await running.ask("GET", "/m/m/x")).status == 200


async def test_a_flood_of_connections_leaves_one_line_in_the_log(caplog):
    async with (
        serving(host_with(max_connections=1, header_timeout=0.3)) as running,
        connection(running) as (reader, writer),
    ):
        writer.write(REQUEST)
        await reader.readuntil(b"fine")
        for _ in range(20):
            with contextlib.suppress(ConnectionError):
                await running.raw(REQUEST)
        await until(lambda: any("refused" in record.message for record in caplog.records))
        await asyncio.sleep(0.2)

    (told,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "global.server.max_connections" in told.message


def keeping():
    async def keep(request):
        request[KEPT] = request.match_info.route
        return web.Response(text="fine")

    return keep


async def test_an_idle_connection_keeps_no_instance_of_a_module_that_was_replaced():
    host = host_with(keeping(), header_timeout=0.3)
    old = weakref.ref(host.modules["m"].instance.routes[0].handler)
    async with serving(host) as running, connection(running) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"fine")
        del host.modules["m"]
        host.add("m", route(fine))

        await running.ask("GET", "/m/m/x")

        def is_gone():
            gc.collect()
            return old() is None

        await until(is_gone)
        assert open_connections(running) == 2


async def test_a_handlers_task_may_use_its_request_after_the_answer():
    told, later = asyncio.Event(), []

    async def answer(request):
        async def afterwards():
            await told.wait()
            return request.match_info.route.template, request.path

        later.append(asyncio.create_task(afterwards()))
        return web.Response(text="fine")

    async with serving(host_with(answer, header_timeout=0.3)) as running, connection(running) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"fine")
        await asyncio.sleep(0.5)
        told.set()
        assert await later[0] == ("/m/m/x", "/m/m/x")


async def test_a_server_that_stops_leaves_no_connection_that_nobody_reads():
    async with serving(host_with(whole)) as running, connection(running, window=4096) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        await running.server.drain(delay=0, grace=0, idle_chance=0)
        assert len(await end_of(reader)) < 20_000_000


async def test_a_body_of_no_told_length_is_bounded_also_for_a_handler_that_reads_it_piece_by_piece():
    async def read(request):
        async for _ in request.content.iter_any():
            pass
        return web.Response()

    host = host_with(read, "POST", max_body_bytes=1000, header_timeout=0.3)
    async with serving(host) as running, connection(running) as (reader, writer):
        writer.write(HEAD.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n")
        sending = asyncio.create_task(drip(writer, [b"800\r\n" + b"x" * 0x800 + b"\r\n"] * 99))
        answer = await answer_on(reader)
        sending.cancel()

    assert answer.status == 413


async def test_what_is_left_of_a_compressed_body_is_not_unpacked_after_the_answer():
    async def ignore(request):
        return web.Response(text="fine")

    bomb = gzip.compress(b"\0" * 30_000_000)
    head = HEAD.replace(b"GET", b"POST") + f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with serving(host_with(ignore, "POST", max_body_bytes=10**9)) as running:
        async with connection(running) as (reader, writer):
            writer.write(head + bomb[:-9])
            assert (await end_of(reader)).endswith(b"fine") or reader.exception()
        await until(lambda: open_connections(running) == 0)
