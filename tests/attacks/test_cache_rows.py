"""Verified tokens that are remembered: rows C29, C30 and K1 to K6."""

import pytest

from nexus.auth.claims_cache import ClaimsCache
from tests.auth.rows.case import attacker

from .test_key_rows import fresh, refuses


@pytest.fixture
def caches(monkeypatch):
    """The caches of the hosts of a test."""
    made, begin = [], ClaimsCache.__init__

    def note(self, *counters, **arguments):
        begin(self, *counters, **arguments)
        made.append(self)

    monkeypatch.setattr(ClaimsCache, "__init__", note)
    return made


async def test_c30_a_token_may_be_used_again(stage, issuer):
    token = issuer.mint(permissions=["admin"])
    for _ in range(3):
        await stage.takes(token)


async def test_k1_another_spelling_of_a_remembered_token_is_another_token(stage, issuer):
    token = issuer.mint(permissions=["admin"])
    await stage.takes(token)

    for other in (token + "=", token[:-4], token + "AAAA", token.swapcase()):
        await refuses(stage, other)


async def test_k1_another_issuers_host_does_not_know_it(stage_factory, issuer):
    token = issuer.mint(permissions=["admin"])
    async with stage_factory() as one, stage_factory(audience="https://other.example") as other:
        await one.takes(token)
        await refuses(other, token, "wrong_audience")


async def test_k2_a_token_runs_out_while_it_is_remembered(stage, issuer, clock):
    token = issuer.mint(permissions=["admin"], ttl=60)
    await stage.takes(token)
    clock.advance(89)
    await stage.takes(token)
    clock.advance(1)

    await refuses(stage, token, "expired")


async def test_k3_a_withdrawn_key_takes_what_is_remembered_along(stage, issuer, clock):
    token = issuer.mint(permissions=["admin"], ttl=3600)
    await stage.takes(token)
    issuer.rotate(fresh(), withdraw=True)
    clock.advance(601)
    await stage.with_token(issuer.mint())

    await refuses(stage, token, "unknown_kid")


async def test_k4_what_a_module_gets_cannot_be_changed(stage, issuer):
    token = issuer.mint(permissions=["read"])
    await stage.with_token(token, "/m/witness/any")

    with pytest.raises(AttributeError):
        stage.witness.principal.permissions = frozenset({"admin"})

    await refuses(stage, token, "lacks_permission", code="insufficient_scope")


async def test_k5_many_tokens_take_bounded_room(stage_factory, issuer, caches):
    async with stage_factory(cache_entries=5) as stage:
        for _ in range(20):
            await stage.takes(issuer.mint(permissions=["admin"]), "/m/witness/secret")
        (cache,) = caches
        assert len(cache) == 5


async def test_k5_refusals_are_not_remembered(caches, stage, issuer):
    (cache,) = caches
    remembered = len(cache)

    await refuses(stage, issuer.mint(key=attacker(), permissions=["admin"]), "bad_signature")
    await refuses(stage, issuer.mint(aud="x", permissions=["admin"]), "wrong_audience")

    assert len(cache) == remembered


async def test_k6_an_outage_is_not_remembered_as_a_refusal(stage_factory, issuer, clock):
    await issuer.stop()
    token = issuer.mint(permissions=["admin"])
    async with stage_factory(warm=False) as stage:
        await refuses(stage, token, code="unavailable", fetches=True)
        await issuer.start()
        clock.advance(5)
        await stage.takes(token)


async def test_c29_who_acts_for_the_subject_is_in_the_audit_log_each_time(stage, issuer):
    token = issuer.mint(permissions=["admin"], act={"sub": "robot", "permissions": ["more"]})
    for _ in range(2):
        await stage.takes(token, "/api/version")
        (line,) = stage.log.events("audit")
        assert (line.subject, line.actor) == ("tester", "robot")
