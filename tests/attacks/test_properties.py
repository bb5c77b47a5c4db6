"""Whatever is sent: never a failure of the host, never a yes that PyJWT denies."""

import asyncio
from datetime import datetime
from unittest import mock

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.auth.effort import examples
from tests.auth.test_properties import JSON

from .opinions import CHANGES, CLAIMS, HEADERS, VALUES, Asked, changed, minted, signed


@pytest.fixture
def pyjwt(issuer, clock):
    """PyJWT's decision, by the same rules and at the same instant."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(clock.now, tz)

    def accepts(token):
        required = {"require": ["iss", "aud", "exp", "sub"]}
        try:
            with mock.patch("jwt.api_jwt.datetime", Stopped):
                jwt.decode(
                    token,
                    issuer.keys[0].public_key,
                    algorithms=["RS256"],
                    audience=issuer.audience,
                    issuer=issuer.url,
                    leeway=30,
                    options=required,
                )
        except jwt.PyJWTError:
            return False
        return True

    return accepts


async def test_any_bytes_as_a_credential_are_refused(stage):
    asked = Asked(stage)

    @examples(100)
    @given(VALUES)
    @example(b'"message": "')
    def probe(value):
        assert asked.status(value) != 200

    await asyncio.to_thread(probe)


async def test_any_header_and_claims_validly_signed(stage, pyjwt):
    asked = Asked(stage)

    @examples(60)
    @given(HEADERS, CLAIMS)
    def probe(header, claims):
        asked.agrees(minted(stage, header, claims), pyjwt)

    await asyncio.to_thread(probe)


async def test_any_json_as_header_and_payload_validly_signed(stage):
    asked = Asked(stage)

    @examples(40)
    @given(JSON | st.binary(max_size=60), JSON | st.binary(max_size=60))
    def probe(header, payload):
        assert not asked.accepts(signed(stage, header, payload))

    await asyncio.to_thread(probe)


async def test_any_change_of_a_good_token_is_refused(stage, issuer, pyjwt):
    asked, good = Asked(stage), issuer.mint(permissions=["admin"])
    assert await asyncio.to_thread(asked.accepts, good)

    @examples(80)
    @given(CHANGES)
    def probe(change):
        token = changed(good, change)
        # White space around a field is no part of it (RFC 9110, section 5.5).
        if token.strip(" \t") != good:
            assert not asked.accepts(token)

    await asyncio.to_thread(probe)
