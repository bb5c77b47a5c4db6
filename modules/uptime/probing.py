"""Asks one target whether it answers."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp

from .settings import Target

_REDIRECTS: Final = 5

_HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": "nexus-uptime",
    "Accept-Encoding": "identity",  # no body is wanted, least of all one that grows when it is unpacked
    "Cache-Control": "no-cache",
}

_CLEAR: Final = (aiohttp.ClientConnectorDNSError, aiohttp.ClientSSLError)

_TOLD: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "the name of its host does not resolve"),
    (aiohttp.ClientSSLError, "no TLS connection: the handshake failed, or its certificate is not trusted"),
    (aiohttp.TooManyRedirects, f"it redirects more than {_REDIRECTS} times"),
    (aiohttp.ServerDisconnectedError, "it closed the connection without an answer"),
    (aiohttp.ClientOSError, "the connection broke"),
)
"""The first that fits counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one probe found.

    Attributes:
        at: UTC instant at which it began.
        seconds: until the head of the answer had come, or the failure.
        status: of the answer, None where there was none.
        reason: why this is a failure, None where the target is well.
    """

    at: datetime
    seconds: float
    status: int | None = None
    reason: str | None = None

    @property
    def is_well(self) -> bool:
        """True where the target answered as expected."""
        return self.reason is None


async def probe(http: aiohttp.ClientSession, target: Target) -> Result:
    """Asks once; a target that does not answer is a result too. The body is never read: the head says enough."""
    at, began = datetime.now(UTC), time.monotonic()
    status, reason = None, None
    try:
        async with http.request(
            target.method,
            target.url,
            headers=_HEADERS,
            allow_redirects=target.follow_redirects,
            max_redirects=_REDIRECTS,
            timeout=aiohttp.ClientTimeout(total=target.timeout),
        ) as answer:
            seconds = time.monotonic() - began
            status = answer.status
        if status not in target.statuses:
            reason = f"status {status} instead of {target.statuses}"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        seconds = time.monotonic() - began
        reason = _told(error, target)
    return Result(at=at, seconds=round(seconds, 4), status=status, reason=reason)


def _told(error: Exception, target: Target) -> str:
    """Says in our words what is wrong: the library's texts hold addresses, and differ from version to version."""
    if isinstance(error, TimeoutError):
        return f"no answer within {target.timeout:g} s"
    if isinstance(error, aiohttp.ClientConnectorError) and error.errno and not isinstance(error, _CLEAR):
        return f"no connection: {os.strerror(error.errno)}"
    told = (text for kind, text in _TOLD if isinstance(error, kind))
    return next(told, f"no usable answer ({type(error).__name__})")
