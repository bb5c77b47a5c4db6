"""The name and port by which a browser reached the host, as its `Host` field tells them: anybody's text."""

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from nexus.auth.loopback import is_loopback

_AUTHORITY: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and port (RFC 3986, section 3.2).

    Attributes:
        text: as it was sent.
        host: name or address.
        port: as digits; that of plain HTTP where none is told.
    """

    text: str
    host: str
    port: str

    @property
    def is_loopback(self) -> bool:
        """True for this machine, by name or address."""
        return is_loopback(self.host)


NOWHERE: Final = Authority("", "", "80")
"""Of a request that names no host in any form that a browser would send."""


def authority_of(request: web.Request) -> Authority:
    """Gives what a request says of where it was sent to."""
    found = _AUTHORITY.fullmatch(request.host)
    return Authority(request.host, found[1], found[2] or "80") if found else NOWHERE
