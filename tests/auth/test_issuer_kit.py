"""The issuer that module authors test with keeps its own promises."""

import jwt
import pytest

from nexus.testing.issuer import ABSENT, Issuer


async def test_what_it_mints_is_what_others_verify(session):
    async with Issuer() as issuer:
        async with session.get(f"{issuer.url}/.well-known/openid-configuration") as answer:
            metadata = await answer.json()
        async with session.get(metadata["jwks_uri"]) as answer:
            keys = jwt.PyJWKSet.from_dict(await answer.json())
        token = issuer.mint(subject="ann", permissions={"write", "admin"}, team="blue")

        claims = jwt.decode(
            token,
            keys[jwt.get_unverified_header(token)["kid"]],
            algorithms=["RS256"],
            audience=issuer.audience,
            issuer=issuer.url,
        )

    assert (claims["sub"], claims["scope"], claims["team"]) == ("ann", "admin write", "blue")
    assert issuer.requests == ["/.well-known/openid-configuration", "/jwks.json"]


async def test_any_member_can_be_changed_or_left_out(issuer):
    token = issuer.mint(header={"typ": ABSENT, "x": 1}, exp=ABSENT, claims={"permissions": ["admin"]})

    assert "typ" not in jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert "exp" not in claims
    assert claims["permissions"] == ["admin"]


async def test_it_comes_back_at_the_same_address(session, issuer):
    address = issuer.jwks_uri
    await issuer.stop()
    with pytest.raises(OSError, match="Cannot connect"):
        await session.get(address)

    await issuer.start()

    async with session.get(address) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("withdraw", [False, True])
async def test_rotation_publishes_the_old_key_unless_it_is_withdrawn(issuer, key_factory, withdraw):
    (old,) = issuer.keys

    issuer.rotate(key_factory(), withdraw=withdraw)

    assert (old in issuer.keys) is not withdraw
    assert jwt.get_unverified_header(issuer.mint())["kid"] == issuer.keys[-1].kid != old.kid


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": "robot", "client_secret": "no"}, 401, "invalid_client"),
        ({"client_id": "robot", "client_secret": "s3cret"}, 400, "unsupported_grant_type"),
        (
            {"client_id": "robot", "client_secret": "s3cret", "grant_type": "client_credentials"},
            400,
            "invalid_target",
        ),
    ],
)
async def test_the_token_endpoint_refuses_as_real_ones_do(session, issuer, form, status, error):
    async with session.post(f"{issuer.url}/token", data=form) as answer:
        assert (answer.status, (await answer.json())["error"]) == (status, error)
