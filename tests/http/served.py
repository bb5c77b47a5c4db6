"""A process that serves one module; run by tests that send signals to it."""

import asyncio
import sys
import time

from aiohttp import web

from nexus.http.application import build
from nexus.http.host_routes import HostRoutes
from nexus.http.serving import run
from nexus.spec.access import PUBLIC
from nexus.spec.route import Route
from tests.http.conftest import guard, settings
from tests.http.standin import StandInHost


class TellingHost(StandInHost):
    def begin_drain(self) -> None:
        super().begin_drain()
        say("draining")


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def quick(request: web.Request) -> web.Response:
    return web.Response(text="fine")


async def hold(request: web.Request) -> web.Response:
    say("held")
    await asyncio.sleep(60)
    return web.Response()


async def block(request: web.Request) -> web.Response:
    say("blocked")
    while True:
        time.sleep(0.01)


async def main(after_start: str) -> int:
    host = TellingHost(settings({"shutdown_grace": 20}))

    async def wait(request: web.Request) -> web.Response:
        say("waiting")
        while host.phase != "draining":
            await asyncio.sleep(0.01)
        return web.Response(text="fine")

    handlers = {"/x": quick, "/hold": hold, "/block": block, "/wait": wait}
    host.add("m", *[Route(method="GET", path=path, handler=it, access=PUBLIC) for path, it in handlers.items()])
    app = build(host, routes=HostRoutes(), guard=guard)  # type: ignore[arg-type]

    async def started(server: object) -> int | None:
        say(server.port)  # type: ignore[attr-defined]
        if after_start == "strict":
            return 3
        if after_start == "broken":
            raise RuntimeError("the start failed")
        return None

    async def reload() -> None:
        say("reloaded")
        if after_start == "bad-reload":
            raise RuntimeError("the reload failed")

    code = await run(app, host, started=started, reload=reload)  # type: ignore[arg-type]
    say(host.phase)
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "")))
