"""The host takes the tokens of issuers that nobody here wrote, while their keys change and while they are down."""

import asyncio
import json
from contextlib import asynccontextmanager

import jwt
import pytest
from aiohttp import web

import nexus
from nexus.testing.running_host import WAIT, running_host

from .foreign_issuer import AUDIENCE, OTHER_AUDIENCE
from .panva import OPAQUE_AUDIENCE

pytestmark = pytest.mark.issuer

COOLDOWN = 0.1  # seconds; the setting's default suits the internet, not a test


def vault() -> nexus.Module:
    """A module with one route that asks for a permission of its own."""
    module = nexus.Module("vault", version="1.0.0")

    @module.get("/secret", permissions={"read:secret"})
    async def secret(request):
        return web.json_response({"for": nexus.context(request).caller.client})

    return module


@asynccontextmanager
async def host_of(issuer, tmp_path, **auth):
    """A host that is told the issuer's name and its own audience, and finds out the rest."""
    table = {"issuer": issuer.url, "audience": AUDIENCE, "keys": {"cooldown": COOLDOWN}, **auth}
    async with running_host(vault(), state_dir=tmp_path, config={"global": {"auth": table}}) as host:
        yield host


@asynccontextmanager
async def stopped(issuer):
    """The issuer refuses connections, until the block starts it again or is left."""
    await asyncio.to_thread(issuer.stop)
    try:
        yield
    finally:
        if issuer.process is None:
            await asyncio.to_thread(issuer.start)


async def token_of(issuer, **wanted):
    return await asyncio.to_thread(issuer.token, **wanted)


async def status_with(host, token, path="/api/version"):
    return (await host.get(path, token=token)).status


async def until_status(host, token, wanted, path="/api/version"):
    """Asks until the answer has the status."""
    async with asyncio.timeout(WAIT):
        while (status := await status_with(host, token, path)) != wanted:
            assert status in {200, 401, 503}
            await asyncio.sleep(0.02)


async def test_a_token_by_client_credentials_opens_the_introspection_api(issuer, tmp_path):
    token = await token_of(issuer, scope="admin")

    async with host_of(issuer, tmp_path) as host:
        assert await status_with(host, token) == 200
        me = (await host.get("/api/me", token=token)).json()

    assert (me["issuer"], me["client"], me["permissions"]) == (issuer.url, issuer.client_id, ["admin"])


async def test_the_profile_of_the_standard_takes_them_too(issuer, tmp_path):
    token = await token_of(issuer, scope="admin")

    async with host_of(issuer, tmp_path, profile="rfc9068") as host:
        answer = await host.get("/api/version", token=token)

    # RFC 9068, section 2.2: Glewlwyd leaves a claim out that the profile demands.
    lacks = {"client_id", "iat", "jti", "sub"} - jwt.decode(token, options={"verify_signature": False}).keys()
    assert answer.status == (401 if lacks else 200), (answer.body, lacks)


async def test_a_token_for_another_audience_is_refused(issuer, tmp_path):
    token = await token_of(issuer, audience=OTHER_AUDIENCE)

    async with host_of(issuer, tmp_path) as host:
        answer = await host.get("/api/version", token=token)

    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_a_token_without_the_permission_is_told_which_one_it_lacks(issuer, tmp_path):
    token = await token_of(issuer, scope="read:secret")

    async with host_of(issuer, tmp_path) as host:
        answer = await host.get("/api/version", token=token)
        allowed = await host.get("/m/vault/secret", token=token)
        admin_only = await host.get("/m/vault/secret", token=await token_of(issuer, scope="admin"))

    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 'scope="admin"' in answer.headers["WWW-Authenticate"]
    assert (allowed.status, allowed.json()) == (200, {"for": issuer.client_id})
    assert admin_only.status == 403


async def test_without_a_token_the_challenge_names_the_metadata_and_that_names_the_issuer(issuer, tmp_path):
    async with host_of(issuer, tmp_path) as host:
        answer = await host.get("/api/version")
        metadata = (await host.get("/.well-known/oauth-protected-resource")).json()

    assert answer.status == 401
    assert "/.well-known/oauth-protected-resource" in answer.headers["WWW-Authenticate"]
    assert "error" not in answer.headers["WWW-Authenticate"]
    assert metadata["authorization_servers"] == [issuer.url]


