import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from nexus.http.keys import INFLIGHT
from nexus.http.sse import ServerEvent, send_events
from nexus.spec.access import PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import PATIENCE


async def forever():
    yield ServerEvent(data="first", id="1", event="state")
    await asyncio.Event().wait()


def streaming(events, **kwargs):
    async def handler(request):
        return await send_events(request, events(), **kwargs)

    return Route(method="GET", path="/events", handler=handler, access=PUBLIC)


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        (ServerEvent(data="a"), b"data: a\n\n"),
        (ServerEvent(data="a\nb\r\nc\rd"), b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        (ServerEvent(data="", event="x\ny", id="1\r\ndata: forged"), b"event: x y\nid: 1 data: forged\ndata: \n\n"),
        (ServerEvent(data="é\udce9"), "data: é?\n\n".encode()),
    ],
)
def test_an_event_is_one_event_whatever_it_holds(event, sent):
    assert event.encoded() == sent


async def test_events_are_sent_as_they_come_until_they_end(host, running):
    async def two():
        yield ServerEvent(data="1")
        yield ServerEvent(data="2")

    host.add("m", streaming(two, retry=2.5))

    answer = await running.ask("GET", "/m/m/events")

    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-ID"]
    assert answer.body == b"retry: 2500\n\ndata: 1\n\ndata: 2\n\n"


async def test_silence_is_filled_with_comments(host, running):
    host.add("m", streaming(forever, retry=None, keepalive=0.02))

    async with running.session.get(running.url + "/m/m/events") as answer, asyncio.timeout(PATIENCE):
        assert await answer.content.readuntil(b":\n\n:\n\n") == b"event: state\nid: 1\ndata: first\n\n:\n\n:\n\n"


async def test_a_client_that_leaves_ends_its_stream_without_an_error(host, running, caplog):
    closed = asyncio.Event()

    async def source():
        try:
            yield ServerEvent(data="1")
            await asyncio.Event().wait()
        finally:
            closed.set()

    host.add("m", streaming(source, keepalive=0.01))

    async with running.session.get(running.url + "/m/m/events") as answer:
        await answer.content.readuntil(b"data: 1\n\n")
        answer.close()
    async with asyncio.timeout(PATIENCE):
        await closed.wait()

    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]


async def test_head_of_a_stream_ends_with_its_head(host, running):
    host.add("m", streaming(forever))

    async with asyncio.timeout(PATIENCE):
        assert (await running.ask("HEAD", "/m/m/events")).body == b""


async def test_a_stream_ends_when_its_callers_token_does(host, running):
    async def handler(request):
        request[INFLIGHT].expires_at = datetime.now(UTC) + timedelta(seconds=0.5)
        return await send_events(request, forever())

    host.add("m", Route(method="GET", path="/events", handler=handler, access=PUBLIC))

    async with asyncio.timeout(PATIENCE):
        answer = await running.ask("GET", "/m/m/events")

    assert answer.body.endswith(b"data: first\n\n")


async def test_a_websocket_is_closed_when_its_callers_token_ends(host, running):
    async def handler(request):
        request[INFLIGHT].expires_at = datetime.now(UTC) + timedelta(seconds=0.5)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    host.add("m", Route(method="GET", path="/socket", handler=handler, access=PUBLIC))

    async with running.session.ws_connect(running.url + "/m/m/socket") as socket, asyncio.timeout(PATIENCE):
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4401
