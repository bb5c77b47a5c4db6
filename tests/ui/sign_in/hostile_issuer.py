"""An issuer that says what a test wants it to say: for answers that no honest provider gives."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from nexus.testing.issuer import ABSENT, Issuer

CLIENT = "pages"


@dataclass
class Grant:
    """What is given for one code."""

    asked: dict[str, str]
    subject: str = "ada"
    permissions: tuple[str, ...] = ("admin",)
    claims: dict[str, object] = field(default_factory=dict)
    header: dict[str, object] = field(default_factory=dict)
    id_token: str | None = None
    access_token: str | None = None


class HostileIssuer(Issuer):
    """Gives tokens for codes, after it has checked what an honest issuer checks.

    Attributes:
        grants: by code; each is taken once.
        verifiers: every PKCE verifier that was sent.
        names_itself: what the metadata say of RFC 9207.
        signs_out_at: what they say of the place where people sign out.
        given: every token that was given.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.grants: dict[str, Grant] = {}
        self.verifiers: list[str | None] = []
        self.given: list[str] = []
        self.names_itself = True
        self.signs_out_at: object = None
        self.answer_metadata = self._full_metadata

    def settings_of_host(self, **ui: object) -> dict[str, Any]:
        """Tables of `[global]`."""
        return {
            "auth": {"issuer": self.url, "audience": self.audience},
            "ui": {"client_id": CLIENT, "client_secret": "s3cret-of-the-pages", **ui},
        }

    def grant(self, address: str, code: str = "code-1", **grant: Any) -> str:
        """Lets a code be had for the sign-in at `address`, where the host sent the browser to; gives the way back."""
        asked = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        self.grants[code] = Grant(asked, **grant)
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}&iss={self.url}"

    async def _full_metadata(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": self.jwks_uri,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "end_session_endpoint": self.signs_out_at,
                "authorization_response_iss_parameter_supported": self.names_itself,
            }
        )

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        self.verifiers.append(form.get("code_verifier"))
        grant = self.grants.pop(str(form.get("code")), None)
        if grant is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        asked, proof = grant.asked, str(form.get("code_verifier", ""))
        if form.get("redirect_uri") != asked["redirect_uri"] or s256(proof) != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        access = grant.access_token or self.mint(subject=grant.subject, permissions=grant.permissions)
        token = grant.id_token or self.id_token(grant.subject, asked["nonce"], grant.claims, grant.header)
        self.given += [access, token]
        return web.json_response({"access_token": access, "token_type": "Bearer", "id_token": token})

    def id_token(
        self,
        subject: str,
        nonce: str,
        claims: Mapping[str, object] | None = None,
        header: Mapping[str, object] | None = None,
    ) -> str:
        told = {"aud": CLIENT, "nonce": nonce, "name": "Ada", "scope": ABSENT, **(claims or {})}
        return self.mint(subject=subject, header={"typ": "JWT", **(header or {})}, claims=told)

    def unsigned(self, subject: str, nonce: str, algorithm: str, key: bytes = b"") -> str:
        """An ID token under `none`, or signed with a shared key."""
        good = self.id_token(subject, nonce).split(".")
        head = encode(json.dumps({"alg": algorithm, "typ": "JWT", "kid": self.keys[-1].kid}).encode())
        signed = f"{head}.{good[1]}"
        signature = encode(hmac.digest(key, signed.encode(), "sha256")) if key else ""
        return f"{signed}.{signature}"


def s256(verifier: str) -> str:
    return encode(hashlib.sha256(verifier.encode()).digest())


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
