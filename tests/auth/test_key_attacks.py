"""Attacks by way of the key set and the metadata; ids are rows J1 to J17 of the attack list.

J16 (a key set shared through Redis) does not apply: keys are never shared between hosts. J17 (addresses of private
networks) is the network's to enforce: keys are only fetched from the configured address or the issuer's own host.
"""

import asyncio
import gzip
import json
import logging
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from nexus.auth.refusal import KeysUnavailable, Reason, Refusal
from nexus.testing.issuer import Issuer

from .rows.case import b64, claims_of, header_of

_log = logging.getLogger("nexus.tests")
LIMITS = {"timeout": 1.0, "max_bytes": 16_384, "max_keys": 10}


def respond(body=b"", *, status=200, content_type="application/json", **headers):
    async def answer(request):
        return web.Response(body=body, status=status, content_type=content_type, headers=headers)

    return answer


def respond_json(value):
    return respond(json.dumps(value).encode())


async def drip(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(1000):
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response


async def endless(request):
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"[" * 65_536)


async def hang(request):
    await asyncio.sleep(10)


async def to_itself(request):
    raise web.HTTPFound(request.path)


async def to_metadata_service(request):
    raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")


BOMB = gzip.compress(b"[" * 20_000_000)
TEN_THOUSAND = json.dumps({"keys": [{"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(10_000)]})

HOSTILE = {
    "J3-byte-by-byte": drip,
    "J3-hangs": hang,
    "J4-10000-keys": respond(TEN_THOUSAND.encode()),
    "J4-11-keys": respond_json({"keys": [{"kty": "oct", "k": "AA"}] * 11}),
    "J4-5-MB": respond(b" " * 5_000_000),
    "J4-endless": endless,
    "J4-gzip-bomb": respond(BOMB, **{"Content-Encoding": "gzip"}),
    "J4-false-gzip": respond(b"{}", **{"Content-Encoding": "gzip"}),
    "J5-redirect-to-itself": to_itself,
    "J5-redirect-to-metadata-service": to_metadata_service,
    "J5-not-modified": respond(status=304),
    "J6-html": respond(b"<html></html>", content_type="text/html"),
    "J6-status-500": respond(b"{}", status=500),
    "J6-status-404": respond(b"{}", status=404),
    "J6-status-204": respond(status=204),
    "J6-list": respond_json([]),
    "J6-keys-object": respond_json({"keys": {}}),
    "J6-keys-null": respond_json({"keys": None}),
    "J6-null": respond_json(None),
    "J6-deep": respond(b"[" * 10_000),
    "J6-duplicate-members": respond(b'{"keys":[],"keys":[]}'),
    "J6-empty-body": respond(b""),
    "J6-utf-16": respond('{"keys":[]}'.encode("utf-16")),
    "J8-empty-set": respond_json({"keys": []}),
    "J8-symmetric-only": respond_json({"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}),
    "J8-nothing-but-malformed": respond_json({"keys": [1, None, {}, [], "x"]}),
}


@pytest.fixture
def good_answer(issuer):
    return respond_json({"keys": [key.as_dict(private=False) for key in issuer.keys]})


@asynccontextmanager
async def heartbeat():
    """Measures the longest time that the loop was blocked."""
    stalls = []

    async def beat():
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - before - 0.001)

    task = asyncio.get_running_loop().create_task(beat())
    try:
        yield stalls
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=list(HOSTILE))
async def test_old_keys_serve_through_any_answer_and_new_ones_after_it(
    authenticator_factory, issuer, key_factory, clock, answer
):
    async with authenticator_factory(issuer.settings(keys=LIMITS)) as authenticator:
        old = issuer.mint()
        await authenticator.authenticate(old)
        issuer.rotate(key_factory(), withdraw=True)
        issuer.answer = answer

        async with heartbeat() as stalls:
            (status,) = await authenticator.reload_keys()
        _log.info("the loop stalled for %.1f ms at most", max(stalls, default=0) * 1000)

        assert (status.level, status.keys) == ("warn", 1)
        assert await authenticator.authenticate(old)
        assert await authenticator.verifier.verify(old)

        issuer.answer = None
        await authenticator.reload_keys()
        assert await authenticator.authenticate(issuer.mint())
        with pytest.raises(Refusal):
            await authenticator.authenticate(old)


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=list(HOSTILE))
async def test_without_old_keys_nothing_is_decided(authenticator_factory, issuer, answer):
    issuer.answer = answer
    async with authenticator_factory(issuer.settings(keys=LIMITS)) as authenticator:
        with pytest.raises(KeysUnavailable) as caught:
            await authenticator.authenticate(issuer.mint())

        assert 1 <= caught.value.retry_after <= 2
        (status,) = authenticator.status()
        assert not status.ok
        assert status.last_error


WIDE = {
    "J4-empty-objects": b"[" + b"{}," * 80_000 + b"1]",
    "J4-small-keys": b'{"keys":[' + b'{"kty":"RSA"},' * 18_000 + b"1]}",
    "J4-numbers": b"[" + b"1e5," * 60_000 + b"1]",
    "J4-nested-objects": b'{"a":' * 50_000,
    "J4-string-without-end": b"[" * 17 + b'"' + b'\\"' * 130_000,
}


@pytest.mark.parametrize("body", WIDE.values(), ids=list(WIDE))
async def test_j4_the_widest_documents_within_bounds_do_not_stall_the_loop(authenticator, issuer, body):
    await authenticator.authenticate(issuer.mint())
    issuer.answer = respond(body)

    async with heartbeat() as stalls:
        (status,) = await authenticator.reload_keys()

    _log.info("the loop stalled for %.1f ms at most", max(stalls, default=0) * 1000)
    assert status.level == "warn"


async def test_j1_unknown_kids_cause_one_fetch_in_30_seconds(authenticator, issuer, clock):
    good = issuer.mint()
    await authenticator.authenticate(good)
    fetches = issuer.fetches

    claims = claims_of(good)
    for round_ in range(2):
        for start in range(0, 10_000, 500):
            headers = [header_of(issuer, kid=f"{round_}-{n}") for n in range(start, start + 500)]
            # Nothing but the key id is looked at, so no signature is needed.
            tokens = [f"{b64(json.dumps(header).encode())}.{claims}.AAAA" for header in headers]
            results = await asyncio.gather(*(authenticator.authenticate(t) for t in tokens), return_exceptions=True)
            assert {result.reason for result in results} == {Reason.UNKNOWN_KID}
        assert issuer.fetches == fetches + round_
        assert await authenticator.authenticate(good)
        clock.advance(31)


async def test_j1_what_is_remembered_of_unknown_kids_is_bounded(authenticator_factory, issuer, clock):
    async with authenticator_factory(issuer.settings(keys={"negative_entries": 8, "cooldown": 1})) as authenticator:
        await authenticator.authenticate(issuer.mint())
        (trusted,) = authenticator.trusted
        for n in range(3):
            clock.advance(2)
            tokens = [issuer.mint(header={"kid": f"{n}-{k}"}) for k in range(40)]
            await asyncio.gather(*(authenticator.authenticate(token) for token in tokens), return_exceptions=True)
            assert 1 <= len(trusted.keys._absent) <= 8


async def test_j2_bad_signatures_cause_no_fetch(authenticator, issuer, key_factory, clock):
    await authenticator.authenticate(issuer.mint())
    fetches = issuer.fetches
    forged = issuer.mint(key=key_factory())

    for _ in range(20):
        clock.advance(5)
        with pytest.raises(Refusal, match="bad_signature"):
            await authenticator.authenticate(forged)

    assert issuer.fetches == fetches


async def test_j9_a_withdrawn_key_is_refused_after_the_next_fetch(authenticator, issuer, key_factory, clock):
    old = issuer.mint(ttl=3600)
    await authenticator.authenticate(old)
    issuer.rotate(key_factory(), withdraw=True)
    assert authenticator.cached(old)

    clock.advance(600)
    await authenticator.authenticate(issuer.mint(header={"kid": issuer.keys[0].kid}))

    with pytest.raises(Refusal, match="unknown_kid"):
        await authenticator.authenticate(old)


async def test_j9_a_withdrawn_key_is_refused_at_once_after_a_reload(authenticator, issuer, key_factory):
    old = issuer.mint()
    await authenticator.authenticate(old)
    issuer.rotate(key_factory(), withdraw=True)

    await authenticator.reload_keys()

    assert authenticator.cached(old) is None
    with pytest.raises(Refusal, match="unknown_kid"):
        await authenticator.authenticate(old)


async def test_j10_new_key_under_the_same_kid(authenticator, issuer, key_factory):
    old = issuer.mint()
    await authenticator.authenticate(old)
    kid = issuer.keys[0].kid
    issuer.rotate(key_factory(kid=kid), withdraw=True)
    new = issuer.mint()

    with pytest.raises(Refusal, match="bad_signature"):
        await authenticator.authenticate(new)
    await authenticator.reload_keys()

    assert await authenticator.authenticate(new)
    with pytest.raises(Refusal, match="bad_signature"):
        await authenticator.authenticate(old)


async def test_j11_an_issuer_that_is_down_for_an_hour_and_for_a_day(authenticator, issuer, clock):
    await authenticator.authenticate(issuer.mint())
    await issuer.stop()

    clock.advance(3600)
    assert await authenticator.authenticate(issuer.mint())
    clock.advance(22 * 3600)
    assert await authenticator.authenticate(issuer.mint())
    assert authenticator.status()[0].level == "warn"
    clock.advance(2 * 3600)
    with pytest.raises(KeysUnavailable):
        await authenticator.authenticate(issuer.mint())

    await issuer.start()
    clock.advance(61 * 1.2)
    assert await authenticator.authenticate(issuer.mint())


async def test_j11_a_good_token_of_a_new_key_is_not_refused_while_the_issuer_is_down(
    authenticator, issuer, key_factory, clock
):
    """Nobody can tell whether its key is real; 401 would make the client throw a good token away."""
    await authenticator.authenticate(issuer.mint())
    await issuer.stop()
    issuer.rotate(key_factory())
    clock.advance(31)

    with pytest.raises(KeysUnavailable):
        await authenticator.authenticate(issuer.mint())


async def test_j12_a_caller_that_goes_away_costs_the_others_nothing(authenticator_factory, issuer):
    arrived, proceed = asyncio.Event(), asyncio.Event()

    async def slowly(request):
        arrived.set()
        await proceed.wait()
        return web.json_response({"keys": [issuer.keys[0].as_dict(private=False)]})

    issuer.answer = slowly
    async with authenticator_factory(issuer.settings()) as authenticator:
        loop = asyncio.get_running_loop()
        first, *others = (loop.create_task(authenticator.authenticate(issuer.mint())) for _ in range(5))
        await arrived.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        proceed.set()

        assert len(await asyncio.gather(*others)) == 4
    assert issuer.fetches == 1


@pytest.mark.parametrize("jump", [86_400, -86_400], ids=["J13-forward", "J13-back"])
async def test_j13_a_jump_of_the_system_clock_changes_no_age_of_keys(authenticator, issuer, clock, jump):
    await authenticator.authenticate(issuer.mint())
    fetches = issuer.fetches

    clock.set_wall(jump)

    assert await authenticator.authenticate(issuer.mint())
    assert issuer.fetches == fetches


METADATA = {
    "J14-other-issuer": lambda issuer: {"issuer": issuer.url + "/", "jwks_uri": issuer.jwks_uri},
    "J14-no-issuer": lambda issuer: {"jwks_uri": issuer.jwks_uri},
    "J14-http": lambda issuer: {"issuer": issuer.url, "jwks_uri": "http://keys.example/jwks.json"},
    "J14-other-host": lambda issuer: {"issuer": issuer.url, "jwks_uri": "https://keys.example/jwks.json"},
    "J14-other-port": lambda issuer: {"issuer": issuer.url, "jwks_uri": "http://127.0.0.1:1/jwks.json"},
    "J14-other-name-of-it": lambda issuer: {
        "issuer": issuer.url,
        "jwks_uri": issuer.jwks_uri.replace("127.0.0.1", "localhost"),
    },
    "J14-userinfo": lambda issuer: {"issuer": issuer.url, "jwks_uri": issuer.jwks_uri.replace("//", "//a:b@")},
    "J14-file": lambda issuer: {"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"},
    "J14-number": lambda issuer: {"issuer": issuer.url, "jwks_uri": 1},
    "J14-missing": lambda issuer: {"issuer": issuer.url},
    "J14-huge": lambda issuer: {"issuer": issuer.url, "jwks_uri": issuer.jwks_uri, "x": "x" * 300_000},
    "J14-list": lambda _: [],
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=list(METADATA))
async def test_j14_metadata_that_points_elsewhere(authenticator_factory, issuer, monkeypatch, metadata):
    async def answer(request):
        return web.json_response(metadata(issuer))

    monkeypatch.setattr(issuer, "answer_metadata", answer)
    async with authenticator_factory(issuer.settings()) as authenticator:
        with pytest.raises(KeysUnavailable):
            await authenticator.authenticate(issuer.mint())
    assert issuer.fetches == 0


async def test_j14_a_host_that_the_settings_name_may_hold_the_keys(authenticator_factory, issuer, monkeypatch):
    async def answer(request):
        address = issuer.jwks_uri.replace("127.0.0.1", "localhost")
        return web.json_response({"issuer": issuer.url, "jwks_uri": address})

    monkeypatch.setattr(issuer, "answer_metadata", answer)
    async with authenticator_factory(issuer.settings(jwks_hosts=["localhost"])) as authenticator:
        assert await authenticator.authenticate(issuer.mint())


async def test_j15_metadata_never_widens_the_algorithms(authenticator_factory, issuer, monkeypatch):
    async def answer(request):
        return web.json_response(
            {
                "issuer": issuer.url,
                "jwks_uri": issuer.jwks_uri,
                "id_token_signing_alg_values_supported": ["none", "HS256", "PS256"],
            }
        )

    monkeypatch.setattr(issuer, "answer_metadata", answer)
    async with authenticator_factory(issuer.settings()) as authenticator:
        assert await authenticator.authenticate(issuer.mint())
        with pytest.raises(Refusal, match="wrong_algorithm"):
            await authenticator.authenticate(issuer.mint(header={"alg": "PS256"}))


async def test_c17_a_key_of_one_issuer_proves_nothing_of_another(authenticator_factory, issuer, key_factory, clock):
    async with Issuer(key=key_factory(kid=issuer.keys[0].kid), wall=clock.wall) as other:
        tables = [{"issuer": each.url, "audience": each.audience} for each in (issuer, other)]
        settings = type(issuer.settings()).model_validate({"issuers": tables})
        async with authenticator_factory(settings) as authenticator:
            assert (await authenticator.authenticate(other.mint())).issuer == other.url
            assert (await authenticator.authenticate(issuer.mint())).issuer == issuer.url
            with pytest.raises(Refusal, match="bad_signature"):
                await authenticator.authenticate(other.mint(iss=issuer.url))
            assert authenticator.issuers == (issuer.url, other.url)
