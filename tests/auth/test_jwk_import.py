"""Which published keys are used; C32, H14 and J7 of the attack list."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import int_to_base64

from nexus.auth.jwk_import import KeyBounds, UnusableKeySet, import_keys
from nexus.auth.weak_rsa import find_weakness
from nexus.config.auth_settings import ALGORITHMS

RSA = RSAKey.generate_key(2048).as_dict(private=True)
PUBLIC = {name: RSA[name] for name in ("kty", "n", "e")}
GOOD = {**PUBLIC, "kid": "good", "use": "sig"}
OTHER = {**RSAKey.generate_key(2048).as_dict(private=False), "kid": "other"}
MODULUS = RSAKey.import_key(PUBLIC).public_key.public_numbers().n
EC256 = ECKey.generate_key("P-256").as_dict(private=False)
OKP = OKPKey.generate_key("Ed25519").as_dict(private=False)


def rsa_of_bits(bits):
    return {**PUBLIC, "n": int_to_base64((1 << (bits - 1)) | (MODULUS % (1 << (bits - 1))) | 1)}


def rsa(modulus, exponent=65_537):
    return {"kty": "RSA", "n": int_to_base64(modulus), "e": int_to_base64(exponent)}


# The product of two numbers of the form that the broken library made: k * M + 65537**a mod M.
PRIMORIAL = math.prod(n for n in range(2, 168) if all(n % d for d in range(2, math.isqrt(n) + 1)))
ROCA = (PRIMORIAL * 2**800 + pow(65_537, 12_345, PRIMORIAL)) * (PRIMORIAL * 2**801 + pow(65_537, 777, PRIMORIAL))

BAD = {
    "C32-rsa-512": rsa_of_bits(512),
    "C32-rsa-1024": rsa_of_bits(1024),
    "C32-rsa-2047": rsa_of_bits(2047),
    "C32-rsa-8200": rsa_of_bits(8200),
    "C32-rsa-16384": rsa_of_bits(16_384),
    "C32-e-1": {**PUBLIC, "e": "AQ"},
    "C32-e-3": {**PUBLIC, "e": "Aw"},
    "C32-e-even": {**PUBLIC, "e": int_to_base64(65_538)},
    "C32-e-huge": {**PUBLIC, "e": int_to_base64(MODULUS - 2)},
    "C32-e-zero": {**PUBLIC, "e": "AA"},
    "C32-roca": rsa(ROCA),
    "C32-even-modulus": rsa(MODULUS - 1),
    "C32-small-factor": rsa(MODULUS * 3),
    "C32-square": rsa((2**1031 + 7) ** 2),
    "C32-point-off-curve": {**EC256, "x": EC256["y"]},
    "C32-p-256-for-es384": {**EC256, "alg": "ES384"},
    "C32-secp256k1": ECKey.generate_key("secp256k1").as_dict(private=False),
    "C32-x25519": OKPKey.generate_key("X25519").as_dict(private=False),
    "C32-ed448": OKPKey.generate_key("Ed448").as_dict(private=False),
    "J7-not-an-object": "key",
    "J7-null": None,
    "J7-no-kty": {"n": RSA["n"], "e": RSA["e"]},
    "J7-kty-number": {**PUBLIC, "kty": 1},
    "J7-kty-unknown": {**PUBLIC, "kty": "AKP"},
    "J7-bad-base64": {**PUBLIC, "n": "!!!!"},
    "J7-standard-base64": {**PUBLIC, "n": RSA["n"][:-1] + "+"},
    "J7-padding": {**PUBLIC, "e": "AQAB===="},
    "J7-not-ascii": {**PUBLIC, "n": "\u00e9" * 342},
    "J7-n-missing": {"kty": "RSA", "e": "AQAB"},
    "J7-n-null": {**PUBLIC, "n": None},
    "J7-n-empty": {**PUBLIC, "n": ""},
    "J7-n-huge": {**PUBLIC, "n": "A" * 100_000},
    "J7-e-huge": {**PUBLIC, "e": "A" * 100_000},
    "J7-curve-unknown": {**EC256, "crv": "P-257"},
    "J7-curve-number": {**EC256, "crv": 1},
    "J7-curve-list": {**EC256, "crv": ["P-256"]},
    "J7-x-huge": {**EC256, "x": "A" * 100_000},
    "J7-x-short": {**OKP, "x": "AAAA"},
    "J7-use-unknown": {**PUBLIC, "use": "foo"},
    "J7-use-enc": {**PUBLIC, "use": "enc"},
    "J7-use-list": {**PUBLIC, "use": ["sig"]},
    "J7-key_ops-encrypt": {**PUBLIC, "key_ops": ["encrypt"]},
    "J7-key_ops-text": {**PUBLIC, "key_ops": "verify"},
    "J7-key_ops-empty": {**PUBLIC, "key_ops": []},
    "J7-alg-of-encryption": {**PUBLIC, "alg": "RSA-OAEP"},
    "J7-alg-symmetric": {**PUBLIC, "alg": "HS256"},
    "J7-alg-none": {**PUBLIC, "alg": "none"},
    "J7-alg-number": {**PUBLIC, "alg": 256},
    "J7-alg-null": {**PUBLIC, "alg": None},
    "J7-kid-number": {**PUBLIC, "kid": 1},
    "J7-kid-empty": {**PUBLIC, "kid": ""},
    "J7-kid-long": {**PUBLIC, "kid": "k" * 300},
    "J8-private": RSA,
    "J8-private-d-only": {**PUBLIC, "d": "AQAB"},
    "J8-symmetric": OctKey.generate_key(256).as_dict(private=True),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
@pytest.mark.parametrize("bad_first", [True, False], ids=["first", "last"])
def test_a_bad_key_is_left_out_with_a_warning_and_costs_no_other(bad, bad_first):
    named = {"kid": "bad", **bad} if isinstance(bad, dict) else bad
    entries = [named, GOOD] if bad_first else [GOOD, named]

    imported = import_keys({"keys": entries}, algorithms=ALGORITHMS, bounds=KeyBounds(max_keys=10))

    assert imported.ring.kids == {"good"}
    assert imported.ring.size == 1
    (warning,) = imported.warnings
    assert warning.startswith("key ")
    assert len(warning) < 250
    if isinstance(named, dict) and named["kid"] == "bad":
        assert "'bad'" in warning
        assert not any(str(value) in warning for name, value in named.items() if name in {"n", "d", "k", "x"} and value)


@pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
def test_a_set_of_nothing_but_a_bad_key_is_refused(bad):
    with pytest.raises(UnusableKeySet):
        import_keys({"keys": [bad]}, algorithms=ALGORITHMS, bounds=KeyBounds(max_keys=10))


@pytest.mark.parametrize(
    ("entries", "kids"),
    [
        ([{**GOOD, "kid": "a"}, {**OTHER, "kid": "a"}, GOOD], {"good"}),
        ([{**GOOD, "kid": "a"}, {**EC256, "kid": "a"}], {"a"}),
        ([{**GOOD, "kid": "a"}, {"kty": "oct", "k": "AAAA", "kid": "a"}], {"a"}),
        ([GOOD, GOOD, dict(GOOD)], {"good"}),
        ([GOOD, {**GOOD, "alg": "RS512"}, OTHER], {"other"}),
        ([{**EC256, "kid": "a"}, {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "a"}, GOOD], {"good"}),
    ],
    ids=["H14-two-rsa", "H14-rsa-and-ec", "H14-rsa-and-oct", "H14-the-same", "H14-same-with-other-alg", "H14-two-ec"],
)
def test_h14_a_kid_that_two_keys_of_one_type_share_is_left_out(entries, kids):
    imported = import_keys({"keys": entries}, algorithms=ALGORITHMS, bounds=KeyBounds(max_keys=10))

    assert imported.ring.kids == kids


def test_h14_keys_of_two_types_under_one_kid_are_told_apart_by_the_algorithm():
    imported = import_keys(
        {"keys": [{**GOOD, "kid": "a"}, {**EC256, "kid": "a"}]}, algorithms=ALGORITHMS, bounds=KeyBounds(max_keys=10)
    )

    assert imported.ring.find("a", "RS256").key_type == "RSA"
    assert imported.ring.find("a", "ES256").key_type == "EC"
    assert imported.ring.find("a", "ES384") is None


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_good_rsa_keys_of_any_usual_size_are_used(bits):
    key = RSAKey.generate_key(bits)
    numbers = key.public_key.public_numbers()

    assert find_weakness(numbers.n, numbers.e) is None


def test_a_key_that_would_be_slow_is_weak_too():
    assert "more than 8192" in find_weakness(1 << 8192, 65_537)


def test_a_set_is_the_same_for_deciding_whatever_its_order_and_decoration():
    one = import_keys({"keys": [GOOD, OTHER]}, algorithms=["RS256"], bounds=KeyBounds(max_keys=10))
    other = import_keys(
        {"keys": [OTHER, {**GOOD, "x5t": "abc"}], "more": 1}, algorithms=["RS256"], bounds=KeyBounds(max_keys=10)
    )
    fewer = import_keys({"keys": [OTHER]}, algorithms=["RS256"], bounds=KeyBounds(max_keys=10))

    assert one.ring.fingerprint == other.ring.fingerprint != fewer.ring.fingerprint


def test_the_algorithms_of_a_key_are_those_that_the_issuer_and_the_key_allow():
    ring = import_keys(
        {"keys": [GOOD, {**OTHER, "alg": "PS256"}]}, algorithms=["RS256", "PS256"], bounds=KeyBounds(max_keys=10)
    ).ring

    assert [bool(ring.find("good", name)) for name in ("RS256", "PS256", "RS512")] == [True, True, False]
    assert [bool(ring.find("other", name)) for name in ("RS256", "PS256")] == [False, True]
    assert ring.find(None, "RS256") is None


def test_warnings_are_bounded_and_fit_for_a_log():
    entries = [{"kty": "RSA", "kid": f"{n}\r\n\u2028" + "k" * 200} for n in range(50)]

    imported = import_keys({"keys": [*entries, GOOD]}, algorithms=["RS256"], bounds=KeyBounds(max_keys=100))

    assert len(imported.warnings) == 20
    assert all(len(warning) < 200 and warning.isascii() and warning.isprintable() for warning in imported.warnings)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["kty", "kid", "use", "alg", "key_ops", "crv", "n", "e", "x", "y", "d", "k", "x5c"]
WORDS = ["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "RS256", "ES256", "sig", "AQAB", RSA["n"], EC256["x"], OKP["x"]]


@given(st.lists(JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON | st.sampled_from(WORDS)), max_size=6))
def test_any_entries_beside_a_good_key_leave_it_usable(entries):
    imported = import_keys({"keys": [*entries, GOOD]}, algorithms=ALGORITHMS, bounds=KeyBounds(max_keys=10))

    assert "good" in imported.ring.kids
    json.dumps(imported.warnings)


@given(JSON)
def test_any_document_is_a_key_set_or_refused(document):
    with pytest.raises(UnusableKeySet):
        import_keys(document, algorithms=ALGORITHMS, bounds=KeyBounds(max_keys=10))
