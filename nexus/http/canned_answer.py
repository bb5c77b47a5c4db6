"""Answers of which only the request's id differs from one to the next, written out once: what a flood is given.

An answer to a refused request must not cost more than one to a good request does, or refusing is a way to be overrun.
"""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict

from nexus.http.request_ids import X_REQUEST_ID

_COMMON: Final = 2
"""Header fields that `Shell.complete` adds to every answer: `Server` and `X-Request-ID`."""


class Canned:
    """What such answers have in common.

    Args:
        answer: one of them, without its body.
        before: what stands in the body before the id.
        after: what stands there behind it.

    Attributes:
        attributes: of the answer, as its class keeps them.
        headers: its header fields.
    """

    __slots__ = ("_fields", "_start", "_status_line", "after", "attributes", "before", "headers")

    def __init__(self, answer: web.Response, before: str, after: str) -> None:
        self.before = before
        self.after = after
        self.attributes = answer.__dict__
        self.headers = answer.headers
        self._fields = len(self.headers) + _COMMON
        self._status_line = f"HTTP/1.1 {answer.status} {answer.reason}"
        self._start = _serialize_headers(self._status_line, self.headers).decode().removesuffix("\r\n")

    def head(self, headers: CIMultiDict[str], length: int) -> bytes:
        """Gives the head of an answer with a body of `length` bytes; its length and date are not among `headers`."""
        if len(headers) != self._fields:
            # It tells that its connection is to close.
            headers[hdrs.CONTENT_LENGTH], headers[hdrs.DATE] = str(length), rfc822_formatted_time()
            return _serialize_headers(self._status_line, headers)
        # Neither of the two values has a line end in it: a request's id is made of a few harmless characters.
        return (
            f"{self._start}Content-Length: {length}\r\nDate: {rfc822_formatted_time()}\r\n"
            f"Server: {headers[hdrs.SERVER]}\r\nX-Request-ID: {headers[X_REQUEST_ID]}\r\n\r\n"
        ).encode()


class CannedAnswer(web.Response):
    """An answer that differs from others of its kind by the request's id alone.

    It is final: header fields may be added to it, and its connection closed after it; no more is looked at when it is
    sent.
    """

    def __init__(self, canned: Canned, request_id: str) -> None:
        # Not by way of the base class, which would check anew what was checked when the first of the kind was made.
        self.__dict__.update(canned.attributes)
        self.canned = canned
        self._state = {}
        self._headers = canned.headers.copy()
        self._body = f"{canned.before}{request_id}{canned.after}".encode()

    @property
    def is_as_made(self) -> bool:
        """True where no field was added to it, and nobody has asked to close its connection."""
        return self._keep_alive is None and len(self._headers) == len(self.canned.headers)
