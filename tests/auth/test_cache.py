"""Verified claims in the cache: bounded, and never another decision than without it; K1 to K6 of the attack list."""

import asyncio
import dataclasses
import tracemalloc

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from nexus.auth.authenticator import Authenticator
from nexus.auth.refusal import KeysUnavailable, Refusal
from nexus.testing.issuer import ABSENT, Issuer

from .effort import examples


async def test_k1_another_spelling_of_a_token_is_another_token(authenticator, issuer):
    token = issuer.mint()
    await authenticator.authenticate(token)

    for other in (token + "=", token[:-1], token + "A", token.swapcase(), token + "\0", token + "\udce9", ""):
        assert authenticator.cached(other) is None


async def test_k1_the_same_token_means_nothing_to_other_settings(authenticator_factory, issuer, tmp_path):
    token = issuer.mint()
    async with (
        authenticator_factory(issuer.settings(), state_dir=tmp_path / "a") as one,
        authenticator_factory(issuer.settings(audience="https://other"), state_dir=tmp_path / "b") as other,
    ):
        await one.authenticate(token)
        with pytest.raises(Refusal, match="wrong_audience"):
            await other.authenticate(token)


async def test_k2_a_token_runs_out_while_it_is_cached(authenticator, issuer, clock):
    token = issuer.mint(ttl=60)
    await authenticator.authenticate(token)

    clock.advance(89)
    assert authenticator.cached(token)
    clock.advance(1)
    assert authenticator.cached(token) is None
    with pytest.raises(Refusal, match="expired"):
        await authenticator.authenticate(token)


async def test_k2_a_clock_that_is_set_back_takes_a_cached_token_back(authenticator, issuer, clock):
    token = issuer.mint()
    await authenticator.authenticate(token)

    clock.set_wall(-31)

    with pytest.raises(Refusal, match="issued_in_future"):
        await authenticator.authenticate(token)


async def test_k3_a_reload_forgets_all(authenticator, issuer):
    token = issuer.mint()
    await authenticator.authenticate(token)

    await authenticator.reload_keys()

    assert authenticator.cached(token) is None


async def test_k4_a_cached_principal_cannot_be_changed(authenticator, issuer):
    principal = await authenticator.authenticate(issuer.mint(permissions=["read"]))

    with pytest.raises(dataclasses.FrozenInstanceError):
        principal.permissions = frozenset({"admin"})
    with pytest.raises(AttributeError):
        principal.permissions.add("admin")


async def test_k5_the_cache_is_bounded_and_forgets_the_least_used(authenticator_factory, issuer):
    async with authenticator_factory(issuer.settings(cache_entries=3)) as authenticator:
        first, *others = (issuer.mint() for _ in range(6))
        await authenticator.authenticate(first)
        for token in others:
            await authenticator.authenticate(token)
            assert authenticator.cached(first)
            assert len(authenticator._cache) <= 3

        assert [bool(authenticator.cached(token)) for token in others] == [False, False, False, True, True]


async def test_k5_without_room_nothing_is_kept(authenticator_factory, issuer):
    async with authenticator_factory(issuer.settings(cache_entries=0)) as authenticator:
        token = issuer.mint()
        assert await authenticator.authenticate(token) == await authenticator.authenticate(token)
        assert authenticator.counters.verified == 2


async def test_k5_refusals_leave_nothing_behind(authenticator, issuer):
    """Neither garbage nor forged tokens take memory."""
    await authenticator.authenticate(issuer.mint())
    header, payload, _ = issuer.mint().split(".")

    async def flood(count):
        for n in range(count):
            for token in (f"garbage-{n}", f"{header}.{payload}.{n:08d}"):
                with pytest.raises(Refusal):
                    await authenticator.authenticate(token)

    await flood(50)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await flood(500)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 100_000
    assert len(authenticator._cache) == 1


async def test_k6_an_outage_is_not_kept_as_a_refusal(authenticator_factory, issuer, clock):
    await issuer.stop()
    token = issuer.mint()
    async with authenticator_factory(issuer.settings()) as authenticator:
        with pytest.raises(KeysUnavailable):
            await authenticator.authenticate(token)
        await issuer.start()
        clock.advance(2)
        assert await authenticator.authenticate(token)


