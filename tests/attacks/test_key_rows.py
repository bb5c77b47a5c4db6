"""Keys, their sources and hostile issuers: rows H8, H14, C17, C32, J1 to J15."""

import asyncio
import signal
import sys

import aiohttp
import pytest
from aiohttp import web
from joserfc.jwk import RSAKey

import nexus
from nexus.testing.issuer import Issuer
from tests.auth.rows.case import attacker, signed_by
from tests.auth.rows.header_rows import published
from tests.auth.test_jwk_import import BAD
from tests.auth.test_key_attacks import HOSTILE, LIMITS, METADATA

from .stage import Stage
from .wire import head


def fresh():
    return RSAKey.import_key(attacker().as_dict(private=True), {"kid": "fresh"})


async def refuses(stage: Stage, token: str, *reasons: str, code: str = "invalid_token", fetches: bool = False) -> None:
    await stage.refuses(
        lambda target: head(target, ("Authorization", f"Bearer {token}")),
        code,
        *reasons,
        secret=token,
        fetches=fetches,
    )


@pytest.mark.parametrize("member", ["jku", "x5u"], ids=["H8-jku", "H8-x5u"])
async def test_an_address_of_keys_in_a_header_is_never_asked(stage, issuer, member):
    async with Issuer(key=fresh()) as lure:
        header = {member: lure.jwks_uri}
        await refuses(
            stage,
            signed_by(issuer, {"alg": "RS256", "kid": issuer.keys[0].kid, **header}, attacker()),
            "bad_signature",
        )
        await stage.takes(issuer.mint(permissions=["admin"], header=header))
        assert lure.requests == []


async def test_c17_a_key_of_one_issuer_proves_nothing_of_another(stage_factory, issuer, clock):
    async with Issuer(
        key=RSAKey.import_key(fresh().as_dict(private=True), {"kid": issuer.keys[0].kid}), wall=clock.wall
    ) as other:
        tables = [{"issuer": each.url, "audience": each.audience} for each in (issuer, other)]
        async with stage_factory(issuer=None, audience=None, issuers=tables) as stage:
            await stage.with_token(other.mint())
            await stage.takes(other.mint(permissions=["admin"]))
            await refuses(stage, other.mint(iss=issuer.url, permissions=["admin"]), "bad_signature")
            await refuses(stage, issuer.mint(iss=other.url, permissions=["admin"]), "bad_signature")


WEAK = [name for name in BAD if name.startswith("C32")]


@pytest.mark.parametrize("name", WEAK, ids=WEAK)
async def test_a_weak_key_is_left_out_and_costs_no_other(stage_factory, issuer, name):
    issuer.answer = published({**BAD[name], "kid": "weak"}, issuer.keys[0].as_dict(private=False))
    async with stage_factory() as stage:
        await stage.takes(issuer.mint(permissions=["admin"]))
        await refuses(stage, issuer.mint(header={"kid": "weak"}, permissions=["admin"]), "unknown_kid")


MALFORMED = [name for name in BAD if name.startswith(("J7", "J8"))]


@pytest.mark.parametrize("name", MALFORMED, ids=MALFORMED)
async def test_a_malformed_key_costs_no_other(stage_factory, issuer, name):
    issuer.answer = published(BAD[name], issuer.keys[0].as_dict(private=False))
    async with stage_factory() as stage:
        await stage.takes(issuer.mint(permissions=["admin"]))


async def test_j1_a_flood_of_unknown_kids_asks_once_and_hurts_nobody(stage, issuer, clock):
    clock.advance(31)
    before = len(issuer.requests)
    tokens = [issuer.mint(header={"kid": f"k-{n:06}"}) for n in range(60)]
    good = issuer.mint(permissions=["admin"])

    async with aiohttp.ClientSession() as session:

        async def ask(token):
            url = stage.origin + "/m/witness/secret"
            async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
                return answer.status

        answers = await asyncio.gather(*(ask(token) for token in [*tokens, good] * 10))

    assert sorted(set(answers)) == [200, 401]
    assert answers.count(200) == 10
    assert len(issuer.requests) - before <= 1


async def test_j2_bad_signatures_ask_nothing(stage, issuer, clock):
    for _ in range(10):
        clock.advance(5)
        await refuses(stage, issuer.mint(key=attacker(), permissions=["admin"]), "bad_signature")


