"""Whatever is sent to a running host: never a yes that the npm package `jose` denies."""

import asyncio

import pytest
from hypothesis import given

from tests.attacks.conftest import clock, log, session_key, stage, stage_factory  # noqa: F401 - fixtures
from tests.attacks.conftest import issuer as local_issuer
from tests.attacks.opinions import CHANGES, CLAIMS, HEADERS, Asked, changed, minted
from tests.auth.effort import examples

pytestmark = pytest.mark.issuer

issuer = local_issuer
SLOW = 60
"""Seconds that jose's clock, which cannot be stopped, may be ahead of the host's stopped one."""


@pytest.fixture
def jose(jose_verifier, issuer):
    keys = {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "RS256"} for key in issuer.keys]}

    def accepts(token):
        return (
            jose_verifier.claims(token, keys, issuer=issuer.url, audience=issuer.audience, leeway=30 + SLOW) is not None
        )

    return accepts


async def test_any_header_and_claims_validly_signed(stage, jose):  # noqa: F811 - the fixture above
    asked = Asked(stage)
    assert jose(stage.issuer.mint())

    @examples(60)
    @given(HEADERS, CLAIMS)
    def probe(header, claims):
        asked.agrees(minted(stage, header, claims), jose)

    await asyncio.to_thread(probe)


async def test_any_change_of_a_good_token(stage, jose):  # noqa: F811 - the fixture above
    asked, good = Asked(stage), stage.issuer.mint()

    @examples(60)
    @given(CHANGES)
    def probe(change):
        asked.agrees(changed(good, change).strip(" \t"), jose)

    await asyncio.to_thread(probe)
