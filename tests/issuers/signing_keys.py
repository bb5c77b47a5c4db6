"""RSA signing keys for the foreign issuers, made by `cryptography` alone: nothing of the host's own key handling."""

import json
import secrets

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


def signing_key(bits: int = 2048) -> dict[str, str]:
    """A new private RSA key as a JWK (RFC 7517) with an id of its own."""
    private = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(public_exponent=65537, key_size=bits)))
    private.pop("key_ops", None)
    return {**private, "kid": secrets.token_hex(4), "alg": "RS256", "use": "sig"}


def key_set(*keys: dict[str, str]) -> str:
    """A JWK set of the given keys as JSON."""
    return json.dumps({"keys": keys})
