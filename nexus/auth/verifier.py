"""From a token to verified claims: the only place where they are made.

Order: form and header, issuer by its exact name, algorithm by the issuer's list, key by the issuer's keys, signature,
claims. Nothing of the token chooses where keys come from, and nothing before the signature is believed.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from joserfc import jws
from joserfc.jws import CompactSignature, JWSRegistry

from nexus.auth.claim_rules import check_claims
from nexus.auth.compact import Compact, TokenBounds, parse_compact
from nexus.auth.key_ring import KeyRing, PublicKey
from nexus.auth.keys import Keys
from nexus.auth.profiles import PROFILES, Profile
from nexus.auth.refusal import KeysUnavailable, Reason, Refusal
from nexus.auth.token_rules import ContradictoryIssuers, TokenRules
from nexus.auth.unforeseen import log_unforeseen
from nexus.spec.principal import Principal

_log = logging.getLogger("nexus.auth")
_SEAL: Final = object()
_BOUNDS: Final = TokenBounds()


@dataclass(frozen=True, slots=True)
class VerifiedClaims:
    """What a token tells whose signature, issuer and claims were all found good; made by `Verifier` only.

    Attributes:
        principal: who it is.
        valid_from: first instant, in seconds since the epoch, at which the token is good; leeway included.
        valid_until: first instant at which it is good no more.
        keys: the source whose key made the signature.
        ring: what that source held then.
    """

    seal: InitVar[object]
    principal: Principal
    valid_from: float
    valid_until: float
    keys: Keys
    ring: KeyRing | None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only the verifier makes verified claims")


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer whose tokens are taken: its rules and its keys."""

    rules: TokenRules
    keys: Keys


@dataclass(frozen=True, slots=True)
class _Checker:
    rules: TokenRules
    keys: Keys
    profile: Profile
    registry: JWSRegistry


class Verifier:
    """Verifies tokens of the given issuers; keeps no state of its own."""

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        *,
        wall: Callable[[], float] = time.time,
        bounds: TokenBounds = _BOUNDS,
    ) -> None:
        checkers: dict[str, _Checker] = {}
        for issuer in issuers:
            rules = issuer.rules
            checker = _Checker(rules, issuer.keys, PROFILES[rules.profile], signature_registry(rules.algorithms))
            for name in rules.accepted_issuers:
                if name in checkers:
                    raise ContradictoryIssuers(f"issuer {name} is configured twice, keep one of them")
                checkers[name] = checker
        self._checkers: Mapping[str, _Checker] = MappingProxyType(checkers)
        self._wall = wall
        self._bounds = bounds

    async def verify(self, token: str) -> VerifiedClaims:
        """What the token tells.

        Raises:
            Refusal: it is not good; also where something unforeseen happens, with the reason `internal`.
            KeysUnavailable: its issuer's keys are not to be had.
        """
        return await self.verify_parts(self.parse(token))

    def parse(self, token: str) -> Compact:
        """Gives the parts of a token, of which nothing is verified.

        Raises:
            Refusal: it is not of the form that is taken; also as `verify`.
        """
        parts = self.read(token)
        try:
            if isinstance(parts, Refusal):
                raise parts from None
            return parts
        finally:
            # An exception that a frame of its own traceback holds would wait for the collector.
            del parts

    def read(self, token: str) -> Compact | Refusal:
        """Gives the parts of a token, of which nothing is verified, or the refusal that `parse` would raise."""
        try:
            return parse_compact(token, self._bounds)
        except Exception as error:  # noqa: BLE001 - as in `verify_parts`
            log_unforeseen(_log, error)
            return Refusal(Reason.INTERNAL)

    async def verify_parts(self, parts: Compact) -> VerifiedClaims:
        """As `verify`, for who has the parts.

        Raises:
            Refusal: as `verify`.
            KeysUnavailable: as `verify`.
        """
        try:
            return await self._verify(parts)
        except (Refusal, KeysUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a token makes a library do, it must not get past here
            log_unforeseen(_log, error)
            raise Refusal(Reason.INTERNAL) from None

    async def _verify(self, parts: Compact) -> VerifiedClaims:
        header = parts.header
        name = parts.claims.get("iss")
        checker = self._checkers.get(name) if isinstance(name, str) else None
        if checker is None or not isinstance(name, str):
            raise Refusal(Reason.UNKNOWN_ISSUER, "iss")
        if header.algorithm not in checker.rules.algorithms:
            raise Refusal(Reason.WRONG_ALGORITHM, "alg")
        key = checker.keys.find(header.kid, header.algorithm)
        if key is None:
            key = await checker.keys.require(header.kid, header.algorithm)
        ring = checker.keys.ring
        check_signature(parts, key, checker.registry)
        facts = check_claims(parts.claims, header.type, checker.rules, checker.profile, self._wall())
        principal = Principal(
            issuer=name,
            subject=facts.subject,
            client=facts.client,
            permissions=facts.permissions,
            expires_at=datetime.fromtimestamp(facts.valid_until, UTC),
            actor=facts.actor,
        )
        return VerifiedClaims(_SEAL, principal, facts.valid_from, facts.valid_until, checker.keys, ring)


def signature_registry(algorithms: Iterable[str]) -> JWSRegistry:
    """Gives joserfc's registry in which these algorithms are allowed and no other."""
    return JWSRegistry(algorithms=frozenset(_joserfc_name(name) for name in algorithms))


def _joserfc_name(algorithm: str) -> str:
    # EdDSA stands for Ed25519 here, as only such keys are imported; under the old name joserfc warns (RFC 9864).
    return "Ed25519" if algorithm == "EdDSA" else algorithm


def check_signature(parts: Compact, key: PublicKey, registry: JWSRegistry) -> None:
    """Refuses a token that the key has not signed.

    Raises:
        Refusal: it has not.
    """
    # joserfc sees none of the other members: `compact` has read them by stricter rules.
    signed = CompactSignature({"alg": _joserfc_name(parts.header.algorithm)}, b"")
    signed.segments["header"] = parts.header_segment.encode()
    signed.segments["payload"] = parts.payload_segment.encode()
    signed.segments["signature"] = parts.signature_segment.encode()
    if not jws.validate_compact(signed, key, registry=registry):
        raise Refusal(Reason.BAD_SIGNATURE)
