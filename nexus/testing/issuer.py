"""An issuer of tokens for tests: discovery, key set and token endpoint over HTTP, in the test's own process.

```python
async with Issuer() as issuer:
    token = issuer.mint(subject="ann", permissions={"admin"})
    settings = issuer.settings()        # what goes into [global.auth]
```
"""

import base64
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Self
from urllib.parse import unquote_plus

from aiohttp import BasicAuth, web
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from nexus.config.auth_settings import AuthSettings

ABSENT: Final = object()
"""As the value of a claim or header member of `Issuer.mint`: leave it out."""

_ALGORITHM = "RS256"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Issuer:
    """Mints tokens and publishes the keys to verify them; an async context manager for as long as it is reachable.

    Args:
        audience: the `aud` of minted tokens.
        key: the first key; made anew where it is not given, which takes about a tenth of a second.
        clients: ids and secrets that the token endpoint knows.
        wall: the clock of minted tokens, seconds since the epoch.

    Attributes:
        audience: as given.
        keys: what is published; the last one signs. Change it as you like.
        requests: paths that were asked for, in order.
        answer: where set, answers requests for the key set in place of it.
        answer_metadata: the same for the metadata.
    """

    def __init__(
        self,
        *,
        audience: str = "https://nexus.example",
        key: RSAKey | None = None,
        clients: Mapping[str, str] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.audience = audience
        self.keys = [_with_kid(key or RSAKey.generate_key(2048))]
        self.requests: list[str] = []
        self.answer: Answer | None = None
        self.answer_metadata: Answer | None = None
        self._clients = dict(clients or {})
        self._wall = wall
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Makes it reachable; after `stop`, at the same address as before."""
        app = web.Application(middlewares=[self._note])
        app.router.add_get("/.well-known/openid-configuration", self._metadata)
        app.router.add_get("/jwks.json", self._jwks)
        app.router.add_post("/token", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Takes it down, as in an outage."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The issuer's name, and where it is reached."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def jwks_uri(self) -> str:
        """Where the keys are."""
        return f"{self.url}/jwks.json"

    @property
    def fetches(self) -> int:
        """How often the key set was asked for."""
        return self.requests.count("/jwks.json")

    def settings(self, **overrides: object) -> AuthSettings:
        """Settings that trust this issuer and no other."""
        return AuthSettings.model_validate({"issuer": self.url, "audience": self.audience, **overrides})

    def mint(
        self,
        *,
        subject: str = "tester",
        permissions: Iterable[str] = (),
        ttl: float = 300,
        header: Mapping[str, object] | None = None,
        key: RSAKey | None = None,
        claims: Mapping[str, object] | None = None,
        **more_claims: object,
    ) -> str:
        """A signed token.

        Args:
            subject: its `sub`.
            permissions: what goes into `scope`.
            ttl: seconds until `exp`.
            header: header members in place of, or besides, `alg`, `typ` and `kid`.
            key: signs in place of the current key, under the current key's id.
            claims: claims in place of, or besides, the usual ones; `ABSENT` leaves one out.
            **more_claims: the same, for names that are no other argument.
        """
        now = int(self._wall())
        usual = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "scope": " ".join(sorted(permissions)),
            "iat": now,
            "exp": now + ttl,
            "jti": secrets.token_hex(8),
        }
        members = {"alg": _ALGORITHM, "typ": "at+jwt", "kid": self.keys[-1].kid}
        return self.sign(
            _merged(members, header or {}),
            json.dumps(_merged(usual, {**(claims or {}), **more_claims})).encode(),
            key=key,
        )

    def sign(self, header: Mapping[str, object] | bytes, payload: bytes, *, key: RSAKey | None = None) -> str:
        """A token of any header and payload, right or wrong, with a good RS256 signature."""
        head = header if isinstance(header, bytes) else json.dumps(header).encode()
        signing_input = _base64url(head) + b"." + _base64url(payload)
        signature = JWSRegistry.algorithms[_ALGORITHM].sign(signing_input, key or self.keys[-1])
        return (signing_input + b"." + _base64url(signature)).decode()

    def rotate(self, key: RSAKey | None = None, *, withdraw: bool = False) -> None:
        """Signs with a new key from now on; the old ones stay published unless `withdraw`."""
        fresh = _with_kid(key or RSAKey.generate_key(2048))
        self.keys = [fresh] if withdraw else [*self.keys, fresh]

    @web.middleware
    async def _note(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        self.requests.append(request.path)
        return await handler(request)

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        if self.answer_metadata is not None:
            return await self.answer_metadata(request)
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": self.jwks_uri,
                "token_endpoint": f"{self.url}/token",
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }
        )

    async def _jwks(self, request: web.Request) -> web.StreamResponse:
        if self.answer is not None:
            return await self.answer(request)
        members = {"use": "sig", "alg": _ALGORITHM}
        return web.json_response({"keys": [{**key.as_dict(private=False), **members} for key in self.keys]})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if "Authorization" in request.headers:
            credentials = BasicAuth.decode(request.headers["Authorization"])
            client, secret = unquote_plus(credentials.login), unquote_plus(credentials.password)
        if client not in self._clients or not secrets.compare_digest(self._clients[client], secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        if self.audience not in {form.get("audience"), form.get("resource")}:
            return web.json_response({"error": "invalid_target"}, status=400)
        token = self.mint(subject=client, permissions=form.get("scope", "").split(), client_id=client)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 300})


def _with_kid(key: RSAKey) -> RSAKey:
    key.ensure_kid()
    return key


def _merged(usual: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**usual, **changes}.items() if value is not ABSENT}


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
