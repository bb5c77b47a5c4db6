"""Attacks by the header that are more than one token (H6, H8); the others are in `rows/header_rows.py`."""

import pytest
from aiohttp import web

from .rows.case import attacker, signed_by


@pytest.mark.parametrize("algorithms", [[], ["none"], ["HS256"], ["RS256", "HS512"]], ids=lambda a: f"H6-{a}")
def test_h6_algorithms_that_are_no_choice_are_refused_in_the_settings(issuer, algorithms):
    with pytest.raises(ValueError, match="algorithms"):
        issuer.settings(algorithms=algorithms)


@pytest.mark.parametrize("member", ["jku", "x5u"], ids=["H8-jku", "H8-x5u"])
async def test_h8_address_of_keys_in_the_header(authenticator, issuer, aiohttp_server, member):
    hits = []

    async def serve(request):
        hits.append(request.path)
        return web.json_response({"keys": [attacker().as_dict(private=False)]})

    app = web.Application()
    app.router.add_get("/keys", serve)
    server = await aiohttp_server(app)
    header = {member: str(server.make_url("/keys"))}

    with pytest.raises(Exception, match="bad_signature"):
        await authenticator.authenticate(
            signed_by(issuer, {"alg": "RS256", "kid": issuer.keys[0].kid, **header}, attacker())
        )
    assert await authenticator.authenticate(issuer.mint(header=header))
    assert hits == []