async def test_a_tampered_token_is_refused(issuer, tmp_path):
    head, claims, signature = (await token_of(issuer)).split(".")
    other = (await token_of(issuer, scope="read:secret")).split(".")

    async with host_of(issuer, tmp_path) as host:
        for forged in (f"{head}.{claims}.{other[2]}", f"{head}.{other[1]}.{signature}", f"{head}.{claims}."):
            assert await status_with(host, forged) == 401


async def test_an_opaque_token_is_refused(panva_issuer, tmp_path):
    token = await token_of(panva_issuer, audience=OPAQUE_AUDIENCE)

    async with host_of(panva_issuer, tmp_path) as host:
        assert await status_with(host, token) == 401


async def test_an_id_token_is_no_access_token_also_where_the_audience_fits(glewlwyd_issuer, tmp_path):
    token = await asyncio.to_thread(glewlwyd_issuer.id_token)

    async with host_of(glewlwyd_issuer, tmp_path / "a") as host:
        assert await status_with(host, token) == 401
    async with host_of(
        glewlwyd_issuer, tmp_path / "b", audience=glewlwyd_issuer.client_id, permission="openid"
    ) as host:
        assert await status_with(host, token) == 401


async def test_a_key_rotated_while_the_host_runs_is_taken_up_and_the_withdrawn_one_is_refused(issuer, tmp_path):
    old, older = await token_of(issuer), await token_of(issuer, scope="admin read:secret")

    async with host_of(issuer, tmp_path) as host:
        assert await status_with(host, old) == 200
        for _ in range(2):
            await asyncio.to_thread(issuer.rotate)
            new = await token_of(issuer)

            await until_status(host, new, 200)

            # At once: the token was verified before, and another of the same key never was.
            assert await status_with(host, old) == 401
            assert await status_with(host, older) == 401
            old = new
            older = await token_of(issuer, scope="read:secret admin")


async def test_a_key_that_stays_published_after_a_rotation_stays_good(issuer, tmp_path):
    old = await token_of(issuer)

    async with host_of(issuer, tmp_path) as host:
        assert await status_with(host, old) == 200
        await asyncio.to_thread(issuer.rotate, keep_previous=True)
        await until_status(host, await token_of(issuer), 200)

        assert await status_with(host, old) == 200


async def test_while_the_issuer_is_down_its_keys_serve_on(issuer, tmp_path, caplog):
    seen, unseen = await token_of(issuer), await token_of(issuer, scope="admin read:secret")

    async with host_of(issuer, tmp_path, keys={"cooldown": COOLDOWN, "ttl": 1, "min_ttl": 1, "max_ttl": 1}) as host:
        assert await status_with(host, seen) == 200
        async with stopped(issuer):
            await host.wait_until(lambda: "could not be fetched" in caplog.text)

            assert await status_with(host, seen) == 200
            assert await status_with(host, unseen) == 200
            assert (await host.get("/readyz")).status == 200


async def test_a_host_started_with_the_issuer_down_says_so_and_recovers_by_itself(issuer, tmp_path):
    token = await token_of(issuer)
    async with stopped(issuer), host_of(issuer, tmp_path) as host:
        answer = await host.get("/api/version", token=token)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await host.get("/api/version")).status == 401
        ready = await host.get("/readyz")
        assert (ready.status, ready.json()) == (503, {"status": "fail"})
        assert (await host.get("/livez")).status == 200
        (why,) = host.host.readiness().reasons
        assert why.code == "keys_unavailable"
        assert issuer.url in why.message

        await asyncio.to_thread(issuer.start)

        await until_status(host, token, 200)
        detailed = await host.get("/readyz", token=token)
        assert (detailed.status, json.loads(detailed.body)["status"]) == (200, "pass")


async def test_a_restarted_host_serves_from_the_kept_keys_while_the_issuer_is_down(issuer, tmp_path):
    token = await token_of(issuer)
    async with host_of(issuer, tmp_path) as host:
        assert await status_with(host, token) == 200

    async with stopped(issuer), host_of(issuer, tmp_path) as host:
        assert await status_with(host, token) == 200
