"""ID tokens: who signed in at an issuer (OpenID Connect Core 1.0, section 3.1.3.7).

They are read by the same code as access tokens up to the signature; what they must say differs.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nexus.auth.claim_rules import validity
from nexus.auth.claim_values import Claims, text, time
from nexus.auth.compact import Compact
from nexus.auth.profiles import PROFILES
from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_rules import TokenRules
from nexus.auth.verifier import TrustedIssuer, check_signature, signature_registry

_TYPES: Final = frozenset({None, "jwt", "application/jwt"})
_NAMES: Final = ("name", "preferred_username", "email")
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInPerson:
    """What an ID token tells.

    Attributes:
        issuer: its `iss`.
        subject: its `sub`.
        name: what the issuer calls the person; the subject where it tells no name.
        permissions: exact names, from the claims that the issuer's profile reads.
    """

    issuer: str
    subject: str
    name: str
    permissions: frozenset[str]


async def verify_id_token(
    parts: Compact,
    issuer: TrustedIssuer,
    *,
    client_id: str,
    nonce: str,
    access_token: str | None,
    wall: Callable[[], float],
) -> SignedInPerson:
    """Who signed in.

    Args:
        parts: of the ID token.
        issuer: whose it has to be.
        client_id: whom it has to be for.
        nonce: what was sent with this very sign-in.
        access_token: what came with it.
        wall: the clock.

    Raises:
        Refusal: it is not good.
        KeysUnavailable: the issuer's keys are not to be had.
    """
    rules, header, claims = issuer.rules, parts.header, parts.claims
    name = claims.get("iss")
    if not isinstance(name, str) or name not in rules.accepted_issuers:
        raise Refusal(Reason.UNKNOWN_ISSUER, "iss")
    if header.algorithm not in rules.algorithms:
        raise Refusal(Reason.WRONG_ALGORITHM, "alg")
    if (header.type.lower() if header.type else None) not in _TYPES:
        raise Refusal(Reason.WRONG_TYPE, "typ")
    key = issuer.keys.find(header.kid, header.algorithm) or await issuer.keys.require(header.kid, header.algorithm)
    check_signature(parts, key, signature_registry(rules.algorithms))
    _check_audience(claims, client_id)
    if time(claims, "iat") is None:
        raise Refusal(Reason.MISSING_CLAIM, "iat")
    validity(claims, rules, wall())
    _check_nonce(claims, nonce)
    _check_hash(claims, header.algorithm, access_token)
    subject = text(claims, "sub", rules.max_text_length)
    if subject is None:
        raise Refusal(Reason.MISSING_CLAIM, "sub")
    if rules.tenants and text(claims, "tid", rules.max_text_length) not in rules.tenants:
        raise Refusal(Reason.WRONG_TENANT, "tid")
    permissions = frozenset(PROFILES[rules.profile].permissions(claims, rules))
    return SignedInPerson(issuer=name, subject=subject, name=_name(claims) or subject, permissions=permissions)


def check_same_person(person: SignedInPerson, issuer: str, subject: str, rules: TokenRules) -> None:
    """Refuses an access token of somebody else than the ID token's.

    Raises:
        Refusal: they are of two.
    """
    # Entra calls one person differently towards each application, and the API may be another than the pages.
    if issuer != person.issuer or (subject != person.subject and rules.profile != "entra"):
        raise Refusal(Reason.MALFORMED_CLAIM, "sub")


def _check_audience(claims: Claims, client_id: str) -> None:
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise Refusal(Reason.MALFORMED_CLAIM if "aud" in claims else Reason.MISSING_CLAIM, "aud")
    if client_id not in named:
        raise Refusal(Reason.WRONG_AUDIENCE, "aud")
    # Of several audiences one asked for the token, and that has to be us.
    if (len(named) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise Refusal(Reason.WRONG_CLIENT, "azp")


def _check_nonce(claims: Claims, nonce: str) -> None:
    found = claims.get("nonce")
    if not isinstance(found, str) or not hmac.compare_digest(found.encode("utf-8", "surrogatepass"), nonce.encode()):
        raise Refusal(Reason.WRONG_NONCE, "nonce")


def _check_hash(claims: Claims, algorithm: str, access_token: str | None) -> None:
    if "at_hash" not in claims:
        return
    # Section 3.1.3.6: the left half of the hash that the signature's algorithm uses; SHA-512 for Ed25519.
    digest = getattr(hashlib, f"sha{algorithm[-3:]}" if algorithm[-3:].isdigit() else "sha512")
    half = digest((access_token or "").encode()).digest()
    expected = base64.urlsafe_b64encode(half[: len(half) // 2]).rstrip(b"=")
    found = claims["at_hash"]
    if not isinstance(found, str) or not hmac.compare_digest(found.encode("utf-8", "surrogatepass"), expected):
        raise Refusal(Reason.MALFORMED_CLAIM, "at_hash")


def _name(claims: Claims) -> str | None:
    found = (claims.get(name) for name in _NAMES)
    return next((name[:_MAX_NAME] for name in found if isinstance(name, str) and name.strip()), None)
