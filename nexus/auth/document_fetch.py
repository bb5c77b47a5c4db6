"""Bounded reading of JSON documents from an issuer: what a hostile or broken server can cost us is fixed.

One total timeout, no redirects, only status 200, size counted after decoding, https except to this machine.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from nexus.auth import strict_json
from nexus.auth.loopback import is_loopback
from nexus.spec.errors import NexusError

_CHUNK_BYTES = 16_384
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age="?(\d{1,9})', re.IGNORECASE)
_NOT_REUSABLE = re.compile(r"(?:^|[,\s])(?:no-store|no-cache)(?:$|[,\s=])", re.IGNORECASE)


class FetchFailed(NexusError):
    """A document could not be had; the message names address and cause, never content."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one exchange: seconds in total, seconds to connect, bytes of the decoded body."""

    timeout: float = 5.0
    connect_timeout: float = 2.0
    max_bytes: int = 262_144


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed answer.

    Attributes:
        value: the JSON value.
        max_age: seconds that the server lets it be reused; None where it does not say.
        server_time: the `Date` field as seconds since the epoch; None where there is none.
        status: the status code, 200 unless others were allowed.
    """

    value: object
    max_age: int | None
    server_time: float | None
    status: int = 200


async def fetch_json(session: aiohttp.ClientSession, url: str, limits: FetchLimits) -> Document:
    """The JSON document at an address.

    Raises:
        FetchFailed: not allowed, not reachable, too slow, too large, not 200 or not JSON.
    """
    return await exchange_json(session, "GET", url, limits)


async def exchange_json(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    limits: FetchLimits,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    statuses: frozenset[int] = frozenset({200}),
) -> Document:
    """As `fetch_json`, with a method, a form and further header fields.

    Raises:
        FetchFailed: as `fetch_json`; other statuses than the given ones are failures.
    """
    check_address(url)
    timeout = aiohttp.ClientTimeout(total=limits.timeout, sock_connect=limits.connect_timeout)
    # Identity keeps honest servers from compressing; the cap below is what holds against the others.
    fields = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    try:
        async with (
            asyncio.timeout(limits.timeout),
            session.request(method, url, data=form, headers=fields, timeout=timeout, allow_redirects=False) as response,
        ):
            if response.status not in statuses:
                raise FetchFailed(f"{url} answered with status {response.status}")
            body = await _read(response, url, limits.max_bytes)
            # In a thread, because the widest text within the bounds takes 40 ms, which would stall every request.
            value = await asyncio.to_thread(strict_json.parse, body, max_bytes=limits.max_bytes)
            return Document(value, _max_age(response), _server_time(response), response.status)
    except TimeoutError:
        raise FetchFailed(f"{url} did not answer in full within {limits.timeout:g} s") from None
    except strict_json.MalformedJson as error:
        raise FetchFailed(f"{url} did not answer with proper JSON ({error})") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchFailed(
            f"{url} is not reachable ({_why(error)}): check the address, and that this machine can reach it"
        ) from None


def _why(error: Exception) -> str:
    """What went wrong, in words that repeat no address."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "the connection broke off"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__


async def _read(response: aiohttp.ClientResponse, url: str, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            response.close()
            raise FetchFailed(f"{url} answered with more than {max_bytes} bytes")
    return bytes(body)


def check_address(url: str) -> URL:
    """The address, where secrets and keys may be exchanged with it: https, or http to this machine.

    Raises:
        FetchFailed: it is not such an address.
    """
    try:
        parsed = URL(url)
    except (ValueError, TypeError):
        raise FetchFailed("the address is not a URL") from None
    host = parsed.host
    if host is None or parsed.user is not None or parsed.password is not None:
        raise FetchFailed("the address has no host, or has credentials in it")
    if parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(host)):
        return parsed
    raise FetchFailed(f"{parsed.scheme}://{host} is not used: only https is, except on this machine")


def _max_age(response: aiohttp.ClientResponse) -> int | None:
    field = ",".join(response.headers.getall("Cache-Control", []))
    if _NOT_REUSABLE.search(field):
        return 0
    match = _MAX_AGE.search(field)
    return int(match.group(1)) if match else None


def _server_time(response: aiohttp.ClientResponse) -> float | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
