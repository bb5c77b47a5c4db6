"""What modules do not get to see of a request: the caller's credentials, and claims about the caller from outside.

Credentials are also the cookies of the host's own pages, which browsers send to every path of the host.

A module knows its caller from the `Principal` alone. A header that a proxy of another host would set can be set by
anyone here, so none of them passes (findings of many hosts: CWE-290, authentication bypass by spoofing).
"""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from nexus.http.request import HostRequest

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_IDENTITY: Final = (
    "authorization",
    "proxy-authorization",
    "remote-user",
    "remote-name",
    "remote-email",
    "remote-groups",
    "x-access-token",
    "x-amzn-oidc-",
    "x-auth-",
    "x-authenticated-",
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-goog-authenticated-",
    "x-goog-iap-",
    "x-jwt-",
    "x-ms-client-principal",
    "x-ms-token-",
    "x-remote-",
    "x-user-id",
    "x-userinfo",
    "x-webauth-",
    "cf-access-",
    "tailscale-user-",
)
"""Beginnings of names by which oauth2-proxy, Authelia, Istio, the clouds' gateways and others tell an identity."""

_FORWARDING: Final = ("forwarded", "x-forwarded-", "x-real-ip", "x-client-ip", "true-client-ip")
"""Where a request came from (RFC 7239 and what was before it); believed from trusted proxies only."""

_OWN_COOKIES: Final = ("__Host-nexus_", "nexus_")
"""Beginnings of the names of cookies of the host's pages."""

_KEPT_VERDICTS: Final = 1024


class _Verdicts(dict[str, bool]):
    """Whether a header's name, as spelled, begins with one of the given; names repeat, so each is judged once."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        super().__init__()
        self._beginnings = beginnings

    def __missing__(self, name: str) -> bool:
        verdict = name.lower().replace("_", "-").startswith(self._beginnings)
        # Callers choose names: what is kept is bounded, and a flood of odd names is judged each time.
        if len(self) < _KEPT_VERDICTS:
            self[name] = verdict
        return verdict


class Withholding:
    """Takes from a request what modules must not see.

    Args:
        trusted_proxies: addresses or networks of peers whose word on where a request came from is believed.
    """

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._proxies: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ipaddress.ip_network(proxy, strict=False) for proxy in trusted_proxies
        )
        self._identity = _Verdicts(_IDENTITY)
        self._withheld = _Verdicts(_IDENTITY + _FORWARDING)

    def apply(self, request: web.Request) -> web.Request:
        """Gives the request that a module's handler may have; the same one where it can be changed."""
        if isinstance(request, HostRequest):
            request.withhold(self._left)
            return request
        # Served by another server than the host's own (aiohttp's test server).
        left = self._left(request)
        return request if left is request.headers else request.clone(headers=left)

    def _left(self, request: web.Request) -> CIMultiDictProxy[str]:
        headers = request._headers  # noqa: SLF001 - asking for the public ones is what this answers
        names = self._names(request, headers)
        cookies = headers.getall(hdrs.COOKIE, ())
        foreign = [_without_own(cookie) for cookie in cookies]
        if not names and foreign == [*cookies]:
            return headers
        left = headers.copy()
        for name in names:
            left.popall(name, None)
        left.popall(hdrs.COOKIE, None)
        left.extend((hdrs.COOKIE, cookie) for cookie in foreign if cookie)
        return CIMultiDictProxy(left)

    def _names(self, request: web.Request, headers: CIMultiDictProxy[str]) -> list[str]:
        names = [name for name in headers if self._withheld[name]]
        if names and self._proxies and self._is_trusted(request.remote):
            return [name for name in names if self._identity[name]]
        return names

    def _is_trusted(self, peer: str | None) -> bool:
        if peer is None:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


def _without_own(cookies: str) -> str:
    if "nexus_" not in cookies:
        return cookies
    return ";".join(pair for pair in cookies.split(";") if not pair.strip().startswith(_OWN_COOKIES)).strip()