KEYS = [RSAKey.generate_key(2048) for _ in range(3)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("token"), st.integers(0, 7)),
        st.tuples(st.just("wall"), st.sampled_from([-100_000, -301, -31, -1, 1, 29, 31, 301, 3600, 100_000])),
        st.tuples(st.just("time"), st.sampled_from([1, 31, 601, 601, 2100])),
        st.tuples(st.just("rotate"), st.integers(0, 2)),
        st.tuples(st.just("withdraw"), st.integers(0, 2)),
        st.tuples(st.just("reload"), st.none()),
        st.tuples(st.just("down"), st.booleans()),
    ),
    max_size=30,
)


class Clocks:
    def __init__(self):
        self.wall_time, self.ticks = 1_800_000_000.0, 5000.0

    def wall(self):
        return self.wall_time

    def monotonic(self):
        return self.ticks


def mint_samples(issuer, now):
    """Tokens of different keys and spans; some are refused always, some now and then."""
    spans = [(0, 300), (0, 3600), (-100, 10), (200, 3000), (-90_000, 60)]
    samples = [
        issuer.mint(
            iat=now + start, nbf=now + start, exp=now + start + length, key=KEYS[n % 3], header={"kid": f"k{n % 3}"}
        )
        for n, (start, length) in enumerate(spans)
    ]
    return [
        *samples,
        issuer.mint(iat=ABSENT, exp=now + 86_000, key=KEYS[0], header={"kid": "k0"}),
        issuer.mint(iat=now, exp=now + 300, key=KEYS[0], header={"kid": "k9"}),
        issuer.mint(iat=now, exp=now + 300, key=KEYS[1], header={"kid": "k0"}),
    ]


def spawn(name, coro):
    return asyncio.get_running_loop().create_task(coro, name=name)


async def decision_of(awaitable):
    try:
        return await awaitable
    except Refusal as refusal:
        return refusal.reason
    except KeysUnavailable:
        return "unavailable"


async def settle(authenticator):
    (trusted,) = authenticator.trusted
    while trusted.keys._flight is not None:
        await asyncio.wait([trusted.keys._flight])


async def play(steps, state_dir):
    clocks = Clocks()
    keys = [RSAKey.import_key(key.as_dict(private=True), {"kid": f"k{n}"}) for n, key in enumerate(KEYS)]
    async with aiohttp.ClientSession() as session, Issuer(key=keys[0], wall=clocks.wall) as issuer:
        authenticator = Authenticator(
            issuer.settings(jwks_uri=issuer.jwks_uri, cache_entries=6, keys={"max_stale": 2000}),
            state_dir=state_dir,
            session=session,
            spawn=spawn,
            wall=clocks.wall,
            monotonic=clocks.monotonic,
        )
        async with authenticator:
            tokens = mint_samples(issuer, clocks.wall_time)
            issuer.keys = keys
            await authenticator.reload_keys()
            for token in tokens:
                await agree(authenticator, token)
            for step, value in steps:
                if step == "token":
                    await agree(authenticator, tokens[value])
                elif step == "wall":
                    clocks.wall_time += value
                elif step == "time":
                    clocks.wall_time += value
                    clocks.ticks += value
                elif step == "rotate":
                    issuer.keys = [*[key for key in issuer.keys if key is not keys[value]], keys[value]]
                elif step == "withdraw":
                    issuer.keys = [key for key in issuer.keys if key is not keys[value]] or [keys[value]]
                elif step == "reload":
                    await authenticator.reload_keys()
                else:
                    await (issuer.stop() if value else issuer.start() if issuer._runner is None else asyncio.sleep(0))
            for token in tokens:
                await agree(authenticator, token)


async def agree(authenticator, token):
    """Whenever the cache speaks, the verifier says the same; and so it is from outside."""
    for _ in range(2):
        await settle(authenticator)
        cached = authenticator.cached(token)
        without = await decision_of(as_principal(authenticator.verifier.verify(token)))
        assert cached is None or cached == without
        await settle(authenticator)
        with_cache = await decision_of(authenticator.authenticate(token))
    await settle(authenticator)
    assert with_cache == await decision_of(as_principal(authenticator.verifier.verify(token)))


async def as_principal(verification):
    return (await verification).principal


@examples(15)
@given(STEPS)
@example([("down", True), ("time", 2100)])
@example([("withdraw", 0), ("time", 601)])
@example([("wall", 301)])
@example([("wall", -31)])
def test_the_cache_never_changes_a_decision(tmp_path_factory, steps):
    asyncio.run(play(steps, tmp_path_factory.mktemp("state")))
