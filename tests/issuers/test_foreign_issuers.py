"""The issuers behave as real ones do; what the host makes of their tokens is tested beside this file."""

import jwt
import pytest

from .exchange import Refused
from .foreign_issuer import AUDIENCE, OTHER_AUDIENCE, ForeignIssuer
from .panva import OPAQUE_AUDIENCE

pytestmark = pytest.mark.issuer


def verified(issuer: ForeignIssuer, token: str, *, audience: str = AUDIENCE) -> dict[str, object]:
    """The claims, as PyJWT reads and verifies them with the published keys."""
    key = jwt.PyJWKSet.from_dict(issuer.key_set())[jwt.get_unverified_header(token)["kid"]]
    required = ["iss", "aud", "exp", "sub"]
    return jwt.decode(
        token, key, algorithms=["RS256"], audience=audience, issuer=issuer.url, options={"require": required}
    )


def test_an_issuer_gives_a_token_that_another_make_verifies(issuer):
    token = issuer.token(scope="admin")

    claims = verified(issuer, token)

    assert claims["scope"] == "admin"
    assert claims["client_id"] == issuer.client_id
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_two_verifiers_of_other_makes_agree_on_a_token(issuer, jose_verifier):
    token = issuer.token()

    claims = jose_verifier.claims(token, issuer.key_set(), issuer=issuer.url, audience=AUDIENCE)

    assert claims == verified(issuer, token)
    assert jose_verifier.claims(token, issuer.key_set(), issuer=issuer.url, audience=OTHER_AUDIENCE) is None
    assert jose_verifier.claims(f"{token[:-8]}AAAAAAAA", issuer.key_set(), issuer=issuer.url, audience=AUDIENCE) is None


def test_a_token_is_for_the_audience_and_scope_that_were_asked_for(issuer):
    claims = verified(issuer, issuer.token(scope="read:secret", audience=OTHER_AUDIENCE), audience=OTHER_AUDIENCE)

    assert claims["scope"] == "read:secret"


def test_an_issuer_refuses_an_audience_it_does_not_know(issuer):
    with pytest.raises(Refused) as refusal:
        issuer.token(audience="https://unknown.test")

    assert refusal.value.status in {400, 403}


def test_a_rotated_key_signs_at_once_and_the_old_one_is_gone(issuer):
    old = issuer.token()

    kid = issuer.rotate()

    assert jwt.get_unverified_header(issuer.token())["kid"] == kid
    verified(issuer, issuer.token())
    with pytest.raises(KeyError):
        verified(issuer, old)


def test_a_rotation_may_keep_the_previous_key_published(issuer):
    old = issuer.token()

    issuer.rotate(keep_previous=True)

    verified(issuer, old)
    verified(issuer, issuer.token())


def test_a_restarted_issuer_has_the_same_name_and_keys(issuer):
    before = issuer.url, issuer.published_keys()
    old = issuer.token()

    issuer.restart()

    assert (issuer.url, issuer.published_keys()) == before
    verified(issuer, old)
    verified(issuer, issuer.token())


def test_a_stopped_issuer_refuses_connections_until_it_is_started(issuer):
    issuer.stop()

    with pytest.raises(ConnectionRefusedError):
        issuer.discovery()

    issuer.start()
    verified(issuer, issuer.token())


def test_panva_gives_an_opaque_token_where_the_audience_wants_one(panva_issuer):
    token = panva_issuer.token(audience=OPAQUE_AUDIENCE)

    assert "." not in token


def test_glewlwyd_gives_an_id_token_signed_with_the_same_key(glewlwyd_issuer):
    token = glewlwyd_issuer.id_token()

    claims = verified(glewlwyd_issuer, token, audience=glewlwyd_issuer.client_id)

    assert claims["nonce"] == "nonce"
