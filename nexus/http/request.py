"""The request as the host's own server makes it: it can be matched and stripped in place.

aiohttp's way to change a request's headers is a clone, which costs as much as everything else the host does for it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import MultipartReader, web
from aiohttp.helpers import reify
from multidict import CIMultiDictProxy

if TYPE_CHECKING:
    from aiohttp.web_urldispatcher import UrlMappingMatchInfo


class HostRequest(web.Request):
    """A request of the host's own server."""

    ATTRS = web.Request.ATTRS | {"_withholding"}

    _withholding: Callable[[web.Request], CIMultiDictProxy[str]] | None = None

    def matched(self, match: "UrlMappingMatchInfo") -> None:
        """Takes the match, as aiohttp's application would give it."""
        self._match_info = match

    def forget(self) -> None:
        """Lets go of the route and of what was stored with the request; for when it is answered and nobody has it."""
        self._match_info = None
        self._state.clear()
        self._cache.clear()

    def withhold(self, left: Callable[[web.Request], CIMultiDictProxy[str]]) -> None:
        """Hides header fields in everything that the request tells of itself from now on.

        Args:
            left: gives those that stay; asked once, when something is told of them, since hardly a handler reads a
                header.
        """
        if self._withholding is not None:
            self._strip_headers()  # who withholds more, or nothing, gives nothing back
        self._withholding = left
        for told in ("headers", "message", "forwarded", "cookies"):
            self._cache.pop(told, None)

    @reify
    def headers(self) -> CIMultiDictProxy[str]:
        """The header fields."""
        self._strip_headers()
        return self._headers

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Name and value of each header field, as bytes."""
        self._strip_message()
        return self._message.raw_headers

    @property
    def message(self) -> Any:
        """What was parsed; deprecated by aiohttp."""
        self._strip_message()
        return super().message

    @property
    def forwarded(self) -> Any:
        """The parsed `Forwarded` fields (RFC 7239)."""
        self._strip_message()
        return super().forwarded

    async def multipart(self) -> MultipartReader:
        """A reader of the body's parts, which knows the request's header fields."""
        self._strip_headers()
        return await super().multipart()

    def clone(self, **changes: Any) -> web.Request:
        """Gives a copy with changes, which lacks what was withheld too."""
        self._strip_message()
        return super().clone(**changes)

    def _strip_headers(self) -> None:
        left, self._withholding = self._withholding, None
        if left is not None:
            self._headers = left(self)

    def _strip_message(self) -> None:
        self._strip_headers()
        # Late, since hardly a handler asks for what is made of the message, and copying it costs microseconds.
        if self._message.headers is self._headers:
            return
        raw = tuple((_as_sent(name), _as_sent(value)) for name, value in self._headers.items())
        self._message = self._message._replace(headers=self._headers, raw_headers=raw)


def _as_sent(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class ForeignRequest(HostRequest):
    """A request of a version of HTTP that is not spoken here; answered as 1.0, since any client reads that."""
