"""Answers liveness probes: whoever gets the answer knows that this process serves."""

from typing import Final

from aiohttp import web

import nexus

_BODY: Final = b'{"message": "up"}'
"""Written out once: probes come often and the answer never differs."""

liveness = nexus.Module("liveness", version="1.0.0", description="Tells a probe that the process is up and serving.")


@liveness.get("/up", access=nexus.PUBLIC)
async def up(_: web.Request) -> web.Response:
    """Say that the process serves."""
    return web.Response(body=_BODY, content_type="application/json")
