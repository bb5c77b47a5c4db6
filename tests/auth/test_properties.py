"""Whatever is fed to the verifier: never anything but a decision, and never a yes that a second verifier denies.

The second one is PyJWT. It is asked with the same issuer, audience, algorithm, leeway and clock.
"""

import asyncio
import base64
import dataclasses
import json
import time
from datetime import datetime
from unittest import mock

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from nexus.auth.key_ring import KeyRing, VerificationKey
from nexus.auth.local_issuer import LocalKeys
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_rules import ContradictoryIssuers, TokenRules
from nexus.auth.verifier import TrustedIssuer, VerifiedClaims, Verifier
from nexus.testing.issuer import ABSENT, Issuer

from .effort import examples

NOW = float(int(time.time()))
LEEWAY = 30
ISSUER = Issuer(wall=lambda: NOW)
KEY = ISSUER.keys[0]
PUBLIC = RSAKey.import_key(KEY.public_key)


class Ring(LocalKeys):
    """One key that never ages."""

    def __init__(self):
        self.issuer = ISSUER.url
        self.ring = KeyRing([VerificationKey(KEY.kid, ("RS256",), PUBLIC, KEY.kid)])


VERIFIERS = {
    profile: Verifier(
        [
            TrustedIssuer(
                TokenRules(
                    issuer=ISSUER.url,
                    accepted_issuers=(ISSUER.url,),
                    metadata_issuers=(ISSUER.url,),
                    audience=ISSUER.audience,
                    algorithms=("RS256",),
                    profile=profile,
                    leeway=LEEWAY,
                    max_lifetime=86_400,
                    clients=frozenset({"app"} if profile == "cognito" else ()),
                ),
                Ring(),
            )
        ],
        wall=lambda: NOW,
    )
    for profile in ("generic", "auth0", "rfc9068", "entra")
}


def decide(token, profile="generic"):
    """The verified claims, or the reason of the refusal; anything else fails the test."""
    try:
        claims = asyncio.run(VERIFIERS[profile].verify(token))
    except Refusal as refusal:
        assert refusal.reason is not Reason.INTERNAL  # noqa: PT017
        return refusal.reason
    assert isinstance(claims, VerifiedClaims)
    return claims


