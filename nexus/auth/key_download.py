"""How the key set of one issuer is downloaded: from the configured address, or from where its metadata points."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from nexus.auth.discovery import discover
from nexus.auth.document_fetch import FetchFailed, FetchLimits, fetch_json
from nexus.auth.token_rules import TokenRules

REDISCOVER_AFTER = 86_400.0  # seconds after which an issuer is asked again where its keys are


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A key set as published, unchecked; `max_age` and `server_time` as in `Document`."""

    document: object
    max_age: int | None
    server_time: float | None


class KeyDownload:
    """Knows where the keys of an issuer are; keeps no keys."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        rules: TokenRules,
        limits: FetchLimits,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self.issuer = rules.issuer
        self.algorithms = rules.algorithms
        self._session = session
        self._rules = rules
        self._limits = limits
        self._monotonic = monotonic
        self._discovered: str | None = None
        self._discovered_at = 0.0

    async def fetch(self) -> Downloaded:
        """The key set.

        Raises:
            NexusError: it could not be had, in at most twice the configured time.
        """
        try:
            async with asyncio.timeout(2 * self._limits.timeout):
                address = self._rules.jwks_uri or await self._discover()
                document = await fetch_json(self._session, address, self._limits)
        except TimeoutError:
            raise FetchFailed(f"the issuer {self.issuer} answers too slowly") from None
        except FetchFailed:
            self._discovered = None
            raise
        return Downloaded(document.value, document.max_age, document.server_time)

    async def _discover(self) -> str:
        now = self._monotonic()
        if self._discovered is None or now - self._discovered_at > REDISCOVER_AFTER:
            metadata = await discover(
                self._session,
                self._rules.issuer,
                accepted=self._rules.metadata_issuers,
                jwks_hosts=self._rules.jwks_hosts,
                limits=self._limits,
            )
            self._discovered = metadata.jwks_uri
            self._discovered_at = now
        return self._discovered
