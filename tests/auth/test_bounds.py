"""Every bound of a token and of a key set is a setting: what lies above it is refused, and a wider one lets it in."""

import pytest
from joserfc.jwk import RSAKey

from nexus.auth.jwk_import import KeyBounds, UnusableKeySet, import_keys
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.weak_rsa import RsaBounds, find_weakness
from nexus.config.auth_settings import KeySettings


def nested(depth):
    return [nested(depth - 1)] if depth else 1


TOO_LARGE = {
    "max_token_bytes": (8192, 20_000, {"padding": "x" * 9000}, Reason.TOO_LONG),
    "max_header_bytes": (2048, 4096, {"header": {"padding": "x" * 2500}}, Reason.TOO_LONG),
    "max_json_depth": (16, 40, {"padding": nested(30)}, Reason.MALFORMED_CLAIMS),
    "max_integer_digits": (20, 40, {"padding": 10**30}, Reason.MALFORMED_CLAIMS),
    "max_kid_length": (256, 400, {"header": {"kid": "k" * 300}}, Reason.MALFORMED_KID),
    "max_text_length": (255, 400, {"sub": "s" * 300}, Reason.MALFORMED_CLAIM),
}


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_a_token_above_a_bound_is_refused_and_a_wider_bound_takes_it(authenticator_factory, issuer, name):
    default, wider, change, reason = TOO_LARGE[name]
    token = issuer.mint(**change)
    assert getattr(issuer.settings(), name) == default

    async with authenticator_factory(issuer.settings()) as authenticator:
        with pytest.raises(Refusal) as refused:
            await authenticator.authenticate(token)
    async with authenticator_factory(issuer.settings(**{name: wider})) as authenticator:
        if name == "max_kid_length":  # it is read then, and known to nobody
            with pytest.raises(Refusal) as unknown:
                await authenticator.authenticate(token)
            assert unknown.value.reason is Reason.UNKNOWN_KID
        else:
            assert (await authenticator.authenticate(token)).issuer == issuer.url

    assert refused.value.reason is reason


def test_the_keys_that_are_used_are_those_within_the_bounds():
    small, large = 1 << 2048 | 1, 1 << 9000 | 1

    assert "more than 8192" in find_weakness(large, 65_537)
    assert "fewer than 3072" in find_weakness(small, 65_537, RsaBounds(min_bits=3072))
    assert "2^32" in find_weakness(small, (1 << 40) + 1)
    assert "2^32" not in str(find_weakness(small, (1 << 40) + 1, RsaBounds(max_exponent_bits=64)))
    assert "more than" not in str(find_weakness(large, 65_537, RsaBounds(max_bits=16_384)))


def test_a_key_id_in_a_key_set_has_the_same_bound_as_one_in_a_token():
    key = RSAKey.generate_key(2048).as_dict(private=False) | {"kid": "k" * 300}

    with pytest.raises(UnusableKeySet, match="1 to 256 characters"):
        import_keys({"keys": [key]}, algorithms=["RS256"], bounds=KeyBounds())
    imported = import_keys({"keys": [key]}, algorithms=["RS256"], bounds=KeyBounds(max_kid_length=400))

    assert imported.ring.kids == {"k" * 300}


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"first_retry": 90}, "'first_retry' is above 'last_retry'"),
        ({"min_rsa_bits": 4096, "max_rsa_bits": 3072}, "'min_rsa_bits' is above 'max_rsa_bits'"),
    ],
)
def test_bounds_that_contradict_each_other_are_told(bounds, told):
    with pytest.raises(ValueError, match=told):
        KeySettings(**bounds)