class Stopped(datetime):
    """PyJWT reads the system's clock; both verifiers are to decide at the same instant."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


def second_verifier_accepts(token):
    try:
        with mock.patch("jwt.api_jwt.datetime", Stopped):
            claims = jwt.decode(
                token,
                KEY.public_key,
                algorithms=["RS256"],
                audience=ISSUER.audience,
                issuer=ISSUER.url,
                leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "sub"]},
            )
    except jwt.PyJWTError:
        return False
    return claims["sub"] != ""


def assert_agreement(token, profile="generic"):
    """A yes of ours needs a yes of theirs; a no of ours may be a stricter rule."""
    ours = decide(token, profile)
    if isinstance(ours, VerifiedClaims):
        assert second_verifier_accepts(token)
    return ours


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
HEADER_NAMES = ["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5u", "x5c", "cty", "zip", "enc", "nonce"]
HEADER_VALUES = st.sampled_from(["RS256", "none", "HS256", "JWT", "at+jwt", KEY.kid, "DEF", ["b64"], [], False, 1])
CLAIM_NAMES = [
    "iss",
    "aud",
    "sub",
    "exp",
    "nbf",
    "iat",
    "jti",
    "scope",
    "scp",
    "permissions",
    "roles",
    "azp",
    "client_id",
    "cnf",
    "act",
    "typ",
    "token_use",
    "nonce",
    "at_hash",
    "events",
    "tid",
]
CLAIM_VALUES = st.sampled_from([
    ISSUER.url, ISSUER.audience, [ISSUER.audience], "tester", "admin", ["admin"], {"sub": "a"}, NOW, NOW + 60, NOW - 60,
    NOW - LEEWAY, NOW + LEEWAY, int(NOW) + 10**6, "access", "Bearer",
])  # fmt: skip


@examples(75)
@given(st.dictionaries(st.sampled_from(HEADER_NAMES) | TEXTS, HEADER_VALUES | JSON | st.just(ABSENT), max_size=4))
def test_any_header_validly_signed(header):
    assert_agreement(ISSUER.mint(header=header))


@examples(100)
@given(
    st.dictionaries(st.sampled_from(CLAIM_NAMES) | TEXTS, CLAIM_VALUES | JSON | st.just(ABSENT), max_size=5),
    st.sampled_from(sorted(VERIFIERS)),
)
def test_any_claims_validly_signed(claims, profile):
    usual = {"client_id": "app", "jti": "1"} if profile == "rfc9068" else {}

    assert_agreement(ISSUER.mint(claims={**usual, **claims}), profile)


@examples(50)
@given(JSON | st.binary(max_size=60), JSON | st.binary(max_size=60))
def test_any_two_texts_validly_signed(header, payload):
    texts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]

    assert not isinstance(assert_agreement(ISSUER.sign(*texts)), VerifiedClaims)


GOOD = ISSUER.mint(permissions=["admin"])


@examples(100)
@given(st.integers(0, len(GOOD)), st.integers(0, 6), st.text(st.characters(codec=None), max_size=3))
def test_mutations_of_a_good_token(start, length, replacement):
    token = GOOD[:start] + replacement + GOOD[start + length :]

    ours = assert_agreement_of_text(token)
    assert (token == GOOD) == isinstance(ours, VerifiedClaims)


def assert_agreement_of_text(token):
    return assert_agreement(token) if token.isascii() else decide(token)


@examples(50)
@given(st.integers(0, 2), st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_of_any_part_is_refused(part, place, flip):
    segments = GOOD.split(".")
    content = bytearray(base64.urlsafe_b64decode(segments[part] + "=="))
    content[place % len(content)] ^= flip
    segments[part] = base64.urlsafe_b64encode(bytes(content)).rstrip(b"=").decode()

    assert not isinstance(assert_agreement(".".join(segments)), VerifiedClaims)


@examples(75)
@given(st.text(st.characters(codec=None), max_size=80) | st.text("abcAB01-_.=~+/ ", max_size=80))
def test_any_text_is_refused(token):
    assert not isinstance(decide(token), VerifiedClaims)


def test_the_second_verifier_takes_what_is_good():
    assert isinstance(decide(GOOD), VerifiedClaims)
    assert second_verifier_accepts(GOOD)


# What PyJWT takes and this verifier does not, each with its rule.
STRICTER = {
    "type-of-another-token": ({"typ": "logout+jwt"}, {}, Reason.WRONG_TYPE),
    "unknown-critical-b64": ({"b64": True}, {}, Reason.CRITICAL_HEADER),
    "members-of-encryption": ({"zip": "DEF"}, {}, Reason.ENCRYPTED),
    "lives-too-long": ({}, {"exp": NOW + 10**8}, Reason.LIVES_TOO_LONG),
    "id-token": ({}, {"at_hash": "x"}, Reason.ID_TOKEN),
    "bound-token": ({}, {"cnf": {"jkt": "x"}}, Reason.BOUND_TOKEN),
    "control-character-in-subject": ({}, {"sub": "a\r\nb"}, Reason.MALFORMED_CLAIM),
    "scope-of-a-wrong-type": ({}, {"scope": 1}, Reason.MALFORMED_CLAIM),
}


@pytest.mark.parametrize(("header", "claims", "reason"), STRICTER.values(), ids=list(STRICTER))
def test_stricter_rules_than_the_second_verifier_has(header, claims, reason):
    token = ISSUER.mint(header=header, claims=claims)

    assert second_verifier_accepts(token)
    assert decide(token) is reason


def test_claims_written_twice_are_a_stricter_rule_too():
    payload = base64.urlsafe_b64decode(GOOD.split(".")[1] + "==").decode()
    token = ISSUER.sign({"alg": "RS256", "kid": KEY.kid}, (payload[:-1] + ', "scope": "admin"}').encode())

    assert second_verifier_accepts(token)
    assert decide(token) is Reason.MALFORMED_CLAIMS


def test_two_issuers_of_one_name_are_refused():
    rules = VERIFIERS["generic"]._checkers[ISSUER.url].rules

    with pytest.raises(ContradictoryIssuers, match="twice"):
        Verifier([TrustedIssuer(rules, Ring()), TrustedIssuer(rules, Ring())])


def test_only_the_verifier_makes_verified_claims():
    good = decide(GOOD)

    with pytest.raises(TypeError, match="only the verifier"):
        VerifiedClaims(object(), good.principal, 0, 1e12, good.keys, good.ring)
    with pytest.raises(ValueError, match="seal"):
        dataclasses.replace(good, valid_until=1e12)
    with pytest.raises(dataclasses.FrozenInstanceError):
        good.valid_until = 1e12


@pytest.mark.parametrize("error", [ValueError, RecursionError, MemoryError, KeyError, AssertionError, TypeError])
def test_t21_anything_unforeseen_is_a_refusal_and_tells_nothing_of_the_token(monkeypatch, caplog, error):
    def fail(*args, **kwargs):
        raise error(f"about {GOOD}")

    for place in ("parse_compact", "check_claims", "check_signature", "Principal"):
        with monkeypatch.context() as patch:
            patch.setattr(f"nexus.auth.verifier.{place}", fail)
            with pytest.raises(Refusal) as caught:
                asyncio.run(VERIFIERS["generic"].verify(GOOD))
            assert caught.value.reason is Reason.INTERNAL
            assert caught.value.__suppress_context__
    assert len(caplog.records) == 4
    assert GOOD not in caplog.text
    assert all(record.error == error.__name__ for record in caplog.records)


def test_t21_cancellation_passes(monkeypatch):
    async def cancelled(*args):
        raise asyncio.CancelledError

    async def attempt():
        monkeypatch.setattr(VERIFIERS["generic"], "_verify", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await VERIFIERS["generic"].verify(GOOD)

    asyncio.run(attempt())
