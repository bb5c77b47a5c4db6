"""The module under attack: whatever reaches a handler of it is counted, with what it could see."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

import nexus
from nexus.http.sse import ServerEvent, send_events


@dataclass
class Witness:
    """A module and what it has seen.

    Attributes:
        module: to run in a host.
        calls: the path of each request that reached a handler that needs a token.
        seen: the headers of the last request to any handler.
        principal: of the last request.
    """

    module: nexus.Module = field(init=False)
    calls: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    raw_seen: tuple = ()
    principal: object = None

    def note(self, request):
        self.seen = list(request.headers.items())
        self.raw_seen = request.raw_headers
        self.principal = nexus.context(request).principal

    def __post_init__(self) -> None:
        self.module = module = nexus.Module("witness", version="1.0.0")

        @module.get("/open", access=nexus.PUBLIC)
        async def open_(request):
            self.note(request)
            return web.json_response({"message": "open"})

        async def called(request):
            self.note(request)
            self.calls.append(request.path)
            return web.json_response({"message": "called"})

        module.get("/any")(called)
        module.get("/secret", permissions=["admin"])(called)
        module.get("/items/{item}", permissions=["admin"])(called)
        module.get("/files/{rest:.*}", permissions=["admin"])(called)
        module.get("/both", access=nexus.PROTECTED, permissions=["read", "write"])(called)
        module.delete("/secret", permissions=["admin"])(called)

        @module.post("/secret", permissions=["admin"])
        async def upload(request):
            self.note(request)
            self.calls.append(request.path)
            return web.json_response({"bytes": len(await request.read())})

        @module.get("/socket", permissions=["admin"])
        async def socket(request):
            self.note(request)
            self.calls.append(request.path)
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for _ in socket:
                pass
            return socket

        @module.get("/events", permissions=["admin"])
        async def events(request):
            self.note(request)
            self.calls.append(request.path)
            return await send_events(request, forever(), retry=None, keepalive=0.05)


async def forever():
    yield ServerEvent(data="first")
    await asyncio.Event().wait()
