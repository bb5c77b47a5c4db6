"""Modules share the connections of one HTTP client, and none can take it from the others."""

from aiohttp import web

import nexus


def calling(name: str) -> nexus.Module:
    """A module that calls its host, and one of whose handlers closes the client it was given."""
    module = nexus.Module(name, version="1.0.0")

    @module.get("/call", access=nexus.PUBLIC)
    async def call(request):
        url = request.url.with_path("/livez")
        async with nexus.context(request).http.get(url) as answer:
            return web.json_response({"status": answer.status})

    @module.get("/close", access=nexus.PUBLIC)
    async def close(request):
        async with nexus.context(request).http:
            return web.Response()

    return module


async def test_a_module_that_closes_the_client_closes_it_for_itself_alone(nexus_host):
    host = await nexus_host(calling("one"), calling("other"))
    assert (await host.get("/m/one/call")).status == 200

    assert (await host.get("/m/one/close")).status == 200

    assert (await host.get("/m/one/call")).status == 500
    assert (await host.get("/m/other/call")).json() == {"status": 200}
    assert not host.host.session.closed
