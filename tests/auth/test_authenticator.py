"""What the authenticator promises as a whole."""

import pytest

from nexus.auth.local_issuer import LocalIssuer
from nexus.auth.refusal import KeysUnavailable, Reason, Refusal


async def test_a_good_token_gives_its_principal(authenticator, issuer, clock):
    principal = await authenticator.authenticate(issuer.mint(subject="ann", permissions={"admin", "read"}, azp="app"))

    assert (principal.issuer, principal.subject, principal.client) == (issuer.url, "ann", "app")
    assert principal.permissions == {"admin", "read"}
    assert principal.expires_at.timestamp() == clock.now + 300 + 30


async def test_a_token_that_comes_again_is_told_without_waiting(authenticator, issuer):
    token = issuer.mint()

    assert authenticator.cached(token) is None
    principal = await authenticator.authenticate(token)

    assert authenticator.cached(token) is principal
    assert (authenticator.counters.verified, authenticator.counters.cached) == (1, 1)


async def test_a_refused_token_is_counted_by_its_reason(authenticator, issuer):
    with pytest.raises(Refusal) as caught:
        await authenticator.authenticate(issuer.mint(aud="https://other.example"))

    assert caught.value.reason is Reason.WRONG_AUDIENCE
    assert authenticator.counters.refused == {Reason.WRONG_AUDIENCE: 1}


async def test_without_settings_the_local_issuer_serves(authenticator_factory, tmp_path, clock):
    async with authenticator_factory(None, state_dir=tmp_path) as authenticator:
        token = LocalIssuer.open(tmp_path).mint(subject="me", permissions=["admin"], wall=clock.wall)

        principal = await authenticator.authenticate(token)

    assert principal.permissions == {"admin"}
    assert authenticator.issuers == ()


async def test_the_host_starts_while_the_issuer_is_down_and_recovers(authenticator_factory, issuer, clock):
    await issuer.stop()
    async with authenticator_factory(issuer.settings()) as authenticator:
        with pytest.raises(KeysUnavailable) as caught:
            await authenticator.authenticate(issuer.mint())
        assert caught.value.retry_after >= 1
        assert [(status.ok, status.level) for status in authenticator.status()] == [(False, "fail")]

        await issuer.start()
        clock.advance(120)

        await authenticator.authenticate(issuer.mint())
        assert [(status.ok, status.reason) for status in authenticator.status()] == [(True, "keys are current")]
