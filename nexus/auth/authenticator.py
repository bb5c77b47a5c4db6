"""The one object that turns tokens into principals: issuers, their keys, the verifier and the cache put together."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import aiohttp

from nexus.auth.claims_cache import ClaimsCache
from nexus.auth.compact import Compact, TokenBounds
from nexus.auth.counters import Counters
from nexus.auth.document_fetch import FetchLimits
from nexus.auth.exposure import local_issuer_serves
from nexus.auth.key_download import KeyDownload
from nexus.auth.key_source import KeySource, Spawn
from nexus.auth.key_store import KeyStore
from nexus.auth.keys import IssuerStatus
from nexus.auth.local_issuer import LocalIssuer, LocalKeys
from nexus.auth.refusal import KeysUnavailable, Refusal
from nexus.auth.token_rules import TokenRules, all_rules
from nexus.auth.verifier import TrustedIssuer, Verifier
from nexus.config.auth_settings import WITHOUT_TABLE, AuthSettings
from nexus.config.state_dir import VARIABLE, StateDirectoryUnusable
from nexus.host.own_thread import in_own_thread
from nexus.spec.principal import Principal


class Authenticator:
    """Authenticates bearer tokens by the settings; an async context manager for as long as it serves.

    It starts and serves while issuers are down: their tokens are then answered with `KeysUnavailable`.

    Args:
        settings: the `[global.auth]` table; None where there is none, then the local issuer serves.
        state_dir: where the local issuer and the last good keys lie.
        session: for requests to issuers; it should keep no cookies and trust no proxy variables.
        spawn: starts a task that somebody owns; all of them end with this object.
        wall: seconds since the epoch, for claims.
        monotonic: seconds, for the age of keys.

    Attributes:
        counters: of tokens taken and refused.
        cached: gives the principal of a token that was verified before and would be found the same now; never waits.
    """

    def __init__(
        self,
        settings: AuthSettings | None,
        *,
        state_dir: Path,
        session: aiohttp.ClientSession,
        spawn: Spawn,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_local = local_issuer_serves(settings)
        self._settings = settings or WITHOUT_TABLE
        self._rules = all_rules(self._settings)
        self._state_dir = state_dir
        self._session = session
        self._spawn = spawn
        self._wall = wall
        self._monotonic = monotonic
        self._exits = AsyncExitStack()
        self._trusted: tuple[TrustedIssuer, ...] = ()
        self._verifier = Verifier(())
        self.counters = Counters()
        self._cache = ClaimsCache(
            self.counters,
            max_entries=self._settings.cache_entries,
            wall=wall,
            monotonic=monotonic,
        )
        self.cached: Callable[[str], Principal | None] = self._cache.principal

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            trusted = [
                TrustedIssuer(rules, await exits.enter_async_context(self._source(rules))) for rules in self._rules
            ]
            if self._is_local:
                local = await in_own_thread("nexus-local-issuer", lambda: _open_local(self._state_dir))
                trusted.append(TrustedIssuer(local.rules(), LocalKeys(local)))
            self._trusted = tuple(trusted)
            self._verifier = Verifier(
                trusted,
                wall=self._wall,
                bounds=TokenBounds(
                    max_token_bytes=self._settings.max_token_bytes,
                    max_header_bytes=self._settings.max_header_bytes,
                    max_json_depth=self._settings.max_json_depth,
                    max_integer_digits=self._settings.max_integer_digits,
                    max_kid_length=self._settings.max_kid_length,
                ),
            )
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._cache.clear()
        await self._exits.aclose()

    @property
    def issuers(self) -> tuple[str, ...]:
        """Names of the issuers whose tokens are taken, as RFC 9728's `authorization_servers` lists them.

        The local issuer is not among them: it is no server.
        """
        return tuple(rules.issuer for rules in self._rules)

    @property
    def permission(self) -> str:
        """What the introspection API asks for."""
        return self._settings.permission

    @property
    def verifier(self) -> Verifier:
        """The verifier, which decides the same without the cache."""
        return self._verifier

    @property
    def trusted(self) -> tuple[TrustedIssuer, ...]:
        """The issuers with their rules and keys, the local one included."""
        return self._trusted

    async def authenticate(self, token: str) -> Principal:
        """The principal of a token.

        Raises:
            Refusal: it is not good.
            KeysUnavailable: its issuer's keys are not to be had.
        """
        principal = self.cached(token)
        if principal is not None:
            return principal
        parts = self.read(token)
        try:
            if isinstance(parts, Refusal):
                raise parts
            return await self.verify(parts)
        finally:
            del parts  # as in `Verifier.parse`

    def read(self, token: str) -> Compact | Refusal:
        """The parts of a token, or why it is not of the form that is taken; a flood is not worth a coroutine each."""
        parts = self._verifier.read(token)
        if isinstance(parts, Refusal):
            self.counters.refuse(parts.reason)
        return parts

    async def verify(self, parts: Compact) -> Principal:
        """The principal of a token that was read.

        Raises:
            Refusal: it is not good.
            KeysUnavailable: its issuer's keys are not to be had.
        """
        try:
            claims = await self._verifier.verify_parts(parts)
        except Refusal as refusal:
            self.counters.refuse(refusal.reason)
            raise
        except KeysUnavailable:
            self.counters.unavailable += 1
            raise
        self.counters.verified += 1
        self._cache.put(parts.token, claims)
        return claims.principal

    def status(self) -> tuple[IssuerStatus, ...]:
        """How the keys of each issuer are doing."""
        return tuple(issuer.keys.status() for issuer in self._trusted)

    async def reload_keys(self) -> tuple[IssuerStatus, ...]:
        """Fetches all keys anew and forgets what was verified; tells how they are doing then."""
        self._cache.clear()
        await asyncio.gather(*(issuer.keys.reload() for issuer in self._trusted))
        return self.status()

    def _source(self, rules: TokenRules) -> KeySource:
        bounds = self._settings.keys
        limits = FetchLimits(bounds.timeout, bounds.connect_timeout, bounds.max_bytes)
        source = "\n".join([rules.jwks_uri or "discovery", *rules.jwks_hosts])
        return KeySource(
            KeyDownload(self._session, rules, limits, monotonic=self._monotonic),
            bounds,
            max_kid_length=self._settings.max_kid_length,
            store=KeyStore(self._state_dir, issuer=rules.issuer, source=source, max_bytes=bounds.max_bytes),
            spawn=self._spawn,
            wall=self._wall,
            monotonic=self._monotonic,
        )


def _open_local(state_dir: Path) -> LocalIssuer:
    try:
        return LocalIssuer.open(state_dir)
    except OSError as error:
        raise StateDirectoryUnusable(
            f"the local issuer's key cannot be kept in {state_dir} ({(error.strerror or 'no reason given').lower()}):"
            f" make room and make it writable, or set {VARIABLE} to a place that is"
        ) from error
