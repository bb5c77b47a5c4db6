import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from nexus.auth.refusal import Code
from nexus.auth.refusal_answers import RefusalAnswers
from nexus.http.listener import CannotListen, accept_waiting, listen
from nexus.spec.access import PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import PATIENCE, parse, serving, settings
from tests.http.standin import StandInHost
from tests.http.test_limits import Gate
from tests.http.test_streams import forever, streaming

REQUEST = b"GET /m/m/x HTTP/1.1\r\nHost: a\r\n\r\n"


def route(handler, path="/x", method="GET"):
    return Route(method=method, path=path, handler=handler, access=PUBLIC)


async def quick(request):
    await asyncio.sleep(0)
    return web.Response(text="fine")


class Client:
    """Sends one request after the other on one connection; a new one only where the server closed it as announced."""

    def __init__(self, port):
        self.port, self.answered, self.failed, self.refused = port, 0, [], False

    async def run(self):
        while not self.refused:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                self.refused = True
                return
            try:
                await self._use(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.failed.append(error)
            finally:
                writer.close()

    async def _use(self, reader, writer):
        while True:
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(4)
            if not head.startswith(b"HTTP/1.1 200 ") or body != b"fine":
                self.failed.append(head)
            self.answered += 1
            if b"Connection: close" in head:
                return


async def test_no_request_fails_while_the_host_drains_under_load(host):
    host.add("m", route(quick))
    async with serving(host) as running, asyncio.timeout(2 * PATIENCE):
        clients = [Client(running.port) for _ in range(64)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        while min(client.answered for client in clients) < 3:
            await asyncio.sleep(0.01)

        await running.server.drain(delay=0.1, grace=PATIENCE)
        await asyncio.gather(*tasks)

    assert [client.failed for client in clients if client.failed] == []
    assert all(client.refused for client in clients)


async def refused(request):
    await asyncio.sleep(0)
    return RefusalAnswers("https://nexus.example").answer(Code.MISSING, frozenset(), "one")


@pytest.mark.parametrize("handler", [quick, refused])
async def test_while_draining_every_answer_closes_its_connection_and_new_connections_are_still_served(host, handler):
    host.add("m", route(handler))
    async with serving(host) as running:
        assert "Connection" not in (await running.ask("GET", "/m/m/x")).headers
        delaying = asyncio.create_task(running.server.drain(delay=600, grace=0))
        await asyncio.sleep(0)

        assert (await running.ask("GET", "/m/m/x")).headers["Connection"] == "close"
        assert (await running.ask("GET", "/m/m/x")).headers["Connection"] == "close"
        delaying.cancel()
        await running.server.drain(delay=0, grace=0)
        with pytest.raises(aiohttp.ClientConnectorError):
            await running.ask("GET", "/m/m/x")


async def test_a_request_in_flight_is_finished_within_the_grace_period(host):
    gate = Gate()
    host.add("m", route(gate.handler))
    async with serving(host) as running:
        held = asyncio.create_task(running.ask("GET", "/m/m/x"))
        await gate.until(1)
        draining = asyncio.create_task(running.server.drain(delay=0, grace=600, idle_chance=0.05))
        await asyncio.sleep(0.1)
        assert not draining.done()

        gate.opened.set()

        assert (await held).body == b"through"
        async with asyncio.timeout(PATIENCE):
            await draining


async def test_a_body_that_is_still_coming_is_read_to_its_end_while_draining(host):
    reads = asyncio.Event()

    async def read(request):
        reads.set()
        return web.Response(body=await request.read())

    host.add("m", route(read, method="POST"))
    async with serving(host) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"POST /m/m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        await reads.wait()
        draining = asyncio.create_task(running.server.drain(delay=0, grace=600, idle_chance=0.05))
        await asyncio.sleep(0.15)

        writer.write(b"def")

        answer = parse(await reader.read())
        assert (answer.status, answer.body) == (200, b"abcdef")
        await draining
        writer.close()


async def test_what_outlives_the_grace_period_is_answered_503(host):
    gate = Gate()
    host.add("m", route(gate.handler))
    async with serving(host) as running:
        held = asyncio.create_task(running.ask("GET", "/m/m/x"))
        await gate.until(1)

        await running.server.drain(delay=0, grace=0.05)

        answer = await held
        assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert gate.cancelled == 1


async def test_a_handler_that_refuses_to_end_does_not_hold_the_drain(host, caplog):
    entered, released = asyncio.Event(), asyncio.Event()

    async def stubborn(request):
        entered.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return web.Response()

    host.add("m", route(stubborn))
    async with serving(host) as running:
        held = asyncio.create_task(running.ask("GET", "/m/m/x"))
        await entered.wait()
        async with asyncio.timeout(PATIENCE):
            await running.server.drain(delay=0, grace=0.05)
        released.set()
        with pytest.raises(aiohttp.ClientError):
            await held


async def test_event_streams_end_at_once(host):
    host.add("m", streaming(forever))
    async with serving(host) as running, running.session.get(running.url + "/m/m/events") as answer:
        await answer.content.readuntil(b"data: first\n\n")

        async with asyncio.timeout(PATIENCE):
            await running.server.drain(delay=0, grace=600)
            assert await answer.content.read() == b""


async def test_websockets_are_told_that_the_host_goes_away(host):
    async def handler(request):
        it = web.WebSocketResponse()
        await it.prepare(request)
        async for _ in it:
            pass
        return it

    host.add("m", route(handler))
    async with serving(host) as running, running.session.ws_connect(running.url + "/m/m/x") as it:
        draining = asyncio.create_task(running.server.drain(delay=0, grace=600))
        async with asyncio.timeout(PATIENCE):
            assert (await it.receive()).type is aiohttp.WSMsgType.CLOSE
            assert it.close_code == 1001
            await draining


async def test_a_finite_download_is_not_cut_off(host):
    async def download(request):
        response = web.StreamResponse(headers={"Content-Type": "application/zip"})
        await response.prepare(request)
        for _ in range(10):
            await response.write(b"x" * 10)
            await asyncio.sleep(0.02)
        return response

    host.add("m", route(download))
    async with serving(host) as running, running.session.get(running.url + "/m/m/x") as answer:
        await answer.content.readexactly(10)
        await running.server.drain(delay=0, grace=PATIENCE)
        assert len(await answer.content.read()) == 90


async def test_idle_connections_are_closed_after_their_chance(host):
    async with serving(host) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        async with asyncio.timeout(PATIENCE):
            await running.server.drain(delay=0, grace=600, idle_chance=0.05)
            assert await reader.read() == b""
        writer.close()


async def test_a_client_that_left_before_its_body_was_read_does_not_hold_the_drain(host):
    host.add("m", route(quick, method="POST"))
    async with serving(host) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"POST /m/m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nthe beginning")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()

        async with asyncio.timeout(PATIENCE):
            await running.server.drain(delay=0, grace=600)


async def test_a_port_in_use_is_one_sentence_with_a_remedy():
    [taken] = await listen("127.0.0.1", 0)
    port = taken.getsockname()[1]

    with pytest.raises(CannotListen, match=f"port {port} of 127.0.0.1 is in use: stop what listens there, or set"):
        async with serving(StandInHost(settings({"port": port}))):
            pass
    taken.close()


@pytest.mark.parametrize(
    ("address", "says"),
    [("192.0.2.1", "no address of this machine"), ("no-such-host.invalid", "is not known here")],
)
async def test_an_address_that_is_not_ours_is_one_sentence(address, says):
    with pytest.raises(CannotListen, match=says):
        await listen(address, 0)


async def test_every_address_of_a_name_listens_on_one_port():
    sockets = await listen("localhost", 0)

    assert len({one.getsockname()[1] for one in sockets}) == 1
    for one in sockets:
        one.close()


async def test_connections_that_wait_when_the_listener_closes_are_taken_over():
    [listening] = await listen("127.0.0.1", 0)
    waiting = [socket.create_connection(listening.getsockname()) for _ in range(5)]

    taken = accept_waiting(listening)

    assert len(taken) == 5
    for one in (listening, *waiting, *taken):
        one.close()


async def test_a_swapped_out_instance_is_left_when_its_last_request_is_answered(host):
    gate = Gate()
    host.add("m", route(gate.handler), streaming(forever))
    host.add("other", route(gate.handler))
    async with serving(host) as running:
        old = host.modules["m"].instance
        held = asyncio.create_task(running.ask("GET", "/m/m/x"))
        stream = asyncio.create_task(running.ask("GET", "/m/m/events"))
        elsewhere = asyncio.create_task(running.ask("GET", "/m/other/x"))
        await gate.until(2)
        host.add("m", route(quick))

        [leave] = host.drains
        leaving = asyncio.create_task(leave(old))
        async with asyncio.timeout(PATIENCE):
            assert (await stream).status == 200
        assert (await running.ask("GET", "/m/m/x")).body == b"fine"
        assert not leaving.done()
        held_elsewhere_too = not elsewhere.done()
        gate.opened.set()

        async with asyncio.timeout(PATIENCE):
            await leaving
        assert held_elsewhere_too
        assert (await held).body == (await elsewhere).body == b"through"