@pytest.mark.parametrize("name", HOSTILE, ids=list(HOSTILE))
async def test_whatever_the_issuer_answers_old_keys_serve(stage_factory, issuer, clock, name):
    async with stage_factory(keys=LIMITS) as stage:
        old = issuer.mint(permissions=["admin"], ttl=3600)
        issuer.answer = HOSTILE[name]
        clock.advance(601)
        requests = len(issuer.requests)
        await stage.takes(old, "/m/witness/secret")
        await stage.host.wait_until(lambda: stage.log.events("auth.keys.failed"))
        await stage.takes(old)
        assert len(issuer.requests) > requests
        ready = await stage.get("/readyz")
        assert ready.status == 200


@pytest.mark.parametrize("name", ["J3-hangs", "J4-5-MB", "J5-redirect-to-itself", "J6-html", "J8-empty-set"])
async def test_without_keys_the_answer_is_503_and_never_401(stage_factory, issuer, name):
    issuer.answer = HOSTILE[name]
    async with stage_factory(warm=False, keys=LIMITS) as stage:
        good = issuer.mint(permissions=["admin"])
        await stage.with_token(good)
        await refuses(stage, good, code="unavailable", fetches=True)
        assert (await stage.get("/readyz")).status == 503
        assert (await stage.get("/m/witness/open")).status == 200


async def test_j9_a_withdrawn_key_is_refused_after_the_next_fetch(stage, issuer, clock):
    old = issuer.mint(permissions=["admin"], ttl=3600)
    await stage.takes(old)
    issuer.rotate(fresh(), withdraw=True)
    clock.advance(601)
    await stage.with_token(issuer.mint())

    await refuses(stage, old, "unknown_kid")
    await stage.takes(issuer.mint(permissions=["admin"]))


