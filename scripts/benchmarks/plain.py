"""Plain aiohttp with one route: python plain.py PORT [--with-joserfc]. What Nexus is measured against."""

import sys

from aiohttp import web

if "--with-joserfc" in sys.argv:
    import joserfc.jwk
    import joserfc.jwt  # noqa: F401 - its import is part of what a guarded server has to pay


async def up(_request: web.Request) -> web.Response:
    return web.json_response({"message": "up"})


application = web.Application()
application.router.add_get("/up", up)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
