"""One row of the attack list as a token: judged by the authenticator and, in `tests/attacks`, over HTTP."""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from nexus.auth.refusal import Reason
from nexus.testing.issuer import Issuer

API = "https://nexus.example"
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Case:
    """A token and the decision on it.

    Attributes:
        id: begins with the number of the row.
        make: makes the token; it may change what the issuer publishes.
        reasons: why it is refused, any of them; empty where it is accepted.
        settings: of `[global.auth]`, besides issuer and audience.
        permissions: what an accepted token permits; None where that is not the point.
    """

    id: str
    make: Callable[[Issuer], str]
    reasons: tuple[Reason, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    permissions: frozenset[str] | None = None


def refused(id_: str, make: Callable[[Issuer], str], *reasons: Reason, **settings: Any) -> Case:
    assert reasons
    return Case(id=id_, make=make, reasons=reasons, settings=settings)


def accepted(id_: str, make: Callable[[Issuer], str], *permissions: str, **settings: Any) -> Case:
    return Case(id=id_, make=make, settings=settings, permissions=frozenset(permissions) if permissions else None)


def parametrize(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])


@functools.cache
def attacker() -> RSAKey:
    """A key that no issuer publishes."""
    return RSAKey.generate_key(2048)


def now(issuer: Issuer) -> int:
    """The clock of the issuer and, in these tests, of the host."""
    return int(issuer._wall())


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "==")


def claims_of(token: str) -> str:
    return token.split(".")[1]


def claims_text(issuer: Issuer) -> str:
    return decoded(claims_of(issuer.mint())).decode()


def header_of(issuer: Issuer, **members: object) -> dict[str, object]:
    return {"alg": "RS256", "typ": "at+jwt", "kid": issuer.keys[0].kid, **members}


def unsigned(issuer: Issuer, header: Mapping[str, object], signature: str = "") -> str:
    return f"{b64(json.dumps(header).encode())}.{claims_of(issuer.mint())}.{signature}"


def signed_by(issuer: Issuer, header: Mapping[str, Any], key: Any, algorithm: str | None = None) -> str:
    """A token with good claims, an arbitrary header and a signature by an arbitrary key."""
    signing_input = f"{b64(json.dumps(header).encode())}.{claims_of(issuer.mint())}"
    model = JWSRegistry.algorithms[algorithm or header["alg"]]
    return f"{signing_input}.{b64(model.sign(signing_input.encode(), key))}"