async def test_j9_a_signal_makes_a_running_host_drop_a_withdrawn_key(issuer, tmp_path):
    (tmp_path / "config.toml").write_text(
        f'[global.server]\nport = 0\n[global.auth]\nissuer = "{issuer.url}"\naudience = "{issuer.audience}"\n'
        "[modules.liveness]\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            port = int(await process.stdout.readline())

            async def status(token):
                url, headers = f"http://127.0.0.1:{port}/api/version", {"Authorization": f"Bearer {token}"}
                async with session.get(url, headers=headers) as answer:
                    return answer.status

            old = issuer.mint(permissions=["admin"])
            assert await status(old) == 200
            issuer.rotate(fresh(), withdraw=True)
            assert await status(old) == 200

            process.send_signal(signal.SIGHUP)

            while await status(old) != 401:
                await asyncio.sleep(0.01)
            assert await status(issuer.mint(permissions=["admin"])) == 200
    finally:
        process.terminate()
        await process.wait()
        process._transport.close()


SERVE = """
import os, sys
from pathlib import Path
from nexus.preparation import ServeOptions
from nexus.serve import run
folder = Path(sys.argv[1])
environ = {**os.environ, "NEXUS_STATE_DIR": str(folder / "state")}
started = lambda host, server: print(server.port, flush=True)
sys.exit(run(ServeOptions(files=(folder / "config.toml",)), started, environ))
"""


async def test_j10_new_material_under_the_same_kid(stage, issuer, clock):
    old, kid = issuer.mint(permissions=["admin"]), issuer.keys[0].kid
    issuer.rotate(RSAKey.import_key(attacker().as_dict(private=True), {"kid": kid}), withdraw=True)
    new = issuer.mint(permissions=["admin"], ttl=3600)
    await refuses(stage, new, "bad_signature")

    clock.advance(601)
    await stage.with_token(new)
    await stage.host.wait_until(lambda: len(stage.log.events("auth.keys.changed")) > 0)

    await stage.takes(new)
    await refuses(stage, old, "bad_signature", "expired")


async def test_j11_an_issuer_that_is_down_at_the_start_for_an_hour_and_for_a_day(stage_factory, issuer, clock):
    await issuer.stop()
    async with stage_factory(warm=False) as stage:
        await refuses(stage, issuer.mint(permissions=["admin"]), code="unavailable", fetches=True)
        await issuer.start()
        clock.advance(5)
        await stage.takes(issuer.mint(permissions=["admin"]))

        await issuer.stop()
        clock.advance(3600)
        await stage.takes(issuer.mint(permissions=["admin"]))
        clock.advance(24 * 3600)
        await refuses(stage, issuer.mint(permissions=["admin"]), code="unavailable", fetches=True)


async def test_j12_a_client_that_leaves_costs_the_others_nothing(stage_factory, issuer):
    arrived, proceed = asyncio.Event(), asyncio.Event()

    async def slowly(request):
        arrived.set()
        await proceed.wait()
        return web.json_response({"keys": [issuer.keys[0].as_dict(private=False)]})

    issuer.answer = slowly
    async with stage_factory(warm=False) as stage:
        token = issuer.mint(permissions=["admin"])
        tasks = [asyncio.create_task(stage.with_token(token)) for _ in range(10)]
        await arrived.wait()
        for task in tasks[:5]:
            task.cancel()
        await asyncio.wait(tasks[:5])
        proceed.set()
        assert [reply.status for reply in await asyncio.gather(*tasks[5:])] == [200] * 5
    assert issuer.requests.count("/jwks.json") == 1


async def test_j3_a_probe_with_a_token_does_not_wait_for_keys(stage_factory, issuer):
    """A health check that hangs while the issuer does would have a good host restarted."""
    arrived, proceed = asyncio.Event(), asyncio.Event()

    async def never(request):
        arrived.set()
        await proceed.wait()
        return web.Response()

    issuer.answer = never
    async with stage_factory(warm=False, keys={"timeout": 30}) as stage:
        await arrived.wait()
        token = issuer.mint(permissions=["admin"])
        for target in ("/livez", "/readyz"):
            with stage.untouched(token):
                assert set((await stage.with_token(token, target)).json()) == {"status"}
                assert stage.log.events("auth.keys.failed") == []  # nobody knows yet
        proceed.set()


async def test_a_module_that_holds_all_connections_keeps_nobody_from_the_keys(stage_factory, issuer, clock):
    arrived, left, module = asyncio.Event(), asyncio.Event(), nexus.Module("greedy", version="1.0.0")

    async def never_answer(reader, writer):
        arrived.set()
        while await reader.read(4096):
            pass
        writer.close()
        await writer.wait_closed()
        left.set()

    @module.get("/hold", access=nexus.PUBLIC)
    async def hold(request):
        port = silent.sockets[0].getsockname()[1]
        return web.json_response((await nexus.context(request).http.get(f"http://127.0.0.1:{port}/")).status)

    silent = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    await issuer.stop()
    async with stage_factory(module, warm=False, client={"max_connections": 1}) as stage:
        held = asyncio.create_task(stage.get("/m/greedy/hold"))
        await arrived.wait()
        await issuer.start()
        clock.advance(5)

        await stage.takes(issuer.mint(permissions=["admin"]))

        held.cancel()
    silent.close()
    await left.wait()


@pytest.mark.parametrize("jump", [86_400, -86_400], ids=["J13-forward", "J13-back"])
async def test_a_jump_of_the_system_clock_changes_no_age_of_keys(stage, issuer, clock, jump):
    requests = len(issuer.requests)
    clock.set_wall(jump)

    await stage.takes(issuer.mint(permissions=["admin"]))
    assert len(issuer.requests) == requests


@pytest.mark.parametrize("name", METADATA, ids=list(METADATA))
async def test_metadata_that_points_elsewhere_is_not_followed(stage_factory, issuer, name):
    async def answer(request):
        return web.json_response(METADATA[name](issuer))

    issuer.answer_metadata = answer
    async with stage_factory(warm=False) as stage:
        await refuses(stage, issuer.mint(permissions=["admin"]), code="unavailable", fetches=True)
    assert "/jwks.json" not in issuer.requests


async def test_j15_metadata_never_widens_the_algorithms(stage_factory, issuer):
    async def answer(request):
        supported = ["none", "HS256", "PS256"]
        return web.json_response(
            {"issuer": issuer.url, "jwks_uri": issuer.jwks_uri, "id_token_signing_alg_values_supported": supported}
        )

    issuer.answer_metadata = answer
    async with stage_factory() as stage:
        kid = issuer.keys[0].kid
        await refuses(stage, signed_by(issuer, {"alg": "PS256", "kid": kid}, issuer.keys[0]), "wrong_algorithm")
        await stage.takes(issuer.mint(permissions=["admin"]))
