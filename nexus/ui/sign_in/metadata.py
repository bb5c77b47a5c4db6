"""Where the issuer lets people sign in, looked up when somebody wants to, and again after a while."""

import asyncio
import time
from typing import Final

import aiohttp

from nexus.auth.discovery import DiscoveryFailed, IssuerMetadata, discover
from nexus.auth.document_fetch import FetchFailed, FetchLimits, check_address
from nexus.auth.token_rules import TokenRules
from nexus.spec.errors import NexusError, Problem

_FRESH: Final = 600.0
"""Seconds for which it is not looked up again."""

_RETRY: Final = 5.0
"""Seconds after a failure in which nobody asks the issuer again."""


class MetadataSource:
    """The metadata of one issuer; one lookup for any number of callers, and the last good one while it is down."""

    def __init__(self, session: aiohttp.ClientSession, rules: TokenRules, limits: FetchLimits) -> None:
        self._session = session
        self._rules = rules
        self._limits = limits
        self._looking = asyncio.Lock()
        self._known: IssuerMetadata | None = None
        self._error = ""
        self._next = 0.0

    async def get(self) -> IssuerMetadata:
        """Gives the metadata; both endpoints of sign-in are in it.

        Raises:
            Problem: 503, the issuer does not tell.
        """
        if time.monotonic() >= self._next:
            async with self._looking:
                if time.monotonic() >= self._next:
                    await self._look()
        if self._known is None:
            raise Problem(503, f"sign-in cannot begin now: {self._error}", headers={"Retry-After": str(int(_RETRY))})
        return self._known

    async def _look(self) -> None:
        rules = self._rules
        try:
            found = await discover(
                self._session,
                rules.issuer,
                accepted=rules.metadata_issuers,
                jwks_hosts=rules.jwks_hosts,
                limits=self._limits,
            )
            _check_endpoints(found)
        except NexusError as error:
            self._error = str(error)
            self._next = time.monotonic() + _RETRY
        else:
            self._known = found
            self._next = time.monotonic() + _FRESH


def _check_endpoints(metadata: IssuerMetadata) -> None:
    for name in ("authorization_endpoint", "token_endpoint"):
        try:
            check_address(getattr(metadata, name) or "")
        except FetchFailed as error:
            raise DiscoveryFailed(f"the {name} of {metadata.issuer} is not usable ({error})") from None
